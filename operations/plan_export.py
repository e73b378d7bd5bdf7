"""The export of a plan as its user sees it: a file that is there when it is whole, or standard output."""

import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from models import database, export
from models.export import ExportContent, ExportFormat
from models.plan import Plan
from operations.trouble import CannotRun, ReaderGone
from settings import Settings


async def export_plan(
    settings: Settings, *, shop: str, plan: int, content: ExportContent, form: ExportFormat, to: Path | None
) -> None:
    """Write a plan of the shop with this external id to a file, or to standard output."""
    async with database.connected(settings, pool=2, application="rekindle export"):
        if not await Plan.exists(id=plan, shop__external_id=shop):
            raise CannotRun(f"the shop {shop!r} has no plan {plan}; it has {await _plans(shop)}")
        parts = export.written(plan, content, form)
        if to is None:
            await _write(sys.stdout.buffer, "standard output", parts)
        else:
            await (_write_whole if _may_be_replaced(to) else _write_into)(to, parts)


def _may_be_replaced(path: Path) -> bool:
    return path.is_file() or not path.exists()


async def _write_into(path: Path, parts: AsyncIterator[bytes]) -> None:
    """Write into what is no file, such as a pipe or a device: it must not be replaced by one."""
    with _opened(path, path) as place:
        await _write(place, path, parts)


async def _write_whole(path: Path, parts: AsyncIterator[bytes]) -> None:
    """Write beside the file and put it in its place at the end: what is there is never half of it.

    It is about customers, so that nobody but its owner can read it, unless who was to have read the file before.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        with _opened(draft, path) as file:
            with _written(path):
                os.fchmod(file.fileno(), _mode_of(path))
            await _write(file, path, parts)
        with _written(path):
            draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600


def _opened(path: Path, name: Path) -> BinaryIO:
    with _written(name):
        return path.open("wb")


async def _write(place: BinaryIO, name: Path | str, parts: AsyncIterator[bytes]) -> None:
    async for part in parts:
        with _written(name):
            place.write(part)
    with _written(name):
        place.flush()


@contextmanager
def _written(name: Path | str) -> Iterator[None]:
    """Say of what is written to that it cannot be: errors of its own are like those of the wire to PostgreSQL."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise CannotRun(f"{name} cannot be written: {error.strerror}") from None


async def _plans(shop: str) -> str:
    """The latest plans of a shop, to choose from."""
    plans = await Plan.filter(shop__external_id=shop).order_by("-id").limit(10)
    return ", ".join(f"{each.id} ({each.name})" for each in plans) or "none"
