"""How large segments were: measured once a day, and again when a definition changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from models import database
from models.bugs import Bugs
from models.clock import now
from models.segment import Segment, member

MAX_DAYS = 400
"""So many days of history are told at most, and kept."""

DEFAULT_DAYS = 30
"""So many days of it are told to whoever does not say how many."""

BATCH = 50
"""Segments measured in one statement."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many members a segment had on a day (UTC), with the version of its definition that was measured."""

    day: date
    size: int
    version: int
    measured_at: datetime


async def histories(asked: Sequence[tuple[int, int]]) -> list[list[Size]]:
    """The sizes of each segment measured in its last so many days (at most 400), the oldest first; in one statement."""
    rows = await database.fetch(
        "SELECT asked.place, z.day, z.size, z.version, z.measured_at"
        " FROM unnest($1::int[], $2::int[]) WITH ORDINALITY AS asked (segment_id, days, place)"
        " JOIN segment_size z ON z.segment_id = asked.segment_id AND z.day > $3::date - asked.days"
        " ORDER BY asked.place, z.day",
        [segment_id for segment_id, _ in asked],
        [min(days, MAX_DAYS) for _, days in asked],
        _today(),
    )
    found: list[list[Size]] = [[] for _ in asked]
    for place, *row in rows:
        found[place - 1].append(Size(*row))
    return found


async def due() -> bool:
    """Whether any segment has not been measured today."""
    found: bool = await database.fetch_value(f"SELECT EXISTS ({_UNMEASURED})", _today())
    return found


async def measure_due() -> int:
    """Measure every segment that was not measured today; how many were.

    A bug met at one segment is raised once all others have had their turn.
    """
    done, last, bugs = 0, 0, Bugs()
    while batch := await Segment.filter(id__in=await _unmeasured(after=last)).order_by("id"):
        done += await _measure_batch(batch, bugs)
        last = batch[-1].id
    bugs.check()
    return done


async def _unmeasured(*, after: int) -> list[int]:
    rows = await database.fetch(f"{_UNMEASURED} AND s.id > $2 ORDER BY s.id LIMIT $3", _today(), after, BATCH)
    return [row["id"] for row in rows]


async def _measure_batch(segments: list[Segment], bugs: Bugs) -> int:
    """Measure them in one statement or, where that fails, each on its own, so that only the culprit stays unmeasured."""
    try:
        await measure(segments)
    except Exception:  # noqa: BLE001 - whatever it is, it is met again, at whose it is
        return sum([await _measure_alone(segment, bugs) for segment in segments])
    return len(segments)


async def _measure_alone(segment: Segment, bugs: Bugs) -> bool:
    with bugs.kept():
        await measure([segment])
        return True
    return False


async def measure(segments: list[Segment]) -> None:
    """Keep the present sizes of these segments as today's."""
    at = now()
    sizes = await member.sizes([segment.question() for segment in segments])
    await database.execute(
        "INSERT INTO segment_size (segment_id, day, version, size, measured_at)"
        " SELECT id, $4, version, size, $5 FROM unnest($1::int[], $2::int[], $3::bigint[]) AS t (id, version, size)"
        " ON CONFLICT (segment_id, day) DO UPDATE"
        " SET version = excluded.version, size = excluded.size, measured_at = excluded.measured_at"
        " WHERE segment_size.version <= excluded.version",
        [segment.id for segment in segments],
        [segment.version for segment in segments],
        sizes,
        at.astimezone(UTC).date(),
        at,
    )


async def forget() -> int:
    """Drop sizes older than what is told; how many."""
    return await database.execute("DELETE FROM segment_size WHERE day <= $1::date - $2::int", _today(), MAX_DAYS)


def _today() -> date:
    return now().astimezone(UTC).date()


_UNMEASURED = """
SELECT s.id FROM segment s
WHERE s.archived_at IS NULL
  AND NOT EXISTS (SELECT FROM segment_size z WHERE z.segment_id = s.id AND z.day = $1::date AND z.version = s.version)"""
