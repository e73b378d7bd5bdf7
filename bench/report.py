"""What a benchmark says: its cases against their yardsticks, and on what they were measured."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from inspect import cleandoc
from pathlib import Path
from typing import Any

import asyncpg

ABSENT = "absent"
"""What is said of a yardstick that is not installed; never a remembered figure."""


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: medians of ours and of the yardstick's rounds, in seconds or per second as `unit` says."""

    case: str
    yardstick: str
    ours: float | None
    theirs: float | None
    unit: str

    @property
    def ratio(self) -> float | None:
        """Ours ÷ theirs; None when the yardstick is absent, or what both need."""
        return None if self.ours is None or self.theirs is None else self.ours / self.theirs

    def as_json(self) -> dict[str, Any]:
        """The case as one object of the report's JSON."""
        ratio = self.ratio
        return {
            "case": self.case,
            "yardstick": self.yardstick,
            "ours": ABSENT if self.ours is None else _short(self.ours),
            "theirs": ABSENT if self.theirs is None else _short(self.theirs),
            "unit": self.unit,
            "ratio": None if ratio is None else _short(ratio),
        }


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured on. A figure without its durability says nothing."""

    cpu: str
    cores: int
    memory_gb: int
    python: str
    postgresql: str
    fsync: str
    synchronous_commit: str

    def as_text(self) -> str:
        """The machine in a sentence."""
        return (
            f"Measured on {self.cpu}, {self.cores} cores, {self.memory_gb} GB; PostgreSQL {self.postgresql},"
            f" fsync {self.fsync}, synchronous_commit {self.synchronous_commit}; Python {self.python}."
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All that one benchmark found."""

    bench: str
    size: dict[str, Any]
    cases: Sequence[Case]
    machine: Machine
    rss_mb: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report as the one JSON object that `--json` prints, with the machine."""
        return {
            "bench": self.bench,
            "size": self.size,
            "cases": [case.as_json() for case in self.cases],
            "rss_mb": self.rss_mb,
            "machine": asdict(self.machine),
        }

    def as_markdown(self, about: str = "") -> str:
        """The report as a section of docs/benchmarks.md, with what the benchmark says `about` itself."""
        columns = ("case", "yardstick", "ours", "theirs", "unit", "ratio")
        rows = [case.as_json() for case in self.cases]
        lines = [
            f"## {self.bench}",
            "",
            *([cleandoc(about), ""] if about else []),
            f"{', '.join(f'{_told(value)} {name}' for name, value in self.size.items())}.",
            "",
            f"| {' | '.join(columns)} |",
            f"|{' --- |' * len(columns)}",
            *(f"| {' | '.join(_told(row[column]) for column in columns)} |" for row in rows),
            "",
            *(f"Most memory of {name}: {megabytes} MB.\n" for name, megabytes in self.rss_mb.items()),
            self.machine.as_text(),
            "",
        ]
        return "\n".join(lines)


async def measured_on(database: asyncpg.Connection) -> Machine:
    """The machine and its PostgreSQL. Raises RuntimeError when that would not survive a loss of power."""
    fsync = await database.fetchval("SHOW fsync")
    if fsync != "on":
        raise RuntimeError("fsync is off: what is measured so is not worth knowing")
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        python=platform.python_version(),
        postgresql=await database.fetchval("SHOW server_version"),
        fsync=fsync,
        synchronous_commit=await database.fetchval("SHOW synchronous_commit"),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _told(value: object) -> str:
    """A cell of a table: of a number that was measured three digits, with commas between thousands."""
    if isinstance(value, float):
        return f"{float(f'{value:.3g}'):,.10g}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def _short(value: float) -> float:
    """Four digits are more than a benchmark knows."""
    return float(f"{value:.4g}")
