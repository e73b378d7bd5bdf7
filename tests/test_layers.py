"""The arrows between the layers, held from the source itself."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from jobs.queue import DELIVERY_QUEUES

ROOT = Path(__file__).resolve().parents[1]

ALLOWED = {
    "settings": set(),
    "models": {"settings"},
    "resolvers": {"models", "settings"},
    "schema": {"resolvers", "models", "settings"},
    "jobs": {"models", "settings"},
    "operations": {"jobs", "models", "settings"},
    "local": {"operations", "jobs", "models", "settings"},  # jobs: the demo wakes the worker for its plan
    "server": {"schema", "resolvers", "jobs", "operations", "local", "models", "settings"},
    "client": set(),  # a script's side: it knows the schema's text only
    "examples": {"client"},
    "bench": {"schema", "resolvers", "jobs", "operations", "local", "models", "settings", "server"},
}
"""What each part may import of the others; itself it may always."""

NO_NOUNS = {
    "__init__": "of the package",
    "connection": "the shape of every list",
    "mutation": "the root of every change",
    "node": "whatever has a global id",
    "offer": "a coupon, as a shopper sees it",
}
"""Files of both resolvers and schema that stand for no row of models, and what they are."""

OUTSIDE_TIME = {"bench", "tests"}
CLOCK_READERS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
CLOCK_MODULES = {"datetime", "date", "time"}


def sources(part: str) -> list[Path]:
    """The Python files of a part of the project."""
    single = ROOT / f"{part}.py"
    return [single] if single.exists() else sorted((ROOT / part).rglob("*.py"))


def every_source() -> list[Path]:
    """The Python files of all parts."""
    return [path for part in ALLOWED for path in sources(part)]


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it: of `from a import b`, both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_run_one_way(part: str):
    foreign = {
        (module_of(path), module)
        for path in sources(part)
        for module in imports(path)
        if (top := module.partition(".")[0]) in {*ALLOWED, "tests"} and top not in {part, *ALLOWED[part]}
    }

    assert foreign == set()


def test_nouns_of_the_api_know_nothing_of_how_they_are_served():
    """`serving` → `execution` → `cost`, and none of them from a noun."""
    below = {"cost": {"cost"}, "execution": {"cost", "execution"}, "serving": {"cost", "execution", "serving"}}
    upward = {
        (module_of(path), module)
        for path in sources("schema")
        for module in imports(path)
        if (target := module.removeprefix("schema.").partition(".")[0]) in below
        and module.startswith("schema.")
        and target not in below.get(path.relative_to(ROOT / "schema").parts[0], set())
    }

    assert {path.name for path in (ROOT / "schema").iterdir() if (path / "__init__.py").exists()} == below.keys()
    assert upward == set()


def test_the_expectations_of_automated_plans_import_nothing_of_what_they_judge():
    written = [
        path for path in sources("bench") if path.parent.name == "shop_life" and path.stem not in {"hand", "stage"}
    ]
    own = {"bench", "bench.shop_life", *(module_of(path) for path in written)}
    foreign = {
        (module_of(path), module)
        for path in written
        for module in imports(path)
        if module.partition(".")[0] in {*ALLOWED, "tests"}
        and module.rpartition(".")[0] not in own
        and module not in own
    }

    assert {path.stem for path in written} == {"__init__", "expected", "happenings", "occasions", "script"}
    assert foreign == set()


def test_no_module_imports_itself_in_a_circle():
    modules = {module_of(path) for path in every_source()}
    graph = {
        module_of(path): {name for name in imports(path) if name in modules and not module_of(path).startswith(name)}
        for path in every_source()
    }

    TopologicalSorter(graph).prepare()  # raises CycleError


def test_nothing_is_called_utils():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "services", "repositories", "signals", "base"}

    assert [path for path in every_source() if path.stem in vague] == []


def clock_calls(path: Path) -> Iterator[str]:
    """Where a file reads the time of day: `datetime.now()`, `time.time()` and their like."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCK_READERS
            and (ast.unparse(node.func.value).rpartition(".")[2] in CLOCK_MODULES)
        ):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}"


def test_only_the_clock_reads_the_time_of_day():
    readers = [
        call
        for part in ALLOWED.keys() - OUTSIDE_TIME
        for path in sources(part)
        if module_of(path) != "models.clock"
        for call in clock_calls(path)
    ]

    assert readers == []


def test_no_sql_reads_the_time_of_day_but_for_leases():
    readers = {
        module_of(path)
        for path in every_source()
        if module_of(path).partition(".")[0] != "bench"
        and any(word in path.read_text("utf-8").lower() for word in ("now() at", "current_timestamp", "current_date"))
    }

    assert readers == set()


def enqueued(path: Path) -> Iterator[str]:
    """The names of the jobs that a file enqueues."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"enqueue", "enqueue_job"}:
            constants = [argument for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            yield from (constant.value for constant in constants if isinstance(constant.value, str))


def test_an_enqueued_job_is_a_file_of_that_name():
    names = {name for path in every_source() for name in enqueued(path)}

    assert names
    assert names - {path.stem for path in sources("jobs")} == set()


def test_a_medium_is_a_file_of_that_name_and_no_other_file_is_beside_it():
    files = {path.stem for path in (ROOT / "jobs" / "channels").glob("*.py")}

    assert files - {"__init__"} == {medium.lower() for medium in DELIVERY_QUEUES}


def test_a_noun_of_the_api_is_a_file_of_that_name_in_every_layer_below():
    nouns = {path.stem for path in sources("resolvers")} & {path.stem for path in sources("schema")}
    models = {path.stem for path in sources("models")} | {path.parent.stem for path in sources("models")}

    assert nouns - models - NO_NOUNS.keys() == set()


def test_advisory_locks_are_taken_by_the_register_only():
    asking = {module_of(path) for path in every_source() if re.search("pg_(try_)?advisory", path.read_text("utf-8"))}

    assert asking == {"models.database", "models.migration"}


def test_a_test_of_the_domain_lies_where_its_code_does():
    tests = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests" / "models").rglob("test_*.py")]
    packages = {path.parent.relative_to(ROOT) for path in (ROOT / "models").rglob("__init__.py")}
    strayed = [path for path in tests if path.with_name(path.stem.removeprefix("test_")) in packages]

    assert strayed == []
    assert {path.parent for path in tests} - packages == set()
