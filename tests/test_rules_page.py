"""docs/rules.md is what the code has: its tables are computed, and each rule names code and a test that are there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from models import tier
from models.caller import PERMISSIONS, Action, Role
from models.errors import ErrorCode
from models.plan import permission
from models.plan.status import MOVES, SELLERS_ACTIONS, PlanKind, PlanStatus, allowed
from schema import schema

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
RULES = [*(f"R{number}" for number in range(1, 28)), *(f"B{number}" for number in range(1, 10))]
OPEN: dict[str, str] = {}
"""Rules that nothing implements yet, which the page says too."""


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def mark(holds: bool) -> str:
    """How a table says yes."""
    return "yes" if holds else ""


def roles() -> list[str]:
    """Role × action."""
    return [
        row("action", *Role),
        row(*["---"] * (len(Role) + 1)),
        *(row(action.value, *(mark(action in PERMISSIONS[role]) for role in Role)) for action in Action),
    ]


def actions() -> list[str]:
    """What a seller may do to a plan, by its status."""
    told = {
        status: [", ".join(action.value for action in allowed(kind, status)) for kind in PlanKind]
        for status in PlanStatus
    }
    rows = [row(status, *cells) for status, cells in told.items()]
    return [row("status", "one-time plan", "automated plan"), row("---", "---", "---"), *rows]


def moves() -> list[str]:
    """Every legal move."""
    lines = [row("action", "from", "to", "kind", "who", "needs ELIGIBLE"), row(*["---"] * 6)]
    for move in MOVES:
        who = "seller" if move.action in SELLERS_ACTIONS else "server"
        kind = ", ".join(sorted(move.kinds)) if len(move.kinds) < len(PlanKind) else "any"
        statuses = (", ".join(sorted(each)) for each in (move.sources, move.targets))
        lines.append(row(move.action.value, *statuses, kind, who, mark(move.action in permission.NEEDS_ELIGIBLE)))
    return lines


def tiers() -> list[str]:
    """Tiers with their basic quota and bounds in US dollars."""
    least = [0, *tier.terms().bounds["USD"]]
    rows = [
        row(each.name, each.basic, f"{bound // 100:,}") for each, bound in zip(tier.terms().tiers, least, strict=True)
    ]
    return [row("tier", "basic quota a week", "GMV from (USD)"), row("---", "---:", "---:"), *rows]


def codes() -> list[str]:
    """Every code of a `userErrors` entry, as the schema describes it."""
    described = schema._schema.type_map["UserErrorCode"].values  # type: ignore[attr-defined] # an enum
    rows = [row(f"`{code.value}`", described[code.value].description) for code in ErrorCode]
    return [row("code", "what it says"), row("---", "---"), *rows]


@pytest.mark.parametrize("table", [roles, actions, moves, tiers, codes], ids=lambda table: table.__name__)
def test_a_table_of_the_page_is_that_of_the_code(table: Callable[[], list[str]]):
    found = re.search(rf"<!-- {table.__name__} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found.group(1).splitlines() == table()


def rule_rows() -> dict[str, tuple[str, str]]:
    """The rule table: each number's code and tests."""
    rows = re.findall(r"^\| ([RB]\d+) \| [^|]+ \| ([^|]*) \| ([^|]*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == len({number for number, _, _ in rows})
    return {number: (code, tests) for number, code, tests in rows}


def test_every_rule_has_one_row():
    assert list(rule_rows()) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_code_that_names_it_and_tests_that_are_there(rule: str):
    code, tests = rule_rows()[rule]
    if rule in OPEN:
        assert (code, tests) == ("not built yet", "")
        return
    files, named = re.findall(r"`([\w/.]+)`", code), re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
    assert files and named
    assert any(re.search(rf"\b{rule}\b", (ROOT / file).read_text("utf-8")) for file in files), files
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), (file, test)
