"""`python server.py export-plan`: a whole file, or standard output, and clear words for what cannot be."""

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop
from tests.processes import command, command_into


def everything_in(folder: Path) -> list[Path]:
    """All files and folders below."""
    return list(folder.rglob("*"))


async def test_a_plan_is_written_to_standard_output_and_to_a_file(database: None, settings: Settings, tmp_path: Path):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop)
    told = command(settings, "export-plan", str(plan.id), "--shop", "bloom")
    path = tmp_path / "figures.ndjson"
    kept = command(
        settings, "export-plan", str(plan.id), "--shop", "bloom", "--content", "figures", "--format", "ndjson",
        "--output", str(path),
    )  # fmt: skip

    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout.splitlines()) == 4
    assert (kept.returncode, kept.stdout) == (0, "")
    assert path.read_text("utf-8").startswith('{"figure":"recipients"')
    assert not path.with_name("figures.ndjson.part").exists()


@pytest.mark.parametrize(("mode", "left"), [(None, 0o600), (0o640, 0o640), (0o400, 0o400)])
async def test_a_file_is_its_owner_s_alone_unless_another_stood_in_its_place(
    database: None, settings: Settings, tmp_path: Path, mode: int | None, left: int
):
    """A ledger is about customers; what is written anew is read by those who could read it before."""
    plan = await make_resolved(await make_shop())
    path = tmp_path / "ledger.csv"
    if mode is not None:
        path.touch(mode=mode)

    kept = command(settings, "export-plan", str(plan.id), "--shop", "bloom", "--output", str(path))

    assert kept.returncode == 0
    assert path.read_text("utf-8").startswith("message,customer")
    assert stat.S_IMODE(path.stat().st_mode) == left


async def test_a_plan_of_another_shop_is_refused_and_nothing_is_written(
    database: None, settings: Settings, tmp_path: Path
):
    shop = await make_shop()
    await make_shop("other")
    plan = await make_resolved(shop)
    path = tmp_path / "ledger.csv"
    path.write_text("what was there")
    refused = command(settings, "export-plan", str(plan.id), "--shop", "other", "--output", str(path))

    assert refused.returncode == 2
    assert refused.stderr == f"error: the shop 'other' has no plan {plan.id}; it has none\n"
    assert path.read_text() == "what was there"


@pytest.mark.parametrize(("name", "why"), [("none/ledger.csv", "No such file or directory"), (".", "Is a directory")])
async def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(
    database: None, settings: Settings, tmp_path: Path, name: str, why: str
):
    plan = await make_resolved(await make_shop())
    folder = tmp_path / "folder"
    folder.mkdir()
    refused = command(settings, "export-plan", str(plan.id), "--shop", "bloom", "--output", str(folder / name))

    assert (refused.returncode, refused.stderr) == (2, f"error: {folder / name} cannot be written: {why}\n")
    assert everything_in(tmp_path) == [folder]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
async def test_a_disk_that_is_full_is_said_of_standard_output(database: None, settings: Settings):
    plan = await make_resolved(await make_shop())
    done = command_into(Path("/dev/full"), settings, "export-plan", str(plan.id), "--shop", "bloom")

    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output cannot be written: No space left on device\n")


async def test_a_pipe_is_written_into_and_stays_one(database: None, settings: Settings, tmp_path: Path):
    plan = await make_resolved(await make_shop())
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    done = command(settings, "export-plan", str(plan.id), "--shop", "bloom", "--output", str(pipe))

    assert (done.returncode, done.stderr) == (0, "")
    assert pipe.is_fifo()
    reader.join(10)
    assert read[0].startswith("message,customer,")


async def test_who_reads_no_more_ends_the_export_without_a_word(database: None, settings: Settings):
    plan = await make_resolved(await make_shop())
    nobody, end = os.pipe()
    os.close(nobody)
    done = command_into(end, settings, "export-plan", str(plan.id), "--shop", "bloom")

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("number", ["0", "99999999999999999999", "first"])
def test_what_can_be_no_plans_number_is_told_so(settings: Settings, number: str):
    refused = command(settings, "export-plan", number, "--shop", "bloom")

    assert refused.returncode == 2
    assert "argument PLAN: must be a number from 1 to 2,147,483,647" in refused.stderr
