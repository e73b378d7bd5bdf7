"""Reading untrusted values field by field, gathering what is wrong and exactly where."""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from models import iso_8601
from models.errors import ErrorCode, Problem, Refused

MAX_PROBLEMS = 20
"""So many problems are told of one input; more would not help to mend it."""

Path = tuple[str, ...]
Choice = TypeVar("Choice", bound=StrEnum)


class Problems:
    """What was found wrong so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, path: Path, message: str, code: ErrorCode = ErrorCode.INVALID) -> None:
        """Note a problem at `path`."""
        if self.has_room:
            self.found.append(Problem(path, message, code))

    @property
    def has_room(self) -> bool:
        """Whether one more would be told."""
        return len(self.found) < MAX_PROBLEMS

    def check(self) -> None:
        """Raise `Refused` with everything noted, if anything was."""
        if self.found:
            raise Refused(self.found)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean "orders"?`, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


class Fields:
    """One JSON object at `path`, of which only `known` fields may be present; absent and null are the same."""

    def __init__(self, value: Any, path: Path, known: Iterable[str], problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self.values: dict[str, Any] = {}
        self.readable = True
        if not isinstance(value, dict):
            problems.add(path, "must be an object")
            self.readable = False
            return
        names = tuple(known)
        for name, entry in value.items():
            if name not in names:
                if not problems.has_room:
                    continue  # to look for what was meant takes time
                problems.add((*path, str(name)[:100]), f"is not known here{suggestion(str(name)[:100], names)}")
            elif entry is not None:
                self.values[name] = entry

    def refuse(self, name: str, message: str, code: ErrorCode = ErrorCode.INVALID) -> None:
        """Note a problem of the field `name`."""
        self.problems.add((*self.path, name), message, code)

    def needs(self, *names: str) -> None:
        """Note a problem when none of these fields is there."""
        if self.readable and not any(name in self.values for name in names):
            self.problems.add(self.path, "needs " + " or ".join(names))

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, both included."""
        value = self.values.get(name)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            self.refuse(name, f"must be {low}–{high}")
            return None
        return value

    def text(self, name: str, longest: int) -> str | None:
        """A text of 1 to `longest` characters that PostgreSQL can hold, without the spaces around it."""
        value = self.values.get(name)
        if value is None:
            return None
        value = value.strip() if isinstance(value, str) else value
        if not isinstance(value, str) or not 1 <= len(value) <= longest or not _storable(value):
            self.refuse(name, f"must be a text of 1–{longest} characters")
            return None
        return value

    def day(self, name: str) -> date | None:
        """A calendar day between the years 1900 and 2200, as 2026-03-31."""
        value = self.values.get(name)
        if value is None:
            return None
        day = iso_8601.day(value) if isinstance(value, str) else None
        if day is None or not 1900 <= day.year <= 2200:
            self.refuse(name, "must be a day such as 2026-03-31")
            return None
        return day


def _storable(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def choices(value: Any, path: Path, kind: type[Choice], problems: Problems) -> tuple[Choice, ...]:
    """A list of one or more different members of the enumeration `kind`."""
    known = [member.value for member in kind]
    if not isinstance(value, list) or not value:
        problems.add(path, f"must list one or more of {', '.join(known)}")
        return ()
    chosen: list[Choice] = []
    for position, entry in enumerate(value[: len(known) + 1]):
        if entry not in known:
            problems.add((*path, str(position)), f"must be one of {', '.join(known)}")
        elif kind(entry) not in chosen:
            chosen.append(kind(entry))
    return tuple(chosen)
