"""All rules over one text: which ways out of the shop it names, and where."""

from dataclasses import dataclass
from enum import StrEnum

from models.content_rule.disguise import plain
from models.content_rule.link import emails, links
from models.content_rule.messenger import messengers
from models.content_rule.phone import phones

MOST_MATCHES = 100
"""How many matches of one text are told."""


class WayOut(StrEnum):
    """The ways out that R13 closes."""

    EMAIL = "EMAIL"
    LINK = "LINK"
    MESSENGER = "MESSENGER"
    PHONE = "PHONE"


@dataclass(frozen=True, slots=True)
class Match:
    """A way out in a text: its kind, the offending words as written, and where they begin and end."""

    way: WayOut
    words: str
    start: int
    end: int


_RULES = ((WayOut.EMAIL, emails), (WayOut.MESSENGER, messengers), (WayOut.LINK, links), (WayOut.PHONE, phones))


def without(text: str) -> str:
    """The text with every way out left out."""
    for match in reversed(check(text)):
        text = f"{text[: match.start].rstrip()} {text[match.end :].lstrip()}"
    return text.strip()


def check(text: str) -> list[Match]:
    """Every way out in a text, in order; of those that overlap, the longest."""
    read = plain(text)
    found = [(way, *read.span(start, end)) for way, rule in _RULES for start, end in rule(read.text)]
    kept: list[Match] = []
    for way, start, end in sorted(found, key=lambda one: one[1] - one[2]):
        if len(kept) < MOST_MATCHES and all(end <= other.start or other.end <= start for other in kept):
            words = text[start:end].rstrip(" .,;:!?)")
            kept.append(Match(way, words, start, start + len(words)))
    return sorted(kept, key=lambda one: one.start)
