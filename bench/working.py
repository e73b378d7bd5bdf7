"""Processes of a benchmark: a worker as operators start it, over a scratch database."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from arq.connections import ArqRedis

from bench import memory
from bench.serving import ROOT, SECRET
from jobs.queue import nudge, redis_pool
from models import database
from models.plan import Plan
from settings import Settings

WITHIN = 300.0
"""Seconds after which a plan counts as stuck."""

LOOK_AGAIN = 0.01
"""Seconds between two looks at first; then a hundredth of the time so far, or looking costs what is measured."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Python process of this project's, and the file of what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def megabytes(self) -> int:
        """The most memory it has held, in MB."""
        return memory.most_held(self.process.pid)

    async def until(self, is_so: str, *arguments: object) -> None:
        """Wait until a statement says true. Raises RuntimeError when the process has ended, or takes for ever."""
        started = time.perf_counter()
        while not await database.fetch_value(is_so, *arguments):
            taken = time.perf_counter() - started
            if self.process.poll() is not None or taken > WITHIN:
                raise RuntimeError(f"the work is not done: {self.log.read_text('utf-8')[-2_000:]}")
            await asyncio.sleep(max(LOOK_AGAIN, taken / 100))


@asynccontextmanager
async def program(*command: str, **environment: str) -> AsyncIterator[Program]:
    """`python …` with this environment, asked to end afterwards."""
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                [sys.executable, *command], cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
            )
        try:
            yield Program(process, log)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


@dataclass(frozen=True, slots=True)
class Working:
    """A worker process, and the queue it listens to."""

    program: Program
    queue: ArqRedis

    async def send(self, plan: Plan) -> float:
        """Have a submitted plan sent; the seconds until nothing of it is left to send."""
        started = time.perf_counter()
        await nudge(self.queue, "localise_plan", plan.id)
        await self.program.until("SELECT status = 'SENT' FROM plan WHERE id = $1", plan.id)
        return time.perf_counter() - started


@asynccontextmanager
async def worker(database_url: str, redis_url: str, **environment: str) -> AsyncIterator[Working]:
    """A worker as operators start it, once it is ready."""
    told = {
        "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SMTP_URL": "smtp://127.0.0.1:1", "SMTP_TLS": "none",
        "SECRET_KEY": SECRET, "TOKEN_SECRET": SECRET, **environment,
    }  # fmt: skip
    queue = redis_pool(Settings(_env_file=None, redis_url=redis_url))
    try:
        async with program("server.py", "work", **told) as started:
            name = f"%:{started.process.pid}"
            await started.until("SELECT EXISTS (SELECT FROM worker WHERE name LIKE $1)", name)
            yield Working(started, queue)
    finally:
        await queue.aclose()
