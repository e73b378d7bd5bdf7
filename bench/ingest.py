"""Events imported from a file, roll-up kept, against raw COPY of the same rows.

Ours is the whole path of `server.py import`: read, parse, check, make ids, insert into the
partitioned and indexed table, roll up, commit batch by batch. The yardstick `copy` sends the same rows,
ready for PostgreSQL, into a table with the same columns and no index.

Cases: `sessions`, as a shop's log is: in the order of time, a customer's few deeds together; and
`shuffled`, the worst: each row another customer, any day of the year.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from bench import memory
from bench.place import scratch_database
from bench.report import Case, Report, measured_on
from bench.rounds import interleaved
from bench.shop import make_shop
from models import database
from models.event import EventKind, EventRow, Events
from models.ingest.import_job import import_file
from models.shop import Shop

SIZES = {
    "small": {"events": 20_000, "customers": 2_000, "rounds": 1},
    "full": {"events": 400_000, "customers": 100_000, "rounds": 5},
}
YEAR = timedelta(days=365)
START = datetime(2025, 1, 1, tzinfo=UTC)
SEED = 20_250_101
OFTEN = {
    EventKind.PRODUCT_VIEWED: 60,
    EventKind.CART_ADDED: 12,
    EventKind.VIDEO_WATCHED: 8,
    EventKind.LIVE_WATCHED: 8,
}
"""How often a kind is met; any other once."""
KINDS = list(EventKind)
WEIGHTS = [OFTEN.get(kind, 1) for kind in EventKind]


async def measure(size: str) -> Report:
    """Both cases, in rows per second."""
    numbers = SIZES[size]
    async with scratch_database():
        shop = await make_shop()
        await database.execute("CREATE TABLE bare (LIKE event)")
        async with database.connection() as raw:
            machine = await measured_on(raw)
        cases = [await _case(name, shop, numbers) for name in ("sessions", "shuffled")]
    return Report("ingest", dict(numbers), cases, machine, {"import": memory.most_held()})


async def _case(name: str, shop: Shop, numbers: dict[str, int]) -> Case:
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        ours, theirs = Path(folder) / "events.ndjson", Path(folder) / "events.copy"
        write_rows(ours, name, numbers["events"], numbers["customers"])
        write_copy(ours, theirs, shop)

        async def import_ours() -> None:
            job = await import_file(ours, shop, secret=b"bench")
            assert (job.accepted, job.refused) == (numbers["events"], 0)

        async def copy_theirs() -> None:
            async with database.connection() as raw:
                await raw.copy_to_table("bare", source=theirs)

        works = {"ours": import_ours, "copy": copy_theirs}
        seconds = await interleaved(numbers["rounds"], works, before=_empty)
    rates = {side: numbers["events"] / taken for side, taken in seconds.items()}
    return Case(name, "copy", rates["ours"], rates["copy"], "rows/s")


async def _empty() -> None:
    """Nothing stored, and nothing left to be written behind our backs."""
    await database.execute("TRUNCATE event, relationship, import_job, bare")
    await database.execute("CHECKPOINT")


def write_rows(path: Path, name: str, events: int, customers: int) -> None:
    """Write the events of a case as NDJSON: the same ones each time."""
    with path.open("wb") as file:
        for number, (customer, at, random) in enumerate(_deeds(name, events, customers)):
            kind = random.choices(KINDS, WEIGHTS)[0]
            row: dict[str, Any] = {
                "type": "event", "externalId": f"e{number:09}", "kind": kind, "customer": f"c{customer:07}",
                "occurredAt": at.isoformat(timespec="milliseconds"), "product": f"p{random.randrange(2_000):05}",
            }  # fmt: skip
            if kind.endswith("_WATCHED"):
                row |= {"seconds": random.randrange(900), "category": "beauty", "reference": f"s{number % 500}"}
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _deeds(name: str, events: int, customers: int) -> Iterator[tuple[int, datetime, Random]]:
    """Yield (customer, time, dice) of each event."""
    random = Random(SEED)
    step = YEAR / events
    left, customer = 0, 0
    for number in range(events):
        if name == "shuffled" or left == 0:
            left, customer = random.randint(1, 9), random.randrange(customers)
        left -= 1
        yield customer, START + (random.random() * YEAR if name == "shuffled" else number * step), random


def write_copy(rows: Path, path: Path, shop: Shop) -> None:
    """Write the same events as PostgreSQL's COPY reads them."""
    with rows.open("rb") as source, path.open("w", encoding="utf-8") as file:
        for line in source:
            made = Events(shop)
            made.add(EventRow.model_validate(orjson.loads(line)))
            customer, identity, kind, at, *about = (column[0] for column in made.columns)
            values = (customer, identity, shop.id, kind, at.isoformat(), START.isoformat(), *about)
            file.write("\t".join("\\N" if value is None else str(value) for value in values) + "\n")
