"""Exports: a plan's ledger or figures as CSV or NDJSON, one page of rows in memory at a time (B2, R23).

The ledger is read by its key, page after page, each page a statement of its own: no transaction stays open
while somebody downloads slowly. So every recipient is in it exactly once, as of the moment their page was read.
Rows name customers by the platform's own ids and hold nothing else that is personal.
"""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from models import database, experiment, metric
from models.identifier import NO_CUSTOMER, global_id
from models.metric import DeliveryOutcome, PlanFigures

PAGE = 500
"""Rows of the ledger that are in memory at once, and written in one turn: a hundredth of a second, in which nobody else is
served by the process."""


class ExportContent(StrEnum):
    """What of a plan: every recipient, or what it brought."""

    LEDGER = "LEDGER"
    FIGURES = "FIGURES"


class ExportFormat(StrEnum):
    """How it is written: RFC 4180, or a JSON object on each line."""

    CSV = "CSV"
    NDJSON = "NDJSON"


MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.NDJSON: "application/x-ndjson"}

LEDGER = (
    "message", "customer", "occasion", "channel", "language", "variant", "state", "reason", "attempts",
    "createdAt", "notBefore", "sentAt", "readAt", "clickedAt", "repliedAt",
    "machineReadAt", "machineClickedAt",
)  # fmt: skip
"""Columns of a ledger."""

FIGURES = ("figure", "state", "reason", "value")
"""Columns of figures: what is counted, of which outcome where it is one of several, and how many (or how much)."""

Rows = Sequence[Sequence[Any]]


async def written(plan_id: int, content: ExportContent, form: ExportFormat) -> AsyncGenerator[bytes]:
    """A plan's ledger or figures, in parts of a hundred kilobytes or two."""
    columns = LEDGER if content is ExportContent.LEDGER else FIGURES
    if form is ExportFormat.CSV:
        yield _csv([columns])
    pages = _ledger(plan_id) if content is ExportContent.LEDGER else _figures(plan_id)
    async for rows in pages:
        yield _csv(rows) if form is ExportFormat.CSV else _ndjson(columns, rows)


def file_name(plan_id: int, content: ExportContent, form: ExportFormat) -> str:
    """What a download is called."""
    return f"plan-{plan_id}-{content.lower()}.{form.lower()}"


def harmless(cell: Any) -> Any:
    """A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


async def _ledger(plan_id: int) -> AsyncIterator[Rows]:
    after: tuple[UUID, str] = (NO_CUSTOMER, "")
    while rows := await database.fetch(_PAGE, plan_id, *after, PAGE):
        yield [_recipient(row) for row in rows]
        after = (rows[-1]["customer_id"], rows[-1]["reference"])


def _recipient(row: database.Record) -> tuple[Any, ...]:
    plan_id, customer_id, external_id, reference, channel, language, variant, *others = row
    name = experiment.NAMES[variant] if variant is not None else None
    message = global_id("Message", plan_id, customer_id, reference)
    return (message, external_id, reference or None, channel, language, name, *others)


async def _figures(plan_id: int) -> AsyncIterator[Rows]:
    (found,) = await metric.of_plans([plan_id])
    if found is not None:
        yield [*_counts(found), *_outcomes(found)]


def _counts(found: PlanFigures) -> Iterator[tuple[str, None, None, object]]:
    """The figures that are one number each; amounts in minor units of `currency`."""
    earned = found.earned
    yield from (
        (name, None, None, value)
        for name, value in {
            "recipients": found.recipients, "delivered": found.delivered, "unknown": found.unknown, "toGo": found.to_go,
            "read": found.read, "clicked": found.clicked, "readByMachines": found.machine_read,
            "clickedByMachines": found.machine_clicked, "replied": found.replied, "unsubscribed": found.unsubscribed,
            "couponsClaimed": found.claimed, "couponsRedeemed": found.redeemed, "orders": earned.orders,
            "buyers": earned.buyers, "gmv": earned.gmv, "ordersTakenBack": earned.orders_taken_back,
            "gmvTakenBack": earned.gmv_taken_back, "currency": found.currency,
        }.items()
    )  # fmt: skip


def _outcomes(found: PlanFigures) -> Iterator[tuple[str, str, str | None, int]]:
    """The figures that are told by state and reason."""
    parts: dict[str, Sequence[DeliveryOutcome]] = {
        "failed": found.failed,
        "heldBack": found.held_back,
        "waiting": found.waiting,
    }
    for name, outcomes in parts.items():
        yield from ((name, each.state.value, each.reason, each.count) for each in outcomes)


def _csv(rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _cell(cell: Any) -> Any:
    return _instant(cell) if isinstance(cell, datetime) else harmless(cell)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _ndjson(columns: Sequence[str], rows: Rows) -> bytes:
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
    lines = bytearray()
    for row in rows:
        lines += orjson.dumps(dict(zip(columns, row, strict=True)), option=options)
    return bytes(lines)


_PAGE = """
SELECT d.plan_id, d.customer_id, c.external_id, d.reference, d.channel, d.language, d.variant,
    d.state, d.reason, d.attempt, d.created_at, d.not_before, d.sent_at, d.read_at, d.clicked_at,
    d.replied_at, d.machine_read_at, d.machine_clicked_at
FROM (
    SELECT * FROM delivery WHERE plan_id = $1 AND (customer_id, reference) > ($2, $3)
    ORDER BY customer_id, reference LIMIT $4
) d LEFT JOIN customer c ON c.id = d.customer_id
ORDER BY d.customer_id, d.reference
"""
