"""Imports of NDJSON files of any size: in bounded memory, committed batch by batch, resumed where they stopped.

How far an import has come stands in its `import_job` row, moved in the transaction of the batch, so a
killed import goes on with the first line that is not committed. A job is known by its shop and the
file's content; a file that was imported to its end starts anew, and its rows change nothing.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO
from uuid import UUID, uuid4

from models import database
from models.clock import now
from models.errors import ErrorCode, Refused, refuse
from models.ingest import Batch, ndjson, write
from models.ingest.quick_turns import quick_turns
from models.ingest.refusal_report import RefusalReport
from models.shop import Shop

MOST_LINES = 40_000
"""Lines committed together."""

MOST_BYTES = 8 * 1024 * 1024
"""A batch ends after this much of the file, however few lines that is."""

WRITTEN = ("customer", "product", "orders", "event", "relationship")
"""The tables that an import writes most of."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """How far an import has come: what is committed of its file."""

    id: UUID
    byte_offset: int
    line_number: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of a file, read: where they end, and what they hold, by line number."""

    byte_offset: int
    line_number: int
    batch: Batch


Progress = Callable[[ImportJob], None]
"""Called after each commit."""


async def import_file(
    path: Path, shop: Shop, *, secret: bytes, report: Path | None = None, progress: Progress | None = None
) -> ImportJob:
    """Import the rows of an NDJSON file into the shop; the job as it ended.

    Refused lines are told in `report` (default: FILE.refused.ndjson), which exists only if there are
    any. Raises Refused for what is not a readable NDJSON file, or while another import of it runs.
    `secret` is the key of address digests.
    """
    fingerprint = await asyncio.to_thread(fingerprint_of, path)
    job = await _begin(shop, path, fingerprint)
    refusals = RefusalReport(report or path.with_name(f"{path.name}.refused.ndjson"))
    with path.open("rb") as file, quick_turns(), ThreadPoolExecutor(1) as reader:
        file.seek(job.byte_offset)
        chunks = _chunks(file, shop, job)
        loop = asyncio.get_running_loop()
        upcoming = loop.run_in_executor(reader, next, chunks, None)
        while (chunk := await upcoming) is not None:
            upcoming = loop.run_in_executor(reader, next, chunks, None)
            job = await _commit(job, chunk, refusals, secret)
            if progress:
                progress(job)
    await _finish(job, refusals)
    return job


def fingerprint_of(path: Path) -> str:
    """SHA-256 of the file's content. Raises Refused for what cannot be imported."""
    try:
        if not S_ISREG(path.stat().st_mode):
            raise refuse("file", f"{path} cannot be read: it is not a regular file")
        with path.open("rb") as file:
            if file.read(2) == _GZIP:
                raise refuse("file", f"{path} is compressed with gzip; unpack it first")
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise refuse("file", f"{path} cannot be read: {error.strerror}") from None


async def _begin(shop: Shop, path: Path, fingerprint: str) -> ImportJob:
    rows = await database.fetch(_BEGIN, uuid4(), shop.id, path.name, fingerprint, now())
    return ImportJob(*rows[0].values())


def _chunks(file: BinaryIO, shop: Shop, job: ImportJob) -> Iterator[Chunk]:
    """Read and check the file's lines from the job's offset on, a batch at a time."""
    offset, number = job.byte_offset, job.line_number
    batch, start, first = Batch(shop, now()), offset, number
    for length, line in ndjson.lines(file):
        offset += length
        number += 1
        _add(batch, number, line)
        if number - first >= MOST_LINES or offset - start >= MOST_BYTES:
            yield Chunk(offset, number, batch)
            batch, start, first = Batch(shop, now()), offset, number
    if offset > start:
        yield Chunk(offset, number, batch)


def _add(batch: Batch, number: int, line: bytes | None) -> None:
    if number == 1:
        line = ndjson.without_mark(line)
    if line is not None and line.isspace():
        return
    try:
        value = ndjson.parse(line)
    except Refused as refused:
        batch.refused[number] = refused.problems
    else:
        batch.add(number, value)


async def _commit(job: ImportJob, chunk: Chunk, refusals: RefusalReport, secret: bytes) -> ImportJob:
    """Write the chunk and move the job past it, in one transaction."""
    async with database.transaction():
        await write(chunk.batch, secret=secret)
        after = replace(
            job,
            byte_offset=chunk.byte_offset,
            line_number=chunk.line_number,
            accepted=job.accepted + chunk.batch.accepted,
            refused=job.refused + len(chunk.batch.refused),
        )
        await _move(job, after)
        await asyncio.to_thread(refusals.write, chunk.batch.refused, after_line=job.line_number)
    return after


async def _move(job: ImportJob, after: ImportJob) -> None:
    moved = await database.execute(
        "UPDATE import_job SET byte_offset = $3, line_number = $4, accepted = $5, refused = $6, updated_at = $7"
        " WHERE id = $1 AND byte_offset = $2 AND finished_at IS NULL",
        job.id,
        job.byte_offset,
        after.byte_offset,
        after.line_number,
        after.accepted,
        after.refused,
        now(),
    )
    if not moved:
        raise refuse("file", "another import of this file is under way", ErrorCode.CONFLICT)


async def _finish(job: ImportJob, refusals: RefusalReport) -> None:
    """Say that the file was read to its end. What came may be most of what there is now, so statistics are taken."""
    await asyncio.to_thread(refusals.write, {}, after_line=job.line_number)
    if job.accepted:
        await database.analyze(*WRITTEN)
    await database.execute("UPDATE import_job SET finished_at = $2, updated_at = $2 WHERE id = $1", job.id, now())


# What was finished starts anew: importing a file twice changes nothing but repairs what was lost since.
_BEGIN = """
INSERT INTO import_job AS known (id, shop_id, source, fingerprint, started_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (shop_id, fingerprint) DO UPDATE
SET (source, finished_at, updated_at) = (excluded.source, NULL, excluded.updated_at),
    started_at = CASE WHEN known.finished_at IS NULL THEN known.started_at ELSE excluded.started_at END,
    byte_offset = CASE WHEN known.finished_at IS NULL THEN known.byte_offset ELSE 0 END,
    line_number = CASE WHEN known.finished_at IS NULL THEN known.line_number ELSE 0 END,
    accepted = CASE WHEN known.finished_at IS NULL THEN known.accepted ELSE 0 END,
    refused = CASE WHEN known.finished_at IS NULL THEN known.refused ELSE 0 END
RETURNING id, byte_offset, line_number, accepted, refused"""
