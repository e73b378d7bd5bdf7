"""Conditions as JSON: read with errors that point into the tree, and written back in the same shape.

A node is an object with exactly one key: `all`, `any` (lists), `not`, or the name of a leaf:

    {"all": [{"orders": {"withinDays": 60, "min": 2}},
             {"averageOrder": {"withinDays": 60, "above": 3000, "currency": "USD"}},
             {"not": {"follows": true}}]}

What is stored adds the version of the language and the shop's time zone at the time of writing.
"""

from collections.abc import Iterator
from typing import Any

from models.condition import leaves
from models.condition.reader import Path, Problems, suggestion
from models.condition.tree import AllOf, AnyOf, Condition, Definition, Leaf, Negation
from models.errors import ErrorCode, refuse

VERSION = 1
"""Version of the language in stored definitions."""

MAX_DEPTH = 20
"""Deepest nesting of `all`, `any` and `not` that is accepted."""

MAX_CONDITIONS = 100
"""Most leaves that one definition may have."""

ROOT: Path = ("conditions",)
"""Where a definition stands in what is told of it."""

KEYS = ("all", "any", "not", *leaves.READERS)


def parse(conditions: Any, scope: leaves.Scope) -> Definition:
    """Read the JSON form for a shop; raises `Refused` naming every wrong place below `ROOT`."""
    _check_size(conditions)
    problems = Problems()
    tree = _node(conditions, ROOT, scope, problems)
    problems.check()
    if tree is None:
        raise refuse(".".join(ROOT), "is missing")
    return Definition(tree, scope.time_zone)


def read_stored(document: Any) -> Definition:
    """Read what `stored` wrote; raises `Refused` for another version or a document that does not hold."""
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION:
        raise refuse("version", f"must be {VERSION}")
    return parse(document["conditions"], leaves.Scope(time_zone=document["timeZone"]))


def stored(definition: Definition) -> dict[str, Any]:
    """The document to keep in the database."""
    return {"version": VERSION, "timeZone": definition.time_zone, "conditions": write(definition.conditions)}


def write(condition: Condition) -> dict[str, Any]:
    """The JSON form of a tree; reading it gives the same tree."""
    match condition:
        case AllOf(members):
            return {"all": [write(member) for member in members]}
        case AnyOf(members):
            return {"any": [write(member) for member in members]}
        case Negation(member):
            return {"not": write(member)}
        case leaf:
            return leaves.write(leaf)


def leaves_of(condition: Condition, path: Path = ROOT) -> Iterator[tuple[Path, Leaf]]:
    """Every leaf of a tree with the path of the node that it is."""
    match condition:
        case AllOf(members) | AnyOf(members):
            key = "all" if isinstance(condition, AllOf) else "any"
            for index, member in enumerate(members):
                yield from leaves_of(member, (*path, key, str(index)))
        case Negation(member):
            yield from leaves_of(member, (*path, "not"))
        case leaf:
            yield path, leaf


def _check_size(root: Any) -> None:
    """Refuse what is too deep or too large before anything walks it recursively."""
    waiting = [(root, 1)]
    found = 0
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise refuse(".".join(ROOT), f"must be at most {MAX_DEPTH} levels deep", ErrorCode.TOO_MANY)
        inner = _children(node)
        found += not inner
        if found + len(waiting) + len(inner) > MAX_CONDITIONS:
            raise refuse(".".join(ROOT), f"must have at most {MAX_CONDITIONS} conditions", ErrorCode.TOO_MANY)
        waiting.extend((child, depth + 1) for child in inner)


def _children(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    found = [node["not"]] if node.get("not") is not None else []
    for key in ("all", "any"):
        if isinstance(node.get(key), list):
            found.extend(node[key])
    return found


def _node(value: Any, path: Path, scope: leaves.Scope, problems: Problems) -> Condition | None:
    given = [key for key in value if value[key] is not None] if isinstance(value, dict) else []
    if len(given) != 1:
        problems.add(path, "must be an object with exactly one of: " + ", ".join(KEYS))
        return None
    key = str(given[0])
    inside = (*path, key[:100])
    if key == "not":
        member = _node(value[key], inside, scope, problems)
        return Negation(member) if member else None
    if key in ("all", "any"):
        members = _members(value[key], path, key, scope, problems)
        return AllOf(members) if key == "all" else AnyOf(members)
    reader = leaves.READERS.get(key)
    if reader is None:
        problems.add(inside, f"is not a condition{suggestion(key[:100], KEYS)}")
        return None
    return reader(value[key], inside, scope, problems)


def _members(value: Any, path: Path, key: str, scope: leaves.Scope, problems: Problems) -> tuple[Condition, ...]:
    if not isinstance(value, list) or not value:
        problems.add((*path, key), "must list at least one condition")
        return ()
    nodes = [_node(entry, (*path, key, str(index)), scope, problems) for index, entry in enumerate(value)]
    return tuple(node for node in nodes if node)
