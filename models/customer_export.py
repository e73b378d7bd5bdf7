"""Everything that is stored about one customer, as one JSON document: what they may ask for.

Rows are as the tables have them, with the names of the shops they belong to; messages also as they were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from models import content, customer_rows, database
from models.errors import ErrorCode, Refused, refuse
from models.identifier import customer_id
from models.plan import wording

LEFT_OUT = frozenset({"customer_id", "email_key", "actor"})
"""Columns that repeat who it is about, are nothing but a digest, or name others: who of a shop's staff wrote to them."""


@dataclass(frozen=True, slots=True)
class CustomerExport:
    """The document, and the tables of which it holds only a part."""

    document: str
    cut: Sequence[str]


async def export(external_id: str, *, most_rows: int | None = None) -> CustomerExport:
    """What is stored of the customer with this external id: at most `most_rows` of each table, or all.

    Refused when nothing is.
    """
    person = customer_id(external_id)
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for table in ["customer", "suppression", *await customer_rows.tables(but=["erasure"])]:
        sql = (
            f'SELECT to_jsonb(t) AS row FROM "{table}" t WHERE {_WAYS.get(table) or customer_rows.way(table)} LIMIT $2'
        )
        rows = await database.fetch(sql, person, None if most_rows is None else most_rows + 1)
        if rows:
            tables[table] = [_told(database.decode(row["row"])) for row in rows]
    if not tables:
        raise refuse("externalId", "There is no such customer.", ErrorCode.NOT_FOUND)
    cut = sorted(table for table, rows in tables.items() if most_rows is not None and len(rows) > most_rows)
    kept = {table: rows[:most_rows] for table, rows in tables.items()}
    whole = {
        "externalId": external_id,
        "shops": await _shops(kept),
        "tables": kept,
        "messages": await _messages(person, most_rows),
    }
    return CustomerExport(orjson.dumps(whole, default=str, option=orjson.OPT_INDENT_2).decode(), cut)


def _told(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in row.items() if name not in LEFT_OUT and value is not None}


async def _shops(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """The names of the shops that rows belong to, by their ids there."""
    ids = {row["shop_id"] for rows in tables.values() for row in rows if "shop_id" in row}
    rows = await database.fetch("SELECT id, name FROM shop WHERE id = ANY($1::int[]) ORDER BY id", sorted(ids))
    return {str(row["id"]): row["name"] for row in rows}


async def _messages(person: UUID, most_rows: int | None) -> list[dict[str, Any]]:
    """What was sent to them, in its words."""
    rows = await database.fetch(_MESSAGES, person, most_rows)
    texts = await wording.load({(row["plan_id"], row["channel"], row["language"], row["variant"]) for row in rows})
    return [_message(row, texts) for row in rows]


def _message(row: database.Record, texts: Mapping[wording.Key, content.Localised]) -> dict[str, Any]:
    said = texts.get((row["plan_id"], row["channel"], row["language"], row["variant"]))
    told = {name: row[name] for name in ("shop", "channel", "language", "state", "sent_at")}
    if said is not None:
        try:
            filled = content.fill(said, {"link": "", "unsubscribeUrl": "", **(database.decode(row["frozen"]) or {})})
        except Refused:  # a value that is no longer kept
            return told
        told |= {"language": said.language, "subject": filled.subject, "text": filled.text}
    return told


# That nothing is written to their address any more, and since when.
_WAYS = {"suppression": "email_key = (SELECT email_key FROM customer WHERE id = $1)"}

_MESSAGES = f"""
SELECT s.name AS shop, d.plan_id, d.channel, d.language, d.variant, d.state, d.sent_at, d.frozen
FROM (SELECT * FROM delivery WHERE {customer_rows.DELIVERIES}) AS d JOIN shop s ON s.id = d.shop_id
WHERE d.sent_at IS NOT NULL AND d.variant IS NOT NULL ORDER BY d.sent_at DESC LIMIT $2
"""
