"""Header fields of an email, encoded for every script and closed to injection (RFC 5322, 2047, 6532)."""

import re
from binascii import b2a_base64
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

import idna

from models.content.variable import clean
from models.errors import refuse

_LINE = 76
_WORD_BYTES = 39
_LONGEST_PLAIN = 60
_LONGEST_LOCAL_PART, _LONGEST_ADDRESS = 64, 254

_FOLDABLE = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PRINTABLE = re.compile(r"[ -~]+")
_LOCAL_PART = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL_PART})@({_LABEL}(?:\.{_LABEL})*)")
_UNICODE_LOCAL_PART = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f()<>\[\]:;@\\,\".\u2028\u2029\ud800-\udfff]+(?:\.[^\s\x00-\x1f\x7f-\x9f()<>\[\]:;@\\,\".\u2028\u2029\ud800-\udfff]+)*"
)


class Address(NamedTuple):
    """An address as SMTP wants it; `smtputf8` says that the relay must offer SMTPUTF8 (RFC 6531)."""

    value: str
    smtputf8: bool = False


@lru_cache(maxsize=1024)
def address(written: str) -> Address:
    """An email address, its domain in ASCII (IDNA). Raises Refused for what is none."""
    plain = _ADDRESS.fullmatch(written)
    if plain and plain.end(1) <= _LONGEST_LOCAL_PART and len(written) <= _LONGEST_ADDRESS:
        return Address(written)
    local, at, domain = written.rpartition("@")
    if not at or len(local.encode(errors="replace")) > _LONGEST_LOCAL_PART:
        raise refuse("address", f"{clean(written)!r} is not an email address")
    if not domain.isascii():
        domain = _ascii_domain(domain, written)
    found = Address(f"{local}@{domain}", smtputf8=not local.isascii())
    valid = _ADDRESS.fullmatch(f"x@{domain}") and (
        _UNICODE_LOCAL_PART.fullmatch(local) if found.smtputf8 else _ADDRESS.fullmatch(found.value)
    )
    if not valid or len(found.value.encode()) > _LONGEST_ADDRESS:
        raise refuse("address", f"{clean(written)!r} is not an email address")
    return found


def _ascii_domain(domain: str, written: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise refuse("address", f"{clean(written)!r} has no valid domain: {error}") from None


def mailbox(field: str, name: str | None, to: Address) -> bytes:
    """A From or To field: the display name, if there is one, and the address."""
    shown = phrase(clean(name)) if name else ""
    if not shown:
        return f"{field}: {to.value}\r\n".encode()
    line = f"{field}: {shown} <{to.value}>"
    if len(line) > _LINE:
        line = f"{field}: {shown}\r\n <{to.value}>"
    return f"{line}\r\n".encode()


def phrase(text: str) -> str:
    """A display name: as it is, quoted, or in encoded words (RFC 2047 §5)."""
    if len(text) <= _LONGEST_PLAIN and "=?" not in text:
        if _ATOMS.fullmatch(text):
            return text
        if _PRINTABLE.fullmatch(text):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return encoded_words(text) if text else ""


def unstructured(field: str, text: str) -> bytes:
    """A field of free text such as Subject: folded when it is plain ASCII, else in encoded words."""
    shown = clean(text) if not text.isprintable() else text
    if "=?" in shown or not _FOLDABLE.fullmatch(shown):
        return f"{field}: {encoded_words(shown)}\r\n".encode()
    if len(field) + 2 + len(shown) <= _LINE:
        return f"{field}: {shown}\r\n".encode()
    words = shown.split(" ")
    if max(map(len, words)) > _LONGEST_PLAIN:
        return f"{field}: {encoded_words(shown)}\r\n".encode()
    return f"{_folded(f'{field}:', words)}\r\n".encode()


def _folded(line: str, words: list[str]) -> str:
    lines = [line]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def encoded_words(text: str) -> str:
    """Text in base64 encoded words, one a line, none splitting a character."""
    encoded = text.encode()
    words = []
    start = 0
    while start < len(encoded):
        end = min(start + _WORD_BYTES, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?B?{b2a_base64(encoded[start:end], newline=False).decode()}?=")
        start = end
    return "\r\n ".join(words)


def date(instant: datetime) -> bytes:
    """The Date field of an aware instant, in UTC."""
    return _date(int(instant.timestamp()))


@lru_cache(maxsize=128)
def _date(second: int) -> bytes:
    """Written once for all mails of a second."""
    return f"Date: {format_datetime(datetime.fromtimestamp(second, UTC))}\r\n".encode()
