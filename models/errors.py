"""What can go wrong, as one tree.

RekindleError
├── Refused            the caller can mend it: becomes `userErrors` (or a refused row)
├── Unauthenticated    no token, or one that does not hold
├── Forbidden          a valid caller who may not do this
├── Throttled          too much, too fast
└── Unavailable        PostgreSQL, Redis or the relay cannot be reached just now
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 5
"""Names in a refusal: whoever reads it knows which to look at first."""


class ErrorCode(StrEnum):
    """Stable codes of what a caller can mend; clients may switch on them."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    IN_FUTURE = "IN_FUTURE"
    IN_PAST = "IN_PAST"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    UNKNOWN_LANGUAGE = "UNKNOWN_LANGUAGE"
    UNKNOWN_TIME_ZONE = "UNKNOWN_TIME_ZONE"
    CONFLICT = "CONFLICT"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    MISSING_CONTENT = "MISSING_CONTENT"
    UNKNOWN_VARIABLE = "UNKNOWN_VARIABLE"
    FORBIDDEN_CONTENT = "FORBIDDEN_CONTENT"
    KEY_REUSED = "KEY_REUSED"
    ACCESS_FROZEN = "ACCESS_FROZEN"
    ACCESS_REVOKED = "ACCESS_REVOKED"
    EMAIL_NOT_ALLOWED = "EMAIL_NOT_ALLOWED"
    SENDER_NOT_READY = "SENDER_NOT_READY"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    COUPON_NOT_RUNNING = "COUPON_NOT_RUNNING"
    COUPON_SOLD_OUT = "COUPON_SOLD_OUT"
    CLAIM_LIMIT_REACHED = "CLAIM_LIMIT_REACHED"
    NOTHING_TO_RETRY = "NOTHING_TO_RETRY"
    TERMS_FIXED = "TERMS_FIXED"
    ORDER_DOES_NOT_QUALIFY = "ORDER_DOES_NOT_QUALIFY"
    ALREADY_REDEEMED = "ALREADY_REDEEMED"
    ERASED = "ERASED"
    CHAT_BLOCKED = "CHAT_BLOCKED"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it is (path into the input), what is wrong and would be accepted, its code and rule.

    `rule` is the product rule that is not kept ("R17"), where there is one; docs/rules.md lists them.
    """

    field: tuple[str, ...]
    message: str
    code: ErrorCode = ErrorCode.INVALID
    rule: str | None = None

    @property
    def told(self) -> str:
        """In a line: where it is, if it is anywhere, and what."""
        return f"{'.'.join(self.field)}: {self.message}" if self.field else self.message


class RekindleError(Exception):
    """Root of everything Rekindle raises on purpose."""

    code = "INTERNAL_SERVER_ERROR"


class Refused(RekindleError):
    """The input cannot be accepted; `problems` says what and where, and nothing was changed."""

    code = "BAD_USER_INPUT"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.told for problem in problems))
        self.problems = list(problems)


def refuse(field: str, message: str, code: ErrorCode = ErrorCode.INVALID, *, rule: str | None = None) -> Refused:
    """A refusal with a single problem at a dotted `field` path."""
    return Refused([Problem(tuple(field.split(".")) if field else (), message, code, rule)])


def named(names: Sequence[str]) -> str:
    """Names as a refusal tells them; it says so where there are more than it tells."""
    told = ", ".join(f'"{name}"' for name in names[:MOST_NAMED])
    return f"{told} and others" if len(names) > MOST_NAMED else told


class Unauthenticated(RekindleError):
    """There is no token, or it is malformed, forged or expired."""

    code = "UNAUTHENTICATED"


class Forbidden(RekindleError):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"


class Throttled(RekindleError):
    """The caller has asked for too much; `retry_after` seconds from now there is room again."""

    code = "THROTTLED"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(RekindleError):
    """An engine that is needed cannot be reached; the same call may succeed later."""

    code = "UNAVAILABLE"
