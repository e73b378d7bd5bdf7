"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How grave a diagnosis is: only FAIL makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was looked at, what was seen, and how to mend it where that is needed."""

    grade: Grade
    subject: str
    seen: str
    mend: str = ""

    def __str__(self) -> str:
        """One line; a second one for the mending."""
        line = f"{self.grade:<4}  {self.subject}: {self.seen}"
        return f"{line}\n      → {self.mend}" if self.mend else line


def ok(subject: str, seen: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(Grade.OK, subject, seen)


def warn(subject: str, seen: str, mend: str) -> Diagnosis:
    """It works, and will not for ever or not for everybody."""
    return Diagnosis(Grade.WARN, subject, seen, mend)


def fail(subject: str, seen: str, mend: str) -> Diagnosis:
    """It does not work, or not safely."""
    return Diagnosis(Grade.FAIL, subject, seen, mend)
