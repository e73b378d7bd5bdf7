"""Conditions as a line of text for people and scripts, read into the same JSON that the API takes.

    orders(within: 60d) >= 2 and average_order(within: 60d) > 30 USD and not follows

The grammar knows shapes only. What each condition may say is decided where its JSON is read, and the
problems found there are told by the column they come from.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from models.condition import wording
from models.condition.document import MAX_DEPTH, ROOT, parse
from models.condition.leaves import READERS, Scope
from models.condition.reader import Path, suggestion
from models.condition.tree import Definition
from models.errors import ErrorCode, Problem, Refused

MAX_LENGTH = 10_000
"""Longest text in characters."""

FIELD = "text"
KEYWORDS = ("and", "or", "not", "in", "within")
PHRASES = {
    "OPERATOR": "a comparison",
    "NUMBER": "a number",
    "WORD": "a name",
    "DURATION": "a window such as 30d",
    "DATE": "a day such as 2026-03-31",
    "STRING": "a text in quotes",
    "CODE": "a code such as MX-JAL",
    "RANGE": '".."',
    "LPAR": '"("',
    "RPAR": '")"',
    "COMMA": '","',
    "COLON": '":"',
    "$END": "the end",
    "WITHIN": '"within"',
    **{f"_{word.upper()}": f'"{word}"' for word in KEYWORDS},
}
"""What people call the grammar's terminals."""


def read_text(text: str, scope: Scope) -> Definition:
    """The definition that a line of text describes; raises `Refused` with the column of every mistake."""
    if len(text) > MAX_LENGTH:
        raise _refusal(f"must be at most {MAX_LENGTH} characters", ErrorCode.TOO_LONG)
    conditions, places = _converted(text, scope)
    try:
        return replace(parse(conditions, scope), text=text)
    except Refused as refused:
        raise Refused([_placed(problem, places, text) for problem in refused.problems]) from None


def placed_in_text(problems: Sequence[Problem], text: str, scope: Scope) -> list[Problem]:
    """Problems of the definition that a line of text describes, told by the column of each."""
    _, places = _converted(text, scope)
    return [_placed(problem, places, text) for problem in problems]


def _converted(text: str, scope: Scope) -> tuple[dict[str, Any], dict[Path, Token]]:
    """The JSON form of a line, and where its conditions stand in it."""
    places: dict[Path, Token] = {}
    return _Converter(text, scope, places).convert(_parsed(text), ROOT, 1), places


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    return Lark(File(__file__).with_name("grammar.lark").read_text(encoding="utf-8"), parser="lalr")


def _parsed(text: str) -> Tree[Token]:
    try:
        tree: Any = _grammar().parse(text).children[0]
    except UnexpectedInput as error:
        raise _refusal(_told(error, text)) from None
    found: Tree[Token] = tree
    return found


def _told(error: UnexpectedInput, text: str) -> str:
    """What was expected instead of what, and the word that may have been meant."""
    allowed = error.allowed if isinstance(error, UnexpectedCharacters) else None
    expected = set((error.accepts or error.expected) if isinstance(error, UnexpectedToken) else allowed or ())
    is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text) if is_end else error.pos_in_stream or 0
    word = (text[position:].split(maxsplit=1) or [""])[0][:30]
    near = suggestion(word.lower(), [name for name in KEYWORDS if {name.upper(), f"_{name.upper()}"} & expected])
    wanted = ", ".join(sorted(PHRASES.get(name, name) for name in expected))
    return f"{_column(text, position)}: expected {wanted}, not " + (f'"{word}"{near}' if word else "the end")


def _column(text: str, position: int) -> str:
    line = text.count("\n", 0, position)
    column = position - text.rfind("\n", 0, position)
    return f"line {line + 1}, column {column}" if line else f"column {column}"


def _placed(problem: Problem, places: dict[Path, Token], text: str) -> Problem:
    """A problem of the JSON form, told of the condition that it is in."""
    for length in range(len(problem.field)):
        if word := places.get(problem.field[: length + 1]):
            where = _where(problem.field[length:])
            message = f"{_column(text, word.start_pos or 0)}: {where}: {problem.message}"
            return Problem((FIELD,), message, problem.code)
    return Problem((FIELD,), problem.message, problem.code)


def _where(path: Path) -> str:
    """A place below a condition, as the text names it: `first_order.within`, `region[0]`."""
    return "".join(f"[{part}]" if part.isdecimal() else f".{wording.in_text(part)}" for part in path)[1:]


def _refusal(message: str, code: ErrorCode = ErrorCode.INVALID) -> Refused:
    return Refused([Problem((FIELD,), message, code)])


class _Converter:
    """Turns the parsed text into the JSON form, noting where each condition stands."""

    def __init__(self, text: str, scope: Scope, places: dict[Path, Token]) -> None:
        self.text = text
        self.scope = scope
        self.places = places

    def convert(self, tree: Any, path: Path, depth: int) -> dict[str, Any]:
        """One node."""
        if depth > MAX_DEPTH:
            raise _refusal(f"must be at most {MAX_DEPTH} levels deep", ErrorCode.TOO_MANY)
        if tree.data == "leaf":
            return self._leaf(tree, path)
        if tree.data == "negation":
            return {"not": self.convert(tree.children[0], (*path, "not"), depth + 1)}
        key = str(tree.data)
        members = enumerate(tree.children)
        return {key: [self.convert(one, (*path, key, str(index)), depth + 1) for index, one in members]}

    def _leaf(self, tree: Any, path: Path) -> dict[str, Any]:
        word, arguments, test = tree.children if len(tree.children) == 3 else (*tree.children, None)
        name = wording.in_json(word)
        if name not in READERS:
            known = [wording.in_text(reader) for reader in READERS]
            raise self._misworded(word, f'"{word}" is not a condition{suggestion(word.lower(), known)}')
        self.places[(*path, name)] = word
        fields: dict[str, Any] = {}
        for argument in arguments.children:
            if argument is not None:
                self._add(argument, fields)
        said = wording.Test(str(test.data), tuple(test.children)) if test is not None else None
        try:
            return {name: wording.value(name, fields, said, self.scope)}
        except wording.Misworded as misworded:
            raise self._misworded(word, str(misworded)) from None

    def _add(self, argument: Any, fields: dict[str, Any]) -> None:
        """Note what an argument says; said twice, one of the two would be lost."""
        name, word = argument.children
        try:
            field, meant = wording.argument(name, word)
        except wording.Misworded as misworded:
            raise self._misworded(name, str(misworded)) from None
        if field in fields:
            raise self._misworded(name, f'"{name}" is said twice')
        fields[field] = meant

    def _misworded(self, token: Token, message: str) -> Refused:
        return _refusal(f"{_column(self.text, token.start_pos or 0)}: {message}")
