"""What the documents say of settings and dependencies is what the code has."""

import re
import tomllib
from pathlib import Path

from graphql import parse, validate
from pydantic_core import PydanticUndefined, to_jsonable_python

from models.plan.status import TRANSITIONS
from schema import schema
from settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]


def settings_rows() -> list[str]:
    """The rows that docs/settings.md must have: a variable, its default and what it is."""
    rows = []
    for name, field in Settings.model_fields.items():
        assert field.default is not PydanticUndefined
        default = "" if field.default is None else f"`{to_jsonable_python(field.default)}`"
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return rows


def test_every_setting_is_told_as_it_is():
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")

    assert [line for line in text.splitlines() if line.startswith("| `")] == settings_rows()


def direct_dependencies() -> set[str]:
    """The names of every direct dependency, extras left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    return {re.split(r"[\[<>=~]", name)[0] for names in lists for name in names}


def test_every_direct_dependency_says_why_it_is_here():
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    first_cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ") and "why |" not in line]
    told = {re.sub(r"\[.*\]", "", name).strip() for cell in first_cells for name in cell.split(",")}

    assert told == direct_dependencies()


def test_locks_name_no_place_to_fetch_from():
    for lock in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock.read_text("utf-8"))


def named_in(cell: str) -> list[tuple[str, str]]:
    """The tests that a cell names, each with its file: `file: test, test, file: test`."""
    found: list[tuple[str, str]] = []
    for word in cell.split(", "):
        *file, test = word.split(": ")
        found.append((file[0] if file else found[-1][0], test))
    return found


def test_every_abuse_is_held_by_a_test_that_is_there():
    cells = re.findall(r"\| (\w+: [\w, :]+) \|$", (ROOT / "docs" / "security.md").read_text("utf-8"), re.MULTILINE)
    rows = [row for cell in cells for row in named_in(cell)]
    there = {
        (path.stem, test)
        for path in (ROOT / "tests").rglob("test_*.py")
        for test in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))
    }

    assert len(rows) > 80
    assert [row for row in rows if row not in there] == []


def test_every_fault_that_is_tried_names_tests_that_are_there():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text("utf-8"))

    assert len(named) >= 20
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), (file, test)


def test_every_operation_on_a_page_fits_the_schema():
    wrong = {
        (page.name, str(error))
        for page in (ROOT / "docs").glob("*.md")
        for query in re.findall(r"```graphql\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        for error in validate(schema._schema, parse(query))
    }
    assert wrong == set()


def test_the_diagram_of_a_plan_has_every_move_there_is_and_no_other():
    text = (ROOT / "docs" / "concepts.md").read_text("utf-8").partition("## What happens to a plan")[2]
    drawn = re.findall(r"^    (\w+) --> (\w+)", text.partition("```mermaid")[2].partition("```")[0], re.MULTILINE)

    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(source, target) for source, targets in TRANSITIONS.items() for target in targets}


def test_every_page_says_what_it_is_about_before_its_first_section():
    begins = {page.name: page.read_text("utf-8").split("\n\n")[1] for page in (ROOT / "docs").glob("*.md")}

    assert [name for name, text in begins.items() if not re.match(r"[A-Z`]", text)] == []


def test_no_page_has_a_heading_twice():
    pages = [*PAGES, *(ROOT / "docs").glob("*.md")]
    headings = {page.name: re.findall(r"^##+ .*", page.read_text("utf-8"), re.MULTILINE) for page in pages}

    assert {name: found for name, found in headings.items() if len(set(found)) < len(found)} == {}


def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there():
    pages = [*PAGES, *(ROOT / "docs").rglob("*.md")]
    links = {
        (page, link) for page in pages for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8"))
    }
    assert len(links) > 30
    assert [(page.name, link) for page, link in sorted(links) if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link's file is there, and its heading, as hosts of Markdown name it."""
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE) if heading else []
    return not heading or heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_a_command_is_told_as_it_is_typed():
    code = [
        path
        for folder in ("bench", "deploy", "jobs", "local", "models", "operations", "resolvers", "schema")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sh", ".graphql", ".service", ".example"}
    ]
    texts = {
        path: path.read_text("utf-8")
        for path in [*code, *ROOT.glob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    }

    assert [path.name for path, text in texts.items() if re.search(r"(?<![/\w])python server\.py", text)] == []
