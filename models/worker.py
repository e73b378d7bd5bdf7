"""Workers: one heartbeat row per process is the lease of everything it holds.

Leases are measured by PostgreSQL's clock, never by the shop's movable one (docs/decisions.md, "Leases are measured
by PostgreSQL, everything else by the movable clock").
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import orjson

from models import database

MessageCounts = Sequence[tuple[str, str, str, int]]
"""What a worker counted since it began: (relay, domain, outcome, messages)."""


async def register(worker_id: UUID, name: str, lease: timedelta) -> None:
    """Enter a worker; everything it acquires is its own for `lease` after each `beat`."""
    await database.execute(
        "INSERT INTO worker (id, name, started_at, lease_until)"
        " VALUES ($1, $2, clock_timestamp(), clock_timestamp() + $3)",
        worker_id,
        name,
        lease,
    )


async def beat(worker_id: UUID, lease: timedelta, figures: MessageCounts = (), failing: Sequence[str] = ()) -> bool:
    """Prolong the lease; False when the worker was already given up, and must register anew.

    `failing` are the relays that could not be reached when it last tried.
    """
    return bool(
        await database.execute(
            "UPDATE worker SET lease_until = clock_timestamp() + $2, figures = $3, failing = $4"
            " WHERE id = $1 AND lease_until > clock_timestamp()",
            worker_id,
            lease,
            orjson.dumps(list(figures)).decode(),
            list(failing),
        )
    )


async def swept(worker_id: UUID) -> None:
    """Note that this worker has just looked at everything that may be due."""
    await database.execute("UPDATE worker SET swept_at = clock_timestamp() WHERE id = $1", worker_id)


async def living() -> bool:
    """Whether any worker's heartbeat has not stopped."""
    found: bool = await database.fetch_value("SELECT EXISTS (SELECT FROM worker WHERE lease_until > clock_timestamp())")
    return found


async def swept_ago() -> timedelta | None:
    """How long ago any worker last looked at everything; None when none of those here ever did."""
    ago: timedelta | None = await database.fetch_value("SELECT clock_timestamp() - max(swept_at) FROM worker")
    return ago


async def failing_relays() -> list[str]:
    """The relays that a living worker could not reach when it last tried."""
    rows = await database.fetch(
        "SELECT DISTINCT unnest(failing) AS relay FROM worker WHERE lease_until > clock_timestamp() ORDER BY relay"
    )
    return [row["relay"] for row in rows]


async def generation(lease: timedelta) -> int:
    """A number that changes once per lease, the same for all workers: what was enqueued before may come again."""
    seconds = max(1, int(lease.total_seconds()))
    number: int = await database.fetch_value(
        "SELECT floor(extract(epoch FROM clock_timestamp()) / $1::int)::bigint", seconds
    )
    return number


async def leave(worker_id: UUID) -> None:
    """Remove a worker that has drained; what it still holds is given up at the next sweep."""
    await database.execute("DELETE FROM worker WHERE id = $1", worker_id)


async def bury(after: timedelta) -> int:
    """Remove workers whose lease ran out longer ago than `after`; how many."""
    return await database.execute("DELETE FROM worker WHERE lease_until < clock_timestamp() - $1::interval", after)
