"""`python server.py import` as its users run it: real orders give the known segments, and trouble is told plainly."""

import csv
import re
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from models import database as db
from models.ingest import ingest_shops
from models.segment import Segment
from models.segment.member import size
from models.shop import Shop
from settings import Settings
from tests.processes import command
from tests.rows import event_row, order_row

PRESETS = ("RECENT", "REPEAT", "FREQUENT", "LAPSED")
EARLY, LATE = datetime(1997, 3, 20, tzinfo=UTC), datetime(1998, 6, 30, tzinfo=UTC)
KNOWN = {EARLY: (22_326, 8_979, 2_928, 4_232, 0), LATE: (23_570, 0, 1_506, 1_219, 5_031)}
"""Customers so far and the sizes of `PRESETS`, as the data's own page has counted them."""


def run_import(settings: Settings, path: Path, shop: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, on the test's engines."""
    return command(settings, "import", str(path), "--shop", shop, SMTP_URL="smtp://127.0.0.1:1")


async def open_shop(name: str) -> Shop:
    """A shop with its presets."""
    row = {"externalId": name, "name": name, "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en"}
    assert [result.problems for result in await ingest_shops([row])] == [()]
    return await Shop.get(external_id=name)


def orders_of(path: Path) -> list[dict[str, Any]]:
    """The CDNOW orders as rows: each line is an order, its day is 00:00 UTC, its dollars are cents."""
    with path.open(encoding="utf-8") as file:
        return [
            order_row(
                line["order"], line["customer"], orderedAt=line["date"], amount=int(Decimal(line["amount"]) * 100)
            )
            for line in csv.DictReader(file)
        ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A file of rows."""
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path


async def sizes(shop: Shop, as_of: datetime | None) -> tuple[int, ...]:
    """Customers so far and the sizes of `PRESETS`."""
    so_far = "SELECT count(*) FROM relationship WHERE shop_id = $1 AND first_interaction_at <= $2"
    customers = await db.fetch_value(so_far, shop.id, as_of or LATE)
    segments = [await Segment.get(shop_id=shop.id, preset=preset) for preset in PRESETS]
    return customers, *[await size(segment.question(as_of)) for segment in segments]


async def totals(shop: Shop) -> tuple[int, ...]:
    """Orders, customers, cents: as stored, and as rolled up."""
    row = await db.fetch_one(
        "SELECT stored.*, rolled.* FROM"
        " (SELECT count(*), count(DISTINCT customer_id), sum(amount)::bigint FROM orders WHERE shop_id = $1) stored,"
        " (SELECT sum(order_count), count(*), sum(order_amount)::bigint FROM relationship WHERE shop_id = $1) rolled",
        shop.id,
    )
    return tuple(row or ())


@pytest.fixture(params=["sorted", "shuffled"])
def orders(request, cdnow, tmp_path):
    """A file of all CDNOW orders."""
    rows = orders_of(cdnow)
    if request.param == "shuffled":
        Random(7).shuffle(rows)
    return write_rows(tmp_path / "orders.ndjson", rows)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("database")
async def test_real_orders_give_the_known_segments_in_any_order_and_twice(settings, orders, clock):
    shop = await open_shop("cdnow")
    clock.freeze(LATE)
    for _ in range(2):
        done = run_import(settings, orders, "cdnow")
        assert (done.returncode, done.stdout) == (0, "69,659 rows imported, 0 refused\n"), done.stderr
        assert await totals(shop) == (69_659, 23_570, 250_031_563) * 2
        assert await sizes(shop, None) == KNOWN[LATE]
        assert await sizes(shop, EARLY) == KNOWN[EARLY]
        assert await sizes(shop, LATE) == KNOWN[LATE]


@pytest.mark.usefixtures("database")
async def test_refused_lines_are_counted_their_report_named_and_the_exit_code_tells_of_them(settings, tmp_path):
    await open_shop("bloom")
    path = write_rows(tmp_path / "rows.ndjson", [event_row(), {**event_row("e2"), "kind": "VIEWED"}])
    done = run_import(settings, path, "bloom")
    report = tmp_path / "rows.ndjson.refused.ndjson"
    assert done.returncode == 3
    assert done.stdout == f"1 rows imported, 1 refused\nrefused lines and why: {report}\n"
    assert [orjson.loads(line)["line"] for line in report.read_bytes().splitlines()] == [2]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (("bloom", "missing.ndjson"), "missing.ndjson cannot be read: No such file or directory"),
        (("bloom", "."), "cannot be read: it is not a regular file"),
        (("nowhere", "rows.ndjson"), "there is no shop 'nowhere'"),
    ],
)
@pytest.mark.usefixtures("database")
async def test_what_cannot_be_imported_is_told_in_a_line(settings, tmp_path, target, message):
    shop, name = target
    await open_shop("bloom")
    write_rows(tmp_path / "rows.ndjson", [event_row()])
    done = run_import(settings, tmp_path / name, shop)
    assert done.returncode == 2
    assert message in re.sub(r"\s+", " ", done.stderr)
    assert "Traceback" not in done.stderr
    assert await db.fetch_value("SELECT count(*) FROM event") == 0
