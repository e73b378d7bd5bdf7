"""Messages made ready once per plan and language, then filled once per recipient in microseconds."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from icu4py.messageformat import MessageFormat

from models.content.nameless import nameless
from models.content.pattern import Argument, Choice, Message, arguments, pattern_of
from models.content.pattern_reader import parse
from models.content.variable import OPTIONAL, SHOWN, VARIABLES, TextVariableKind, Value
from models.errors import ErrorCode, Refused, refuse
from models.language import direction

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LEFT_TO_RIGHT = re.compile("[A-Za-z\u00aa-\u02b8\u0370-\u0589\u0900-\u1fff\u2c00-\ud7ff\uf900-\ufb1c]")
_SPECIAL = re.compile("[&<>\"'\n]")
_ISOLATE, _POP = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that differs per recipient: the variables it needs and, unless it is one plain text, ICU's format."""

    variables: tuple[str, ...]
    format: MessageFormat | None = None

    def write(self, values: Mapping[str, Value]) -> str:
        """What stands here for these values. Raises KeyError, naming the variable, when one is missing."""
        if self.format is None:
            return str(values[self.variables[0]])
        return self.format.format(
            {name: values.get(name, "") if name in OPTIONAL else values[name] for name in self.variables}
        )


def no_value(missing: KeyError) -> Refused:
    """The refusal of a message to which a variable's value is missing, as `Slot.write` names it."""
    name = missing.args[0]
    return refuse(f"variables.{name}", f"there is no value for {{{name}}}", ErrorCode.MISSING_CONTENT)


Pieces = tuple[str | Slot, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern in one language, in pieces: as customers get it whose name is known, and the others."""

    named: Pieces
    nameless: Pieces

    def pieces(self, values: Mapping[str, Value]) -> Pieces:
        """The pieces for a customer with these values."""
        return self.named if "name" in values else self.nameless

    def write(self, values: Mapping[str, Value]) -> str:
        """The text for these values (`variable.cleaned`)."""
        pieces = self.pieces(values)
        return "".join([piece if isinstance(piece, str) else piece.write(values) for piece in pieces])

    def write_html(self, values: Mapping[str, Value]) -> str:
        """The same where the pattern is HTML: values are escaped, what the pattern says is not."""
        pieces = self.pieces(values)
        return "".join([piece if isinstance(piece, str) else escape(piece.write(values)) for piece in pieces])


@lru_cache(maxsize=512)
def form(pattern: str, language: str) -> Form:
    """The form of an ICU pattern. Raises MessageError when it cannot be read."""
    message = parse(pattern)
    return Form(_pieces(message, language), _pieces(nameless(message, language), language))


def _pieces(message: Message, language: str) -> Pieces:
    return tuple(part if isinstance(part, str) else _slot(part, language) for part in message)


def _slot(part: Argument | Choice, language: str) -> Slot:
    names = tuple(dict.fromkeys(found.name for found in arguments((part,))))
    if isinstance(part, Choice):
        return Slot(names, MessageFormat(pattern_of((part,)), language))
    if part.name in VARIABLES and VARIABLES[part.name].kind is TextVariableKind.COUNT:
        return Slot(names, MessageFormat(f"{{{part.name}, number, integer}}", language))
    return Slot(names)


def escape(text: str) -> str:
    """Text as HTML, for element content and quoted attributes; line ends become `<br>`."""
    return html.escape(text).replace("\n", "<br>") if _SPECIAL.search(text) else text


def isolated(values: Mapping[str, Value], language: str) -> Mapping[str, Value]:
    """The values, those that run the other way than `language` wrapped in isolates (Unicode UAX #9 §2.4).

    So an Arabic name in an English sentence cannot pull the punctuation and digits beside it along.
    """
    other_way = _LEFT_TO_RIGHT if direction(language) == "rtl" else _RIGHT_TO_LEFT
    turned = {}
    for name in SHOWN & values.keys():
        value = values[name]
        if isinstance(value, str) and other_way.search(value):
            turned[name] = f"{_ISOLATE}{value}{_POP}"
    return {**values, **turned} if turned else values
