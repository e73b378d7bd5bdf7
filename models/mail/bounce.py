"""What a refusal means: try again, give up, never write to that address again, or ask the seller (RFC 3463, RFC 5321)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_DELAY = timedelta(minutes=5)
DELAY_GROWTH = 1.3
LONGEST_DELAY = timedelta(hours=6)
"""How long to wait after the first try, how much longer after each further one, and the longest."""

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\w.])", re.ASCII)

_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""Bad mailbox, bad system, bad syntax, moved away, null MX: the address will not work tomorrow either."""

_FULL = frozenset({"4.2.2", "5.2.2"})
"""A full mailbox empties again, whatever class the relay put it in."""


OF_RECIPIENTS = _NO_SUCH_ADDRESS | _FULL
"""What is about one recipient, however often it happens."""

MANY_BOUNCES = 50
"""So many mails that came back are looked at together, and then every so many."""

BOUNCED_SHARE = 0.1
"""What share of the mails that left they must be, to be about the plan."""


class Disposition(StrEnum):
    """RETRY later, FAIL this message, SUPPRESS the address as well, or PAUSE the plan: the relay refuses us."""

    RETRY = "RETRY"
    FAIL = "FAIL"
    SUPPRESS = "SUPPRESS"
    PAUSE = "PAUSE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal judged: what to do, and the status to note (enhanced code where there is one)."""

    disposition: Disposition
    status: str


def judge(code: int, text: str) -> Refusal:
    """Judge a 4xx or 5xx reply. An enhanced status stands first in its text and is of its class (RFC 2034 §4).

    >>> judge(550, "5.1.1 no such user")
    Refusal(disposition=<Disposition.SUPPRESS: 'SUPPRESS'>, status='5.1.1')
    """
    found = _ENHANCED.match(text)
    status = found[1] if found and found[1][0] == str(code)[0] else str(code)
    if code < 500 or status in _FULL:
        return Refusal(Disposition.RETRY, status)
    if is_hard(status):
        return Refusal(Disposition.SUPPRESS, status)
    if status.startswith("5.7."):
        return Refusal(Disposition.PAUSE, status)
    return Refusal(Disposition.FAIL, status)


def is_hard(status: str) -> bool:
    """Whether an enhanced status code says that the address itself is bad, for good."""
    return status in _NO_SUCH_ADDRESS


def is_about_plan(bounced: int, left: int) -> bool:
    """Whether so many mails that came back, apart from OF_RECIPIENTS, of all that `left` are about their plan."""
    return bounced >= MANY_BOUNCES and bounced >= BOUNCED_SHARE * left


def next_try(attempt: int, at: datetime) -> datetime:
    """When to try again after `attempt` failed tries: 5 min × 1.3ⁿ, at most 6 hours later."""
    return at + min(FIRST_DELAY * DELAY_GROWTH ** min(attempt, 40), LONGEST_DELAY)
