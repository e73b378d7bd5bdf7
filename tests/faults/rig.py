"""Workers as real processes, a relay that keeps a journal on disk, and what was done to them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from models import availability
from models import database as db
from models import slice as slices
from models.plan import Plan, PlanChannel, PlanStatus
from settings import Settings
from tests import oracle
from tests.factories import DEADLINE, make_customers, make_draft, make_shop
from tests.processes import ROOT, environment
from tests.receiver import Accepted
from tests.smtp_sink import Sink

FULL = os.environ.get("FAULTS") == "full"
"""Whether every test runs at its full size (`make faults`), or a part that fits among all other tests."""

LEASE = timedelta(seconds=4)
MARGIN = timedelta(seconds=2)
"""How much of it an intent needs: both are shorter than an operator's, because tests wait for leases to run out."""
PATIENCE = 480.0 if FULL else 90.0
FINISHED = {PlanStatus.SENT, PlanStatus.CANCELLED}


@dataclass(slots=True)
class Figures:
    """What a test did and saw, for the table of docs/reliability.md."""

    faults: int = 0
    accepted: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(slots=True, eq=False)
class Worker:
    """A worker process."""

    rig: "Rig"
    pid: int

    def signal(self, signum: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.exit_code() is None:
            os.kill(self.pid, signum)

    def kill(self) -> bool:
        """SIGKILL; whether it still ran."""
        ran = self.exit_code() is None
        if ran:
            os.kill(self.pid, signal.SIGKILL)
            self.rig.figures.faults += 1
        return ran

    def exit_code(self) -> int | None:
        """Its exit code (negative: the signal that ended it), None while it runs."""
        code: int | None = self.rig.order({"status": self.pid})
        return code

    def is_stopped(self) -> bool:
        """Whether it stands still (SIGSTOP)."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False

    async def ended(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + within
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                self.signal(signal.SIGUSR1)
                await asyncio.sleep(1)
                raise AssertionError("the worker does not end")
            await asyncio.sleep(0.02)
        return code


@dataclass
class Rig:
    """Starts workers on the test's engines, against a sink."""

    settings: Settings
    sink: Sink
    log: Path
    figures: Figures
    slice_size: int = 100
    range_size: int = 1_000
    ranges_at_once: int = 2
    workers: list[Worker] = field(default_factory=list)

    def open(self) -> None:
        """Start the sink and the process that workers are forks of."""
        self.url = self.sink.start()
        self._log = self.log.open("ab")
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            cwd=ROOT, env=environment(self.settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip

    def close(self) -> None:
        """End everything."""
        assert self._zygote.stdin is not None and self._zygote.stdout is not None
        for worker in self.workers:
            if worker.exit_code() is None:
                os.kill(worker.pid, signal.SIGKILL)
        self._zygote.stdin.close()
        self._zygote.wait(10)
        self._zygote.stdout.close()
        self._log.close()
        self.sink.stop()

    def order(self, order: dict[str, Any]) -> Any:
        """What the zygote answers to an order."""
        assert self._zygote.stdin is not None and self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self._zygote.stdin.flush()
        return json.loads(self._zygote.stdout.readline())

    def start(self, *faults: dict[str, Any], **changes: str) -> Worker:
        """A new worker, with faults armed and settings changed by their environment variables' names."""
        told = {
            "SMTP_URL": self.url, "SMTP_TLS": "none", "SMTP_CONNECTIONS": "4", "DATABASE_POOL": "8",
            "LEASE": f"PT{LEASE.total_seconds():.0f}S", "SWEEP_INTERVAL": "PT0.5S", "CLOCK": "2026-01-15T12:00:00Z",
            **changes,
        }  # fmt: skip
        sizes = (self.slice_size, self.range_size, self.ranges_at_once)
        order = {"start": told, "faults": faults, "sizes": sizes, "margin": MARGIN.total_seconds()}
        worker = Worker(self, self.order(order))
        self.workers.append(worker)
        return worker

    async def mail_plan(self, recipients: int, *, name: str = "bloom") -> Plan:
        """A plan of e-mail to `recipients` customers of a shop of its own, just submitted: nothing is done yet."""
        shop = await make_shop(name)
        await make_customers(shop, recipients, prefix=f"{name}-")
        plan = await make_draft(shop, channel=PlanChannel.EMAIL)
        return await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    async def forget_dead(self) -> None:
        """Let the leases of workers that have ended run out now."""
        dead = [f"%:{worker.pid}" for worker in self.workers if worker.exit_code() is not None]
        await db.execute("UPDATE worker SET lease_until = clock_timestamp() WHERE name LIKE ANY($1::text[])", dead)

    async def until_finished(self, *plans: Plan, within: float = PATIENCE) -> None:
        """Wait until the plans are over."""
        ids = [plan.id for plan in plans]

        async def are_over() -> bool:
            return await Plan.filter(id__in=ids, status__in=FINISHED).count() == len(ids)

        await until(are_over, within)

    async def check(
        self, recipients: int | None = None, *, accepted: list[Accepted] | None = None, channel: str = "EMAIL"
    ) -> oracle.Verdict:
        """Let every worker's lease run out, hold the ledger against the sink's (or `accepted`), note the figures."""
        for worker in self.workers:
            assert worker.exit_code() is not None, "a worker still runs"
        await db.execute("UPDATE worker SET lease_until = clock_timestamp()")
        await slices.give_up_lost()
        verdict = await oracle.check(self.sink.accepted() if accepted is None else accepted, channel=channel)
        if recipients is not None:
            assert sum(verdict.states.values()) == recipients, "a recipient is not in the ledger"
        self.figures.accepted = verdict.accepted
        self.figures.failed, self.figures.unknown = verdict.states["FAILED"], verdict.states["UNKNOWN"]
        return verdict

    async def stop_all(self) -> None:
        """Ask every worker to end, and wait for them."""
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            await worker.ended(60)


async def until(condition: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
    """Wait until something is so; PostgreSQL may be away meanwhile."""
    deadline = time.monotonic() + within
    while True:
        try:
            if await condition():
                return
        except availability.UNREACHABLE:
            pass
        assert time.monotonic() < deadline, "it does not come to be"
        await asyncio.sleep(0.1)
