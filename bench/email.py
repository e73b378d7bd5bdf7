"""An email plan to everyone, into Postfix's `smtp-sink`, against `smtp-source` and a naive job per recipient.

Ours is the whole way, by a worker process: from the submitted plan to its last settled message, database included.
The yardstick `smtp-source` pushes ready messages of the same size through as many connections, which it keeps open;
`naive` sends a part of the same mails, a job each. Cases: the connections, in messages per second. Debian's package
`postfix` has both programs; without them every figure is absent. What a mail's cost consists of is told in
[the speed of mail](mail-speed.md).
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import mean
from typing import Any
from uuid import UUID

from arq.connections import RedisSettings, create_pool

from bench.naive import QUEUE, send
from bench.place import redis_server, scratch_database
from bench.recipients import LANGUAGES, shop_with_recipients, submitted
from bench.report import Case, Report, measured_on
from bench.rounds import Work, interleaved
from bench.serving import SECRET
from bench.working import Working, program, worker
from models import database
from models.clock import now
from models.mail import letter
from models.plan import Plan, PlanChannel
from models.shop import Shop
from models.slice import Waiting
from settings import Settings

SIZES: Mapping[str, Mapping[str, Any]] = {
    "small": {"recipients": 300, "naive": 50, "rounds": 1, "connections": (4,)},
    "full": {"recipients": 30_000, "naive": 2_000, "rounds": 7, "connections": (32, 128)},
}
YARDSTICKS = ("naive", "smtp-source")
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin"
BACKLOG = "1000"
NOBODY = UUID(int=0)


async def measure(size: str) -> Report:
    """Every number of connections, ours and both yardsticks in turn."""
    numbers = SIZES[size]
    cases: list[Case] = []
    memory: dict[str, int] = {}
    async with scratch_database() as url, redis_server() as redis_url:
        shop = await shop_with_recipients(numbers["recipients"])
        await database.execute("CREATE TABLE naive AS SELECT id AS customer_id, now() AS sent_at FROM customer")
        await database.execute("CREATE UNIQUE INDEX naive_by_customer ON naive (customer_id)")
        async with database.connection() as raw:
            machine = await measured_on(raw)
        for connections in numbers["connections"]:
            if not all(shutil.which(name, path=PLACES) for name in ("smtp-sink", "smtp-source")):
                cases += [Case(str(connections), yardstick, None, None, "/s") for yardstick in YARDSTICKS]
                continue
            place = Place(shop, url, redis_url, connections)
            rates, memory[f"worker, {connections} connections"] = await _measured(place, numbers)
            cases += [Case(str(connections), each, rates["ours"], rates[each], "/s") for each in YARDSTICKS]
    told = {name: number for name, number in numbers.items() if name != "connections"}
    return Report("email", told, cases, machine, memory)


@dataclass(frozen=True, slots=True)
class Place:
    """Where all three work, and over how many connections."""

    shop: Shop
    database_url: str
    redis_url: str
    connections: int


async def _measured(place: Place, numbers: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    """Messages per second of each, and the most memory of our worker in MB."""
    async with (
        _sink() as port,
        worker(
            place.database_url,
            place.redis_url,
            SMTP_URL=f"smtp://127.0.0.1:{port}",
            SMTP_CONNECTIONS=str(place.connections),
        ) as working,
    ):
        size = await _size_of_a_mail(await _send(working, place.shop))
        works: dict[str, Work] = {
            "ours": lambda: _send(working, place.shop),
            "naive": lambda: _send_naively(place, port, numbers["naive"]),
            "smtp-source": lambda: _push(place, port, numbers["recipients"], size),
        }
        seconds = await interleaved(numbers["rounds"], works, before=_nothing_sent)
        counts = {"ours": numbers["recipients"], "naive": numbers["naive"], "smtp-source": numbers["recipients"]}
        return {name: counts[name] / taken for name, taken in seconds.items()}, working.program.megabytes()


async def _send(working: Working, shop: Shop) -> Plan:
    plan = await submitted(shop, PlanChannel.EMAIL)
    await working.send(plan)
    return plan


async def _send_naively(place: Place, port: int, count: int) -> None:
    told = {
        "DATABASE_URL": place.database_url, "REDIS_URL": place.redis_url,
        "SINK_PORT": str(port), "JOBS": str(place.connections),
    }  # fmt: skip
    queue = await create_pool(RedisSettings.from_dsn(place.redis_url))
    try:
        for row in await database.fetch("SELECT customer_id FROM naive LIMIT $1", count):
            await queue.enqueue_job(send.__name__, str(row["customer_id"]), _queue_name=QUEUE)
    finally:
        await queue.aclose()
    async with program("-m", "bench.naive", **told) as process:
        await process.until("SELECT count(sent_at) = $1 FROM naive", count)


async def _push(place: Place, port: int, count: int, size: int) -> None:
    command = [
        "smtp-source", "-d", "-s", str(place.connections), "-m", str(count), "-l", str(size),
        "-f", "bench@example.com", "-t", "someone@example.com", f"127.0.0.1:{port}",
    ]  # fmt: skip
    pushing = await asyncio.create_subprocess_exec(*command, env={"PATH": PLACES})
    if await pushing.wait() != 0:
        raise RuntimeError("smtp-source failed")


async def _nothing_sent() -> None:
    """An empty ledger; nothing waits to be written."""
    await database.execute("TRUNCATE delivery, contact, quota_week")
    await database.execute("UPDATE naive SET sent_at = NULL")
    await database.execute("VACUUM (ANALYZE) delivery")
    await database.execute("VACUUM (ANALYZE) contact")
    await database.execute("VACUUM (ANALYZE) naive")
    await database.execute("CHECKPOINT")


async def _size_of_a_mail(plan: Plan) -> int:
    """Bytes of the plan's mails, on average over its languages."""
    settings = Settings(_env_file=None, secret_key=SECRET)
    writer = await letter.writer(plan.id, {(tag, 0) for tag in LANGUAGES}, settings=settings)
    message = Waiting(
        plan.id, NOBODY, "", 1, NOBODY, 0, LANGUAGES[0], now().date(), now(), "Customer 10000", "c10000@example.com"
    )
    return round(mean(len(writer.body(message._replace(language=tag))) for tag in LANGUAGES))


@asynccontextmanager
async def _sink() -> AsyncIterator[int]:
    """Postfix's sink: it takes mail in and forgets it. Its port on the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    program = shutil.which("smtp-sink", path=PLACES)
    assert program is not None
    sink = subprocess.Popen([program, *user, f"127.0.0.1:{port}", BACKLOG])  # noqa: ASYNC220 - it returns at once
    try:
        await _until_it_listens(port)
        yield port
    finally:
        sink.terminate()
        await asyncio.to_thread(sink.wait, 20)


async def _until_it_listens(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError("smtp-sink does not listen")
