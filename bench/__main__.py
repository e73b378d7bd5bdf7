"""`python -m bench NAME`: measure, and print a table or (`--json`) one JSON object.

At full size it rewrites its section of docs/benchmarks.md; `python -m bench all` runs them all.
"""

import argparse
import asyncio
import json
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from bench.page import with_section
from bench.report import Report

BENCHES = ("audience", "chat", "email", "ingest", "api", "subscribers", "trigger", "erase")
"""Each is the module of that name, in the order of docs/benchmarks.md."""

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

Size = Literal["small", "full"]


class Bench(Protocol):
    """A module of benchmarks."""

    __doc__: str
    """What it measures, its cases and its yardsticks, for the page."""

    async def measure(self, size: Size) -> Report:
        """Run it; `small` is quick and says little."""


def main() -> None:
    """Run the benchmarks that this process's arguments name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=(*BENCHES, "all"))
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.add_argument("--size", choices=("small", "full"), default="full", help="small is a quick version for tests")
    arguments = parser.parse_args()
    names = BENCHES if arguments.name == "all" else (arguments.name,)
    for name in names:
        report = measured(name, arguments.size, as_json=arguments.json)
        if arguments.size == "full":
            page = PAGE.read_text("utf-8") if PAGE.exists() else ""
            section = report.as_markdown(bench_of(name).__doc__)
            PAGE.write_text(with_section(page, name, section, BENCHES), "utf-8")


def bench_of(name: str) -> Bench:
    """The module of a benchmark."""
    return cast("Bench", import_module(f"bench.{name}"))


def measured(name: str, size: Size, *, as_json: bool) -> Report:
    """Run one benchmark and print what it found."""
    report = asyncio.run(bench_of(name).measure(size))
    print(json.dumps(report.as_json()) if as_json else report.as_markdown(), flush=True)
    return report


if __name__ == "__main__":
    main()
