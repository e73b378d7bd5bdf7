"""LIVE sessions of a shop: planned, moved, begun, over or called off, as the platform tells (R9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from models import database
from models.clock import TOLERANCE
from models.errors import ErrorCode, Problem
from models.field_mask import FieldMask
from models.field_type import ExternalId, Moment, Title
from models.identifier import external_uuid
from models.row import Row, Terms
from models.shop import Shop

FURTHEST = timedelta(days=366)
"""How far ahead a LIVE may be planned."""

OPTIONAL = ("started_at", "ended_at", "cancelled_at")
"""What a row may leave out."""


class LiveSessionRow(Row):
    """A LIVE. A field left out stays as it is; null empties it. Another `startsAt` moves it."""

    type: Literal["live"] = "live"
    external_id: ExternalId
    title: Title
    starts_at: Moment
    started_at: Moment | None = None
    ended_at: Moment | None = None
    cancelled_at: Moment | None = None

    def problems(self, terms: Terms) -> list[Problem]:
        """A start more than a year ahead, or something told as done that lies in the future."""
        found = []
        if self.starts_at > terms.latest - TOLERANCE + FURTHEST:
            message = f"a LIVE is planned at most {FURTHEST.days} days ahead"
            found.append(Problem(("startsAt",), message, ErrorCode.IN_FUTURE))
        done = {"startedAt": self.started_at, "endedAt": self.ended_at, "cancelledAt": self.cancelled_at}
        for field, moment in done.items():
            found += terms.moment(moment, field) if moment else []
        return found


def live_session_id(shop: str, external_id: str) -> UUID:
    """Id of a LIVE of the shop with the external id `shop`."""
    return external_uuid("live", shop, external_id)


def merged(rows: Sequence[LiveSessionRow]) -> dict[str, dict[str, object]]:
    """What the rows say of each LIVE together, by external id: later rows over earlier ones, field by field."""
    said: dict[str, dict[str, object]] = {}
    for row in rows:
        given = {name: getattr(row, name) for name in row.model_fields_set & {"title", "starts_at", *OPTIONAL}}
        said.setdefault(row.external_id, {}).update(given)
    return said


async def upsert(shop: Shop, rows: Sequence[LiveSessionRow], *, at: datetime) -> None:
    """Write LIVE sessions of the shop; the last row of each wins, field by field. Call under `ingest`'s locks."""
    said = merged(rows)
    sessions = said.values()
    await database.execute(
        _UPSERT,
        shop.id,
        at,
        [live_session_id(shop.external_id, external_id) for external_id in said],
        list(said),
        [fields["title"] for fields in sessions],
        [fields["starts_at"] for fields in sessions],
        [_MASK.of(fields) for fields in sessions],
        *([fields.get(name) for fields in sessions] for name in OPTIONAL),
    )


_MASK = FieldMask(OPTIONAL)

_IS_OVER = f"coalesce({', '.join(f'{{0}}.{name}' for name in OPTIONAL)}) IS NOT NULL"

# That it is on again is news as another start is.
_UPSERT = f"""
INSERT INTO live_session (id, shop_id, external_id, title, starts_at, {", ".join(OPTIONAL)}, arrived_at)
SELECT given.id, $1, given.external_id, given.title, given.starts_at, {_MASK.kept_or_given("known")}, $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::integer[],
            $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
    AS given (id, external_id, title, starts_at, mask, {", ".join(OPTIONAL)})
LEFT JOIN live_session AS known USING (id)
ORDER BY id
ON CONFLICT (id) DO UPDATE
SET (title, starts_at, {", ".join(OPTIONAL)}, arrived_at) = (
    excluded.title, excluded.starts_at, {", ".join(f"excluded.{name}" for name in OPTIONAL)},
    CASE WHEN live_session.starts_at <> excluded.starts_at
           OR ({_IS_OVER.format("live_session")}) AND NOT ({_IS_OVER.format("excluded")})
         THEN excluded.arrived_at ELSE live_session.arrived_at END)"""
