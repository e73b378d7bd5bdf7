"""Quoted-printable (RFC 2045 §6.7) in pieces: a body encoded once, with gaps that are filled per recipient.

A gap stands between soft line breaks, so what fills it is encoded on lines of its own and nothing around it
moves. No line begins with a dot (there is nothing left to stuff, RFC 5321 §4.5.2) or with "From ", and none
is longer than 76 characters.
"""

import re
from binascii import b2a_qp

SOFT_BREAK = b"=\r\n"
_SOFTLY = SOFT_BREAK.decode()
WIDEST = 75
"""Characters of a line beside the `=` of its soft break."""

_PLAIN = re.compile(r"[A-Za-z0-9,:;/?!@&()+*'\"<>_%-](?:[A-Za-z0-9,:;/?!@&()+*'\"<>_%. -]{0,72}[A-Za-z0-9/?!;)>.])?")

_UNBROKEN = re.compile(r"[A-Za-z0-9,:;/?!@&()+*'\"<>_%.-]+")
"""Text such as an address on the web, in which nothing has to be escaped, unless a line began with a dot."""


def quoted(text: str) -> bytes:
    """A stretch of a body that begins on a fresh line and leaves the next one on a fresh line, too.

    Lines of the text end in LF, those of the result in CRLF; a text that ends inside a line is broken off softly.
    """
    if not text:
        return b""
    if len(text) < WIDEST and _PLAIN.fullmatch(text) and not text.startswith("From "):
        return text.encode() + SOFT_BREAK
    if _UNBROKEN.fullmatch(text):
        lines = [text[start : start + WIDEST] for start in range(0, len(text), WIDEST)]
        broken = f"{_SOFTLY.join(lines)}{_SOFTLY}"
        if not broken.startswith(".") and "\n." not in broken:
            return broken.encode()
    whole = b"\r\n".join([_line(line) for line in text.split("\n")])
    if whole.endswith(b"\n"):
        return whole
    if whole.endswith(b"=20") and not whole.endswith(b"From=20"):  # which could be a line of its own
        whole = whole[:-3] + b" "
    return whole + SOFT_BREAK


def _line(line: str) -> bytes:
    """One line, however long, broken softly where it must be."""
    encoded = b2a_qp(line.encode()).replace(b"=\n", b"")
    if len(encoded) <= WIDEST and not encoded.startswith((b".", b"From ")):
        return encoded
    return SOFT_BREAK.join(_broken(encoded))


def _broken(encoded: bytes) -> list[bytes]:
    lines = []
    start = 0
    while start < len(encoded):
        first = _guarded(encoded[start : start + 5])
        end = start + WIDEST - len(first) + 1
        if end < len(encoded):
            end -= _inside_escape(encoded, end)
        lines.append(first + encoded[start + 1 : end])
        start = end
    return lines


def _guarded(beginning: bytes) -> bytes:
    """The first character of a line, escaped when a mail system might take it for something else."""
    if beginning.startswith(b".") or beginning == b"From ":
        return b"=%02X" % beginning[0]
    return beginning[:1]


def _inside_escape(encoded: bytes, end: int) -> int:
    """How far back a cut at `end` must go so as not to split an `=XX`."""
    if encoded[end - 1 : end] == b"=":
        return 1
    return 2 if encoded[end - 2 : end - 1] == b"=" else 0
