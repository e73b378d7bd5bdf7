"""Messages of strangers, taken apart only as far as a report may go.

The standard library's parser makes an object of every part and every group of fields, holds each line against every
part that it stands in, and takes a field's parameters apart in time that grows with the square of their length.
"""

import re
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32, Policy

MOST_PARTS = 100
"""More parts, and groups of a status part, than any report has; one that has more is not looked into."""

LONGEST_TYPE = 2_000
"""Characters of a Content-Type: far more than a boundary and a report's type take."""

MOST_LINES = 5_000
"""Lines that are looked into: what a report says comes before the mail that it encloses (RFC 6522 §3)."""

_BEGINNING = re.compile(rb"(?:[^\r\n]*(?:\r\n?|\n)){0,%d}[^\r\n]*" % MOST_LINES)


class UnreadableError(Exception):
    """A message that is built to be costly, not to be read."""


def parse(raw: bytes) -> Message:
    """The beginning of a message. Raises UnreadableError when there is more to it than a report has."""
    beginning = _BEGINNING.match(raw)
    assert beginning is not None
    return message_from_bytes(beginning[0], policy=_Bounded(message_factory=_Parts()))


class _Bounded(Compat32):
    """How fields are kept: as they came, but for a type that is too long."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """A field's name and value."""
        name, value = super().header_source_parse(sourcelines)
        if name.lower() == "content-type" and len(value) > LONGEST_TYPE:
            raise UnreadableError("its type is too long")
        return name, value


class _Parts:
    """Makes the parts of one message, up to as many as it may have."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self, policy: "Policy[Message]") -> Message:
        self._made += 1
        if self._made > MOST_PARTS:
            raise UnreadableError("it has too many parts")
        return Message(policy)
