"""Reading ICU MessageFormat patterns, with positions, so that a mistake is pointed at before anything is sent.

ICU neither lists a pattern's variables nor says where an error is, and it prints `{name}` when a value is
missing. This reads the part of its syntax that messages may use: plain arguments, `plural`,
`selectordinal` and `select`, with ICU's apostrophe rules. What is read here, ICU reads the same way.
"""

import re
from functools import lru_cache
from typing import Final, get_args

from models.content.pattern import Argument, Choice, ChoiceKind, Message, Part, merge

DEEPEST = 4
"""How many choices may stand inside one another."""

MOST_BRANCHES = 100
"""How many branches one message may have, all choices together."""

PLURAL_CATEGORIES = frozenset({"zero", "one", "two", "few", "many", "other"})
"""The plural forms of CLDR; which of them a language tells apart is its own."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEY = re.compile(r"=\d{1,9}|[A-Za-z][A-Za-z0-9_]*")
_OFFSET = re.compile(r"offset:\s*(\d{1,9})")
_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"[^'{}#]+")
_KINDS: Final[tuple[ChoiceKind, ...]] = get_args(ChoiceKind)


class MessageError(ValueError):
    """The pattern cannot be read; `position` is the character (from 0) where it goes wrong."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@lru_cache(maxsize=2048)
def parse(pattern: str) -> Message:
    """Read an ICU pattern. Raises MessageError with the position of the first mistake."""
    reader = _Reader(pattern)
    message = reader.message(depth=0, in_plural=False)
    if reader.at < len(pattern):
        raise MessageError(reader.at, "a '}' without its '{' (to show a brace, write '}' between apostrophes)")
    return message


class _Reader:
    """A recursive-descent reader over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.branches = 0
        self.opened: list[int] = []

    def message(self, depth: int, *, in_plural: bool) -> Message:
        """Everything up to the end or to a closing brace, which stays unread."""
        parts: list[Part] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != "}":
            character = self.pattern[self.at]
            if character == "{":
                parts.append(self.argument(depth))
            elif character == "#" and in_plural:
                parts.append(Argument("#", self.at))
                self.at += 1
            else:
                parts.append(self.literal(in_plural=in_plural))
        return merge(parts)

    def literal(self, *, in_plural: bool) -> str:
        """A stretch of text: up to the next character that may mean something."""
        character = self.pattern[self.at]
        if character == "'":
            return self.apostrophe("{}#" if in_plural else "{}")
        if character == "#":
            self.at += 1
            return "#"
        found = _LITERAL.match(self.pattern, self.at)
        assert found is not None
        self.at = found.end()
        return found.group()

    def apostrophe(self, special: str) -> str:
        """An apostrophe: doubled it is one, before a special character it quotes, else it is itself."""
        following = self.pattern[self.at + 1 : self.at + 2]
        if following == "'":
            self.at += 2
            return "'"
        self.at += 1
        return self.quoted() if following and following in special else "'"

    def quoted(self) -> str:
        """Quoted text up to the closing apostrophe, or, as in ICU, to the end of the pattern."""
        text = []
        while self.at < len(self.pattern):
            if self.pattern.startswith("''", self.at):
                text.append("'")
                self.at += 2
            elif self.pattern[self.at] == "'":
                self.at += 1
                break
            else:
                text.append(self.pattern[self.at])
                self.at += 1
        return "".join(text)

    def argument(self, depth: int) -> Argument | Choice:
        """What stands in braces: `{name}` or `{name, kind, …}`."""
        start = self.open()
        name = self.word(_NAME, "a variable's name")
        if self.take("}"):
            self.opened.pop()
            return Argument(name, start)
        if not self.take(","):
            raise self.broken(f"'}}' or ',' after {name!r}")
        kind = self.kind()
        if not self.take(","):
            raise self.broken(f"',' after {kind!r}")
        if depth >= DEEPEST:
            raise MessageError(start, f"choices stand more than {DEEPEST} deep in one another")
        return self.choice(name, kind, start, depth)

    def open(self) -> int:
        """Pass over the brace that comes next; where it was."""
        self.opened.append(self.at)
        self.at += 1
        return self.opened[-1]

    def kind(self) -> ChoiceKind:
        """The word after the first comma."""
        position = self.skip()
        word = self.word(_NAME, "plural, selectordinal or select")
        for kind in _KINDS:
            if word == kind:
                return kind
        raise MessageError(position, f"{word!r} is not one of plural, selectordinal, select")

    def choice(self, name: str, kind: ChoiceKind, start: int, depth: int) -> Choice:
        """The branches of a choice, up to its closing brace."""
        self.skip()
        offset = _OFFSET.match(self.pattern, self.at) if kind != "select" else None
        if offset:
            self.at = offset.end()
        branches: dict[str, Message] = {}
        while not self.take("}"):
            key = self.key(kind, branches)
            branches[key] = self.branch(key, kind, depth)
        self.opened.pop()
        if "other" not in branches:
            raise MessageError(start, f"{name!r} needs a branch 'other {{…}}'")
        return Choice(name, kind, int(offset[1]) if offset else 0, tuple(branches.items()), start)

    def branch(self, key: str, kind: ChoiceKind, depth: int) -> Message:
        """What one branch says, between its braces."""
        self.skip()
        if not self.pattern.startswith("{", self.at):
            raise self.broken(f"'{{' after the key {key!r}")
        self.open()
        message = self.message(depth + 1, in_plural=kind != "select")
        if not self.take("}"):
            raise self.broken("'}'")
        self.opened.pop()
        return message

    def key(self, kind: ChoiceKind, seen: dict[str, Message]) -> str:
        """One branch's key, checked against its kind."""
        position = self.skip()
        key = self.word(_KEY, "a branch such as other {…}")
        self.branches += 1
        if self.branches > MOST_BRANCHES:
            raise MessageError(position, f"more than {MOST_BRANCHES} branches in one message")
        if key in seen:
            raise MessageError(position, f"the branch {key!r} is there twice")
        if kind == "select" and key.startswith("="):
            raise MessageError(position, f"{key!r} is for plurals; a select compares words")
        if kind != "select" and not key.startswith("=") and key not in PLURAL_CATEGORIES:
            raise MessageError(position, f"{key!r} is no plural form; they are zero, one, two, few, many, other, =N")
        return key

    def word(self, form: re.Pattern[str], wanted: str) -> str:
        """The next word, spaces before it skipped."""
        position = self.skip()
        found = form.match(self.pattern, position)
        if not found:
            raise self.broken(wanted)
        self.at = found.end()
        return found.group()

    def skip(self) -> int:
        """Pass over white space; where that leads."""
        found = _SPACE.match(self.pattern, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def take(self, character: str) -> bool:
        """Pass over `character`, when it is what comes next."""
        if self.skip() < len(self.pattern) and self.pattern[self.at] == character:
            self.at += 1
            return True
        return False

    def broken(self, wanted: str) -> MessageError:
        """What to say when something else was wanted here."""
        if self.at < len(self.pattern):
            return MessageError(self.at, f"{wanted} was expected, not {self.pattern[self.at]!r}")
        hint = "to show a brace, write '{' between apostrophes"
        return MessageError(self.opened[-1], f"this '{{' is never closed ({hint})")
