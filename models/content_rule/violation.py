"""R13 over a plan's whole content: every language, every field, as customers get it with its variables filled."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from models.content.binding import sources
from models.content.check import LONGEST
from models.content.count import MOST_COUNTS, deciding_counts
from models.content.form import form
from models.content.pattern_reader import MessageError, parse
from models.content.variable import OPTIONAL, VARIABLES, TextVariableKind, Value, of_recipient
from models.content_rule.match import WayOut, check
from models.errors import ErrorCode, Problem

_CLOSED = {
    WayOut.EMAIL: "an e-mail address",
    WayOut.LINK: "a link",
    WayOut.MESSENGER: "another messenger",
    WayOut.PHONE: "a phone number",
}


@dataclass(frozen=True)
class ForbiddenWords(Problem):
    """A way out that was refused, with the whole `text` that has it: what is kept for the platform to see."""

    way: WayOut = WayOut.LINK
    words: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A way out in a plan's content: the field's path ("texts", "en", "subject") and the offending words."""

    field: tuple[str, ...]
    way: WayOut
    words: str

    def problem(self, text: str) -> ForbiddenWords:
        """What the seller is told, who wrote `text`."""
        message = (
            f"“{self.words}” is {_CLOSED[self.way]}. A text may not lead out of the shop;"
            " its button and products lead to the store, a product, the cart or a LIVE."
        )
        return ForbiddenWords(self.field, message, ErrorCode.FORBIDDEN_CONTENT, "R13", self.way, self.words, text)


def violations(content: Mapping[str, Any], constants: Mapping[str, Value | None]) -> list[Violation]:
    """Every way out in a plan's content, once per field. `constants` are the shop's name and the like.

    Fields that are no text, are too long, cannot be read as ICU messages or word too many numbers are passed over:
    `content.validate` tells of them.
    """
    return list(dict.fromkeys(chain.from_iterable(_one_by_one(content, constants))))


async def problems(content: Mapping[str, Any], constants: Mapping[str, Value | None]) -> list[ForbiddenWords]:
    """The same as problems, for `userErrors`. Others have their turns meanwhile: it is some thousand texts at most."""
    texts = content.get("texts", {})
    found: dict[Violation, None] = {}
    for some in _one_by_one(content, constants):
        found |= dict.fromkeys(some)
        await asyncio.sleep(0)
    return [each.problem(texts[each.field[1]][each.field[2]]) for each in found]


def problems_of(field: tuple[str, ...], text: str) -> list[ForbiddenWords]:
    """Every way out in a text that is shown as it is, such as a product's title or a coupon's name."""
    return [Violation(field, found.way, found.words).problem(text) for found in check(text)]


def _one_by_one(content: Mapping[str, Any], constants: Mapping[str, Value | None]) -> Iterator[Sequence[Violation]]:
    """What is found in each text that a customer might get of this content."""
    texts = content.get("texts")
    for tag, fields in texts.items() if isinstance(texts, Mapping) else ():
        for name, pattern in fields.items() if isinstance(fields, Mapping) else ():
            field = ("texts", str(tag), str(name))
            for text in _filled(pattern, str(tag), constants):
                yield [Violation(field, match.way, match.words) for match in check(text)]


def _filled(pattern: object, language: str, constants: Mapping[str, Value | None]) -> list[str]:
    """The pattern in each of the ways it may be filled."""
    if not isinstance(pattern, str) or len(pattern) > max(LONGEST.values()):
        return []
    try:
        ready = form(pattern, language)
        message = parse(pattern)
    except (MessageError, ValueError, RuntimeError):
        return []
    counts = deciding_counts(message, language)
    if len(counts) > MOST_COUNTS:
        return []
    names = sorted(sources(message))
    try:
        return sorted({ready.write(of_recipient(values)) for values in _fillings(names, counts, constants)})
    except KeyError:
        return []


def _fillings(
    names: Sequence[str], counts: Sequence[int], constants: Mapping[str, Value | None]
) -> Iterator[dict[str, Value | None]]:
    """Values that take every branch: with and without what is optional, and each number that decides otherwise."""
    choices = [(constants[name],) if name in constants else _samples(name, counts) for name in names]
    for values in product(*choices):
        yield dict(zip(names, values, strict=True))


def _samples(name: str, counts: Sequence[int]) -> Sequence[Value | None]:
    variable = VARIABLES.get(name)
    if variable is None:
        return (None,)
    if variable.kind is TextVariableKind.COUNT:
        return counts
    return (variable.sample, None) if name in OPTIONAL else (variable.sample,)
