"""Exporting and erasing a customer by command."""

import json
from pathlib import Path

import pytest

from models import database as databases
from settings import Settings
from tests.factories import make_customers, make_shop
from tests.processes import command, command_into

pytestmark = pytest.mark.usefixtures("database")


async def test_a_customer_is_written_to_a_file_of_ones_own_and_erased(settings: Settings, tmp_path: Path):
    await make_customers(await make_shop(), 1)
    path = tmp_path / "c0.json"

    written = command(settings, "export-customer", "c0", str(path))

    assert (written.returncode, written.stdout) == (0, f"written to {path}\n")
    assert json.loads(path.read_text("utf-8"))["tables"]["customer"][0]["email"] == "c0@example.com"
    assert path.stat().st_mode & 0o777 == 0o600
    assert command(settings, "export-customer", "c0", str(path)).returncode == 2
    erased = command(settings, "erase-customer", "c0")
    assert (erased.returncode, erased.stdout) == (0, "erased\n")
    assert await databases.fetch_value("SELECT count(*) FROM customer") == 0


async def test_nobody_is_an_error_in_one_line_and_writes_nothing(settings: Settings, tmp_path: Path):
    path = tmp_path / "nobody.json"

    for words in (("export-customer", "nobody", str(path)), ("erase-customer", "nobody")):
        refused = command(settings, *words)
        assert (refused.returncode, refused.stderr) == (2, "error: There is no such customer.\n")
    assert not path.exists()


async def test_of_an_export_that_does_not_fit_on_the_disk_nothing_stays(settings: Settings, tmp_path: Path):
    await make_customers(await make_shop(), 1)
    path = tmp_path / "c0.json"
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]
    refused = command_into(tmp_path / "told", settings, "export-customer", "c0", str(path), before=limited)

    assert (refused.returncode, refused.stderr) == (2, f"error: {path} cannot be written: File too large\n")
    assert not path.exists()
