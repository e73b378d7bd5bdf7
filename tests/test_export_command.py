"""`python server.py export-plan`: a whole file, or standard output, and clear words for what cannot be."""

from pathlib import Path

from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop
from tests.processes import command


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
