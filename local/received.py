"""What can be read of any message, however malformed: its headers as text, and its text and HTML parts.

The standard library's modern parser raises on some malformed headers, so the older one is used.
"""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from typing import TypeAlias

Head: TypeAlias = "Message[str, str]"


@dataclass(frozen=True, slots=True)
class Received:
    """A message to look at."""

    source: bytes

    def headers(self, name: str) -> list[str]:
        """Every header of this name, decoded."""
        return headers(parsed(self.source.partition(b"\r\n\r\n")[0]), name)

    def part(self, kind: str) -> str | None:
        """The first part of this kind (`plain` or `html`), decoded; bytes that do not fit its charset are marked."""
        for part in message_from_bytes(self.source, policy=policy.compat32).walk():
            if part.get_content_type() == f"text/{kind}":
                return _content(part)
        return None


def parsed(head: bytes) -> Head:
    """The headers of a message's head, which may be UTF-8 (RFC 6532)."""
    return HeaderParser(policy=policy.compat32).parsestr(head.decode("utf-8", "replace"))


def headers(head: Head, name: str) -> list[str]:
    """Every header of this name, decoded."""
    return [_decoded(str(value)) for value in head.get_all(name, [])]


def _content(part: Head) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _decoded(value: str) -> str:
    """A header's text, its encoded words (RFC 2047) read; as it stands when they are malformed."""
    try:
        return str(make_header(decode_header(value)))
    except (UnicodeError, LookupError, ValueError, HeaderParseError):
        return value
