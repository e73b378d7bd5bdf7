"""Refusals of variables in a client's terms: graphql-core shows a value as Python writes it, a client wrote JSON."""

import json
import re
from itertools import islice
from typing import Any

from graphql.pyutils import Undefined, inspect

_REFUSED = re.compile(r"Variable '\$(?P<name>\w+)' has invalid value(?: at (?P<path>(?:\.\w+|\[\d+\])+))?: ")
"""How graphql-core begins to say what is wrong with a variable, or with what stands at a place in it."""

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

LONGEST = 240
"""Characters of the longest text that is shown of a value."""

MOST = 10
"""Items of a list or an object that are shown of a value."""

LEVELS = 2
"""Lists and objects within each other that are shown of a value."""


def in_json(message: str, variables: dict[str, Any]) -> str:
    """The message with null for None, and with what is refused of `variables` as JSON. Any other stays as it is."""
    if refused := _REFUSED.match(message):
        value = _value_at(variables, refused["name"], refused["path"] or "")
        message = message[: refused.end()] + _with_json(message[refused.end() :], value)
    return message.replace(" not to be None.", " not to be null.")


def _with_json(said: str, value: Any) -> str:
    """What is said of a value, which is shown at the end, or at the end of a sentence."""
    shown = inspect(value)
    before, found, after = said.rpartition(shown)
    return f"{before}{_shortened(value)}{after}" if found and after[:1] in ("", ".") else said


def _value_at(variables: dict[str, Any], name: str, path: str) -> Any:
    """What stands there; Undefined where nothing does."""
    value = variables.get(name, Undefined)
    for field, index in _STEP.findall(path):
        try:
            value = value[field or int(index)]
        except (LookupError, TypeError):
            return Undefined
    return value


def _shortened(value: Any, levels: int = LEVELS) -> str:
    """A value as JSON: of a long one its beginning, of a deep one its upper levels."""
    if isinstance(value, dict | list) and value and not levels:
        return "{…}" if isinstance(value, dict) else "[…]"
    if isinstance(value, dict):
        items = [f"{_text(key)}: {_shortened(item, levels - 1)}" for key, item in islice(value.items(), MOST)]
        return f"{{{_listed(items, len(value))}}}"
    if isinstance(value, list):
        return f"[{_listed([_shortened(item, levels - 1) for item in value[:MOST]], len(value))}]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    return json.dumps(value if len(value) <= LONGEST else f"{value[:LONGEST]}…", ensure_ascii=False)


def _listed(items: list[str], size: int) -> str:
    return ", ".join([*items, "…"] if size > MOST else items)
