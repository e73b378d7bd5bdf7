"""Exports: every recipient once, a page in memory at a time, harmless to spreadsheets, without anything personal."""

import csv
import io
from pathlib import Path

import orjson
import pytest
from graphql import GraphQLObjectType, build_schema
from hypothesis import given
from hypothesis import strategies as st

from models import database as db
from models import export
from models.export import ExportContent, ExportFormat, harmless
from models.identifier import global_id
from tests.factories import make_customers, make_resolved, make_shop


async def exported(
    plan_id: int, content: ExportContent = ExportContent.LEDGER, form: ExportFormat = ExportFormat.CSV
) -> bytes:
    return b"".join([part async for part in export.written(plan_id, content, form)])


def table(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


@pytest.fixture
async def plan_id(database: None, monkeypatch: pytest.MonkeyPatch) -> int:
    """A resolved chat plan to 25 customers, read in pages of 10."""
    monkeypatch.setattr(export, "PAGE", 10)
    shop = await make_shop()
    await make_customers(shop, 25)
    plan = await make_resolved(shop)
    return plan.id


async def test_every_recipient_is_in_the_ledger_once_whatever_the_pages(plan_id: int):
    rows = table(await exported(plan_id))
    lines = [orjson.loads(line) for line in (await exported(plan_id, form=ExportFormat.NDJSON)).splitlines()]

    assert sorted(row["customer"] for row in rows) == sorted(f"c{number}" for number in range(25))
    assert [line["customer"] for line in lines] == [row["customer"] for row in rows]
    assert tuple(rows[0]) == tuple(lines[0]) == export.LEDGER
    row = await db.fetch_one(
        "SELECT customer_id FROM customer c JOIN delivery d ON d.customer_id = c.id WHERE name = 'c0'"
    )
    assert row is not None
    own = next(line for line in lines if line["customer"] == "c0")
    assert own == {
        "message": global_id("Message", plan_id, row["customer_id"], ""), "customer": "c0", "occasion": None,
        "channel": "CHAT", "language": "en", "variant": "A", "state": "SENT", "reason": None, "attempts": 0,
        "createdAt": "2026-01-15T12:00:00Z", "notBefore": None, "sentAt": "2026-01-15T12:00:00Z", "readAt": None,
        "clickedAt": None, "repliedAt": None, "machineReadAt": None, "machineClickedAt": None,
    }  # fmt: skip


async def test_each_moment_of_a_message_stands_in_its_own_column(plan_id: int):
    moments = {
        "createdAt": "12:01", "notBefore": "12:02", "sentAt": "12:03", "readAt": "12:04", "clickedAt": "12:05",
        "repliedAt": "12:06", "machineReadAt": "12:07", "machineClickedAt": "12:08",
    }  # fmt: skip
    await db.execute(
        "UPDATE delivery SET attempt = 3, created_at = t + '1 min', not_before = t + '2 min', sent_at = t + '3 min',"
        " read_at = t + '4 min', clicked_at = t + '5 min', replied_at = t + '6 min', machine_read_at = t + '7 min',"
        " machine_clicked_at = t + '8 min' FROM (SELECT '2026-01-15T12:00Z'::timestamptz AS t) AS noon"
    )
    rows = table(await exported(plan_id))
    lines = [orjson.loads(line) for line in (await exported(plan_id, form=ExportFormat.NDJSON)).splitlines()]

    told = {name: f"2026-01-15T{moment}:00Z" for name, moment in moments.items()}
    assert all({name: row[name] for name in moments} == told for row in (*rows, *lines))
    assert {row["attempts"] for row in rows} == {"3"}


async def test_the_ledger_is_read_a_page_at_a_time(plan_id: int, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    fetch = db.fetch

    async def noting(sql: str, *arguments: object) -> list[db.Record]:
        rows = await fetch(sql, *arguments)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(db, "fetch", noting)
    await exported(plan_id)

    assert sizes == [10, 10, 5, 0]


@pytest.mark.usefixtures("database")
async def test_others_are_served_after_every_five_hundred_rows_that_a_download_writes():
    shop = await make_shop()
    await make_customers(shop, 1_200)
    plan = await make_resolved(shop)

    parts = [part async for part in export.written(plan.id, ExportContent.LEDGER, ExportFormat.NDJSON)]

    assert [part.count(b"\n") for part in parts] == [500, 500, 200]


async def test_rows_of_other_occasions_and_customers_nobody_told_of_are_there_too(plan_id: int):
    await db.execute("UPDATE delivery SET reference = 'cart-2' WHERE customer_id IN (SELECT id FROM customer LIMIT 3)")
    await db.execute("DELETE FROM customer WHERE name = 'c7'")
    rows = table(await exported(plan_id))

    assert len(rows) == 25
    assert sorted(row["occasion"] for row in rows)[-3:] == ["cart-2"] * 3
    assert [row["message"] != "" for row in rows if row["customer"] == ""] == [True]


async def test_nothing_personal_is_in_it(plan_id: int):
    await db.execute("UPDATE customer SET name = 'Anna ' || name, email = 'anna@example.com'")
    text = await exported(plan_id) + await exported(plan_id, form=ExportFormat.NDJSON)

    assert b"Anna" not in text
    assert b"@" not in text


async def test_the_figures_are_those_of_the_api(plan_id: int):
    await db.execute(
        "UPDATE delivery SET state = 'SUPPRESSED', reason = 'BLOCKED' WHERE customer_id IN (SELECT id FROM customer LIMIT 4)"
    )
    rows = table(await exported(plan_id, ExportContent.FIGURES))
    values = {row["figure"]: row["value"] for row in rows}

    assert (values["recipients"], values["delivered"], values["currency"]) == ("25", "21", "USD")
    assert {"figure": "heldBack", "state": "SUPPRESSED", "reason": "BLOCKED", "value": "4"} in rows
    lines = [
        orjson.loads(line)
        for line in (await exported(plan_id, ExportContent.FIGURES, ExportFormat.NDJSON)).splitlines()
    ]
    assert lines[0] == {"figure": "recipients", "state": None, "reason": None, "value": 25}


async def test_each_figure_is_told_as_what_it_is(plan_id: int):
    counts = {
        "clicked": 1,
        "replied": 2,
        "read": 3,
        "clickedByMachines": 4,
        "readByMachines": 5,
        "unknown": 6,
        "toGo": 7,
    }
    columns = {
        "clicked": "clicked_at", "replied": "replied_at", "read": "read_at", "clickedByMachines": "machine_clicked_at",
        "readByMachines": "machine_read_at",
    }  # fmt: skip
    customers = [row["customer_id"] for row in await db.fetch("SELECT customer_id FROM delivery ORDER BY customer_id")]
    sent, unknown, waiting = customers[:12], customers[12:18], customers[18:]
    for name, column in columns.items():
        given = sent[-counts[name] :] if column.startswith("machine") else sent[: counts[name]]
        await db.execute(f"UPDATE delivery SET {column} = sent_at WHERE customer_id = ANY($1::uuid[])", given)
    await db.execute("UPDATE delivery SET state = 'UNKNOWN' WHERE customer_id = ANY($1::uuid[])", unknown)
    await db.execute("UPDATE delivery SET state = 'PENDING' WHERE customer_id = ANY($1::uuid[])", waiting)

    values = {row["figure"]: row["value"] for row in table(await exported(plan_id, ExportContent.FIGURES))}

    assert {name: int(values[name]) for name in counts} == counts
    assert (values["recipients"], values["delivered"]) == ("25", "12")


async def test_each_figure_has_the_name_that_the_api_has_for_it(plan_id: int):
    rows = table(await exported(plan_id, ExportContent.FIGURES))
    figures = build_schema((Path(__file__).parents[3] / "schema.graphql").read_text("utf-8")).type_map["PlanFigures"]

    assert isinstance(figures, GraphQLObjectType)
    names = {row["figure"] for row in rows}
    assert names - {"currency"} <= figures.fields.keys()
    assert names >= {
        "recipients", "delivered", "unknown", "toGo", "read", "clicked", "readByMachines", "clickedByMachines", "replied",
        "unsubscribed", "couponsClaimed", "couponsRedeemed", "orders", "buyers", "gmv", "ordersTakenBack", "gmvTakenBack",
        "currency",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
async def test_a_customer_called_like_a_formula_stays_a_text(plan_id: int, name: str):
    await db.execute("UPDATE customer SET external_id = $1 WHERE name = 'c3'", name)
    rows = table(await exported(plan_id))
    lines = [orjson.loads(line) for line in (await exported(plan_id, form=ExportFormat.NDJSON)).splitlines()]

    assert f"'{name}" in [row["customer"] for row in rows]
    assert name in [line["customer"] for line in lines]


@given(st.text())
def test_no_text_begins_a_formula_and_none_is_lost(text: str):
    shown = harmless(text)

    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown in (text, f"'{text}")
