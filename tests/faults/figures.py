"""The tables of what the fault suite did and saw, in docs/reliability.md: only of runs in which everything passed.

Tests tell their figures with their reports, so that it does not matter in which process they ran.
"""

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.rig import FULL, Figures

PASSED = pytest.StashKey[bool]()
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
TOLD, NOTICED = "figures", "noticed"

_lines: dict[str, Figures] = {}
_noticed: dict[str, str] = {}


def tell(item: pytest.Item, line: Figures) -> None:
    """Put a test's figures into its report, if it has passed."""
    if item.stash.get(PASSED, False):
        item.user_properties.append((TOLD, asdict(line)))


def hear(report: pytest.TestReport) -> None:
    """Keep what a report tells."""
    name = report.nodeid.rpartition("::")[2]
    for key, value in report.user_properties:
        if key == TOLD:
            _lines[name] = Figures(**value)  # type: ignore[arg-type]
        elif key == NOTICED:
            _noticed[name.partition("[")[2].removesuffix("]")] = str(value)


def noticed() -> list[tuple[str, str]]:
    """Each guard that was taken away, and the test that noticed."""
    return sorted(_noticed.items())


def write() -> None:
    """Put the tables where the page has their markers."""
    text = PAGE.read_text("utf-8")
    for marker, table in (("figures", _figures()), ("guards", _guards())):
        before, begin, rest = text.partition(f"<!-- {marker} -->\n")
        _, end, after = rest.partition(f"\n<!-- /{marker} -->")
        text = before + begin + table + end + after
    PAGE.write_text(text, "utf-8")


def _figures() -> str:
    """The figures as a Markdown table, a line for each test and their sum."""
    rows = [(_words(name), line) for name, line in sorted(_lines.items())]
    total = Figures(*(sum(getattr(line, each) for _, line in rows) for each in Figures.__slots__))
    lines = [
        "| what was done | faults injected | accepted | failed | unknown |",
        "|---" * 5 + "|",
    ]
    for words, line in [*rows, ("**together**", total)]:
        lines.append(f"| {words} | {line.faults:,} | {line.accepted:,} | {line.failed:,} | {line.unknown:,} |")
    size = "Of a run at full size." if FULL else "Of the smaller part, as `make test` runs it."
    return "\n".join([size, "", *lines])


def _guards() -> str:
    """The guards as a Markdown table, each with the test that noticed its absence."""
    return "\n".join(
        [
            "| without | noticed by |",
            "|---|---|",
            *(f"| {guard.replace('-', ' ')} | `{test}` |" for guard, test in noticed()),
        ]
    )


def _words(name: str) -> str:
    """A test's name as words."""
    plain, _, parameter = name.removeprefix("test_").partition("[")
    return plain.replace("_", " ") + (f" ({parameter[:-1]})" if parameter else "")
