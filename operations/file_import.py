"""The import of a file as its user sees it: a bar, and at the end what was taken in and what was refused."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models import database, migration
from models.ingest.import_job import ImportJob, import_file
from models.shop import Shop
from operations.trouble import CannotRun
from settings import Settings

SOME_REFUSED = 3
"""Exit code of an import that left lines out: a script that goes by it neither takes them for imported nor all for lost."""


async def import_with_progress(settings: Settings, path: Path, shop_id: str) -> int:
    """Import a file into the shop with the external id `shop_id`, and tell how it went; the command's exit code."""
    assert settings.database_url is not None
    await migration.migrate(settings.database_url)
    async with database.connected(settings, application="rekindle import"):
        shop = await Shop.get_or_none(external_id=shop_id)
        if shop is None:
            raise CannotRun(f"there is no shop {shop_id!r}; the mutation shopsUpsert makes it")
        report = path.with_name(f"{path.name}.refused.ndjson")
        job = await _import(path, shop, settings.secret, report)
        _tell(job, report)
        return SOME_REFUSED if job.refused else 0


async def _import(path: Path, shop: Shop, secret: bytes, report: Path) -> ImportJob:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(path.name, total=_size(path), rows=0)

        def show(job: ImportJob) -> None:
            bar.update(task, completed=job.byte_offset, rows=job.accepted + job.refused)

        return await import_file(path, shop, secret=secret, report=report, progress=show)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _tell(job: ImportJob, report: Path) -> None:
    print(f"{job.accepted:,} rows imported, {job.refused:,} refused")
    if job.refused:
        print(f"refused lines and why: {report}")
