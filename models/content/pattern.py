"""ICU MessageFormat patterns as data: literal text, arguments and choices.

ICU itself formats (icu4py); knowing what a pattern consists of lets us check it, write shared values into
it, and fill its plain parts without ICU. https://unicode-org.github.io/icu/userguide/format_parse/messages/
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

ChoiceKind = Literal["select", "plural", "selectordinal"]
"""The kinds of choice that messages may use."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A plain `{name}`; `name` is "#" for the number of the plural it stands in."""

    name: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A `plural`, `selectordinal` or `select` on a variable, with its branches by key."""

    name: str
    kind: ChoiceKind
    offset: int
    branches: tuple[tuple[str, "Message"], ...]
    position: int = 0


Part = str | Argument | Choice

Message = tuple[Part, ...]
"""What a pattern says: literal text, arguments and choices, in order."""


def merge(parts: Iterable[Part]) -> Message:
    """The same parts as one message: neighbouring texts made one, empty ones left out."""
    merged: list[Part] = []
    for part in parts:
        append(merged, part)
    return tuple(merged)


def append(parts: list[Part], part: Part) -> None:
    """Put a part at the end: a text to the text before it, an empty one nowhere."""
    if isinstance(part, str) and parts and isinstance(parts[-1], str):
        parts[-1] += part
    elif part != "":
        parts.append(part)


def arguments(message: Message) -> Iterator[Argument | Choice]:
    """Every place that takes a variable, nested ones included, in order; not the `#` of plurals."""
    for part in message:
        if isinstance(part, Choice):
            yield part
            for _, branch in part.branches:
                yield from arguments(branch)
        elif isinstance(part, Argument) and part.name != "#":
            yield part


def quote(text: str, *, in_plural: bool = False) -> str:
    """`text` as a pattern that says exactly that."""
    special = "{}#" if in_plural else "{}"
    return re.sub(f"[{special}']+", lambda run: _quoted(run.group()), text)


def _quoted(run: str) -> str:
    doubled = run.replace("'", "''")
    return doubled if set(run) == {"'"} else f"'{doubled}'"


def pattern_of(message: Message, *, in_plural: bool = False) -> str:
    """The pattern that reads as `message`: `parse(pattern_of(m)) == m` but for positions."""
    return "".join(_pattern_of_part(part, in_plural=in_plural) for part in message)


def _pattern_of_part(part: Part, *, in_plural: bool) -> str:
    if isinstance(part, str):
        return quote(part, in_plural=in_plural)
    if isinstance(part, Argument):
        return "#" if part.name == "#" else f"{{{part.name}}}"
    offset = f" offset:{part.offset}" if part.offset else ""
    inside = part.kind != "select"
    branches = "".join(f" {key} {{{pattern_of(branch, in_plural=inside)}}}" for key, branch in part.branches)
    return f"{{{part.name}, {part.kind},{offset}{branches}}}"
