"""Imports of files: every line accounted for, in bounded memory, going on where they were killed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import orjson
import pytest

from models import database as db
from models.errors import ErrorCode, Refused
from models.ingest import import_job, ndjson
from models.ingest.import_job import ImportJob, import_file
from models.ingest.quick_turns import TURN
from models.shop import Shop
from settings import Settings
from tests.factories import make_shop
from tests.rows import SECRET, customer_row, event_row, order_row

pytestmark = pytest.mark.usefixtures("database")

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, *rows: Any) -> Path:
    """A file of rows; bytes are lines as they are."""
    path.write_bytes(b"".join(row if isinstance(row, bytes) else orjson.dumps(row) + b"\n" for row in rows))
    return path


def reported(path: Path) -> list[tuple[int, str]]:
    """(line, message) of each entry of a file's report."""
    report = path.with_name(f"{path.name}.refused.ndjson")
    entries = [orjson.loads(entry) for entry in report.read_bytes().splitlines()] if report.exists() else []
    return [(entry["line"], problem["message"]) for entry in entries for problem in entry["problems"]]


def figures(job: ImportJob) -> tuple[int, int, int]:
    """Lines, accepted and refused."""
    return job.line_number, job.accepted, job.refused


async def events_of(shop: Shop) -> list[str]:
    """What identifies the shop's events."""
    rows = await db.fetch("SELECT reference FROM event WHERE shop_id = $1 ORDER BY reference", shop.id)
    return [row["reference"] for row in rows]


async def test_every_line_is_stored_or_reported_with_its_number(tmp_path):
    path = write(
        tmp_path / "rows.ndjson",
        b"\xef\xbb\xbf" + orjson.dumps(event_row("e1", reference="1")) + b"\r\n",
        b"\n", b"  \r\n",
        {**event_row("e4"), "kind": "VIEWED"},
        b"not json\n",
        b'{"name": "\xff"}\n',
        b"[1]\n",
        b'"' + b"x" * ndjson.LONGEST_LINE + b'"\n',
        event_row("e9", reference="9"),
        order_row("o1", "c1"), order_row("o1", "c2"),
        orjson.dumps(event_row("e12", reference="12")),
    )  # fmt: skip
    shop = await make_shop()
    job = await import_file(path, shop, secret=SECRET)
    assert figures(job) == (12, 4, 6)
    assert job.byte_offset == path.stat().st_size
    assert await events_of(shop) == ["1", "12", "9"]
    assert [line for line, _ in reported(path)] == [4, 5, 6, 7, 8, 11]
    assert dict(reported(path))[8] == "is longer than 64 KiB"


async def test_an_empty_file_is_imported(tmp_path):
    path = write(tmp_path / "empty.ndjson")
    assert figures(await import_file(path, await make_shop(), secret=SECRET)) == (0, 0, 0)
    assert reported(path) == []


async def test_a_file_imported_again_starts_anew_and_changes_nothing(tmp_path):
    path = write(tmp_path / "rows.ndjson", customer_row(), order_row(), event_row(), b"x\n")
    shop = await make_shop()
    first = await import_file(path, shop, secret=SECRET)
    before = [await db.fetch(f"SELECT xmin, {table}::text FROM {table}") for table in ("customer", "orders", "event")]
    assert await import_file(path, shop, secret=SECRET) == first
    after = [await db.fetch(f"SELECT xmin, {table}::text FROM {table}") for table in ("customer", "orders", "event")]
    assert after == before
    assert [line for line, _ in reported(path)] == [4]
    assert await db.fetch_value("SELECT count(*) FROM import_job WHERE finished_at IS NOT NULL") == 1


@pytest.fixture
def small_batches(monkeypatch):
    """Three rows in a batch."""
    monkeypatch.setattr(import_job, "MOST_LINES", 3)


@pytest.mark.usefixtures("small_batches")
async def test_an_import_that_failed_goes_on_after_what_is_committed(tmp_path, monkeypatch):
    lines = [event_row(f"e{number}", reference=f"{number:02}") for number in range(10)]
    path = write(tmp_path / "rows.ndjson", *lines[:5], b"wrong\n", *lines[5:], b"wrong\n")
    shop = await make_shop()
    committed: list[ImportJob] = []

    def stop_at_second(job: ImportJob) -> None:
        committed.append(job)
        if len(committed) == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await import_file(path, shop, secret=SECRET, progress=stop_at_second)
    assert await events_of(shop) == ["00", "01", "02", "03", "04"]
    await db.execute("TRUNCATE event")  # what is read a second time would come back
    job = await import_file(path, shop, secret=SECRET, progress=committed.append)
    assert await events_of(shop) == ["05", "06", "07", "08", "09"]
    assert [each.line_number for each in committed] == [3, 6, 9, 12]
    assert figures(job) == (12, 10, 2)
    assert [line for line, _ in reported(path)] == [6, 12]


@pytest.mark.usefixtures("small_batches")
async def test_a_batch_and_its_progress_are_committed_together(tmp_path, monkeypatch):
    path = write(tmp_path / "rows.ndjson", *(event_row(f"e{number}", reference=str(number)) for number in range(5)))
    shop = await make_shop()

    async def fail(*arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(import_job, "_move", fail)
    with pytest.raises(ZeroDivisionError):
        await import_file(path, shop, secret=SECRET)
    assert await events_of(shop) == []
    assert await db.fetch_value("SELECT byte_offset FROM import_job") == 0


@pytest.mark.usefixtures("small_batches")
async def test_reading_lets_writing_go_first_until_the_import_ends_or_fails(tmp_path):
    path = write(tmp_path / "rows.ndjson", *(event_row(f"e{number}") for number in range(7)))
    before, during = sys.getswitchinterval(), []

    def fail_at_second(_: ImportJob) -> None:
        during.append(sys.getswitchinterval())
        if len(during) == 2:
            raise ZeroDivisionError

    shop = await make_shop()
    with pytest.raises(ZeroDivisionError):
        await import_file(path, shop, secret=SECRET, progress=fail_at_second)
    assert sys.getswitchinterval() == before
    await import_file(path, shop, secret=SECRET)
    assert sys.getswitchinterval() == before
    assert during == [pytest.approx(TURN)] * 2


@pytest.mark.usefixtures("small_batches")
async def test_of_two_imports_of_a_file_at_once_one_goes_on(tmp_path):
    path = write(tmp_path / "rows.ndjson", *(event_row(f"e{number}", reference=str(number)) for number in range(9)))
    shop = await make_shop()
    results = await asyncio.gather(*(import_file(path, shop, secret=SECRET) for _ in range(2)), return_exceptions=True)
    done = [result for result in results if isinstance(result, ImportJob)]
    assert [figures(job) for job in done] in ([(9, 9, 0)], [(9, 9, 0)] * 2)
    for refused in results:
        if isinstance(refused, Refused):
            assert refused.problems[0].code is ErrorCode.CONFLICT
    assert await events_of(shop) == [str(number) for number in range(9)]


async def test_the_same_file_goes_to_each_shop_apart(tmp_path):
    path = write(tmp_path / "rows.ndjson", event_row(reference="1"))
    for name in ("bloom", "cedar"):
        shop = await make_shop(name)
        await import_file(path, shop, secret=SECRET)
        assert await events_of(shop) == ["1"]


async def test_a_changed_file_is_another_file(tmp_path):
    shop = await make_shop()
    await import_file(write(tmp_path / "rows.ndjson", event_row(reference="1")), shop, secret=SECRET)
    await import_file(write(tmp_path / "rows.ndjson", event_row("e2", reference="2")), shop, secret=SECRET)
    assert await events_of(shop) == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), (b"\x1f\x8b\x08", "unpack it first")],
)
async def test_what_is_no_readable_file_is_refused(tmp_path, content, message):
    path = tmp_path / "rows.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match=message):
        await import_file(path, await make_shop(), secret=SECRET)
    assert await db.fetch_value("SELECT count(*) FROM import_job") == 0


@pytest.mark.parametrize("path", ["/tmp", "/dev/zero"])
async def test_a_folder_or_a_device_is_refused(path):
    with pytest.raises(Refused, match="not a regular file"):
        await import_file(Path(path), await make_shop(), secret=SECRET)


async def test_a_report_that_cannot_be_written_stops_the_import_before_its_batch(tmp_path):
    path = write(tmp_path / "rows.ndjson", event_row(reference="1"), b"wrong\n")
    shop = await make_shop()
    with pytest.raises(Refused, match="cannot be written"):
        await import_file(path, shop, secret=SECRET, report=tmp_path / "missing" / "report")
    assert await events_of(shop) == []


CHILD = """
    import asyncio, sys
    from pathlib import Path
    from models import database
    from models.ingest import import_job
    from models.shop import Shop

    async def main(url, path, rows):
        import_job.MOST_LINES = int(rows)
        await database.connect(url)
        shop = await Shop.get(external_id="bloom")
        tell = lambda job: print(job.line_number, flush=True)
        await import_job.import_file(Path(path), shop, secret=b"key", progress=tell)
        print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], flush=True)  # most memory, in KiB

    asyncio.run(main(*sys.argv[1:]))
"""


def start(settings: Settings, path: Path, rows: int) -> subprocess.Popen[str]:
    """An import in a process of its own, which prints the line number of each commit."""
    assert settings.database_url
    command = [sys.executable, "-c", textwrap.dedent(CHILD), settings.database_url, str(path), str(rows)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_a_killed_import_goes_on_where_it_stopped_and_loses_nothing(tmp_path, settings):
    count = 20_000
    rows = (order_row(f"o{number}", f"c{number % 700}") for number in range(count))
    path = write(tmp_path / "rows.ndjson", *rows, b"wrong\n")
    await make_shop()
    last = 0
    for _ in range(3):
        child = start(settings, path, 500)
        assert child.stdout
        first = int(child.stdout.readline())
        assert first == last + 500
        for _ in range(3):
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.communicate()[0].split()
        last = await db.fetch_value("SELECT line_number FROM import_job")
        assert not rest or last >= int(rest[-1])
    child = start(settings, path, 500)
    assert child.communicate()[0].split()[0] == str(last + 500)
    assert child.returncode == 0
    job = await db.fetch_one("SELECT accepted, refused, finished_at IS NOT NULL FROM import_job")
    assert job is not None
    assert tuple(job) == (count, 1, True)
    assert await db.fetch_value("SELECT count(*) FROM orders") == count
    assert await db.fetch_value("SELECT sum(order_count) FROM relationship") == count
    assert reported(path) == [(count + 1, reported(path)[0][1])]


async def test_memory_does_not_grow_with_the_file(tmp_path, settings):
    """Lines just below the limit, forty times over what a batch may hold."""
    row = orjson.dumps(event_row(category="x" * 200, note="x" * 60_000)) + b"\n"
    path = tmp_path / "rows.ndjson"
    with path.open("wb") as file:
        file.writelines([row] * 6_000)
        file.write(b"y" * 50_000_000)
    await make_shop()
    child = start(settings, path, 20_000)
    resident = child.communicate()[0].split()[-1]
    assert int(resident) < 160 * 1024
    assert await db.fetch_value("SELECT refused FROM import_job") == 6_001


async def test_a_finished_import_leaves_statistics_of_what_it_wrote(tmp_path):
    shop = await make_shop()
    path = write(tmp_path / "rows.ndjson", *(order_row(f"o{number}", customer=f"c{number}") for number in range(40)))

    await import_file(path, shop, secret=SECRET)

    known = await db.fetch("SELECT relname, reltuples FROM pg_class WHERE relname IN ('orders', 'relationship')")
    assert {row["relname"]: row["reltuples"] for row in known} == {"orders": 40, "relationship": 40}
