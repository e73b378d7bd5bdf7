"""docs/benchmarks.md: a section for each benchmark, replaced by each run of it at full size."""

import re
from collections.abc import Sequence

HEADING = """# Benchmarks

Written by `make bench`, or a section at a time by `.venv/bin/python -m bench NAME`: ours and its yardsticks in one run,
interleaved, medians of the rounds. A yardstick is what else does the same work, or the least it could cost; each section
says what its own are. `ratio` is ours ÷ theirs; in seconds less is better, per second more is.
"""


def with_section(page: str, name: str, section: str, order: Sequence[str]) -> str:
    """The page with the section of the benchmark `name` replaced or added, sections in the given order."""
    sections = {
        found.split("\n", 1)[0].strip(): found.strip() for found in re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    }
    sections[name] = section.strip().removeprefix("## ")
    written = [f"## {sections[each]}\n" for each in order if each in sections]
    return "\n".join([HEADING, *written])
