"""Emails as bytes: built once per plan and language, filled per recipient in microseconds (R21).

A mail is multipart/alternative, text and HTML, quoted-printable, ASCII throughout (but for an address that
is not). Its bytes are those between DATA and the final dot: lines end in CRLF and none begins with a dot.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.content import Localised
from models.content.form import Form, Pieces, Slot, escape, isolated, no_value
from models.content.variable import Value, of_recipient
from models.errors import ErrorCode, refuse
from models.mail import header as mail_header
from models.mail.quoted_printable import quoted

BOUNDARY = "=_rekindle"
"""Cannot occur in quoted-printable, where `=` is followed by two hexadecimal digits or a line end."""

_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>")


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in the body that differs per recipient; in HTML what fills it is escaped."""

    slot: Slot
    html: bool

    def write(self, values: Mapping[str, Value]) -> str:
        """What stands here for these values."""
        written = self.slot.write(values)
        return escape(written) if self.html else written


@dataclass(frozen=True, slots=True)
class Body:
    """Both parts, encoded: the bytes between gaps, and the distinct gaps with the indexes where each stands."""

    template: tuple[bytes, ...]
    gaps: tuple[tuple[Gap, tuple[int, ...]], ...]

    def fill(self, values: Mapping[str, Value]) -> list[bytes]:
        """The body for these values, in pieces; what stands in several places is encoded once."""
        encoded: dict[str, bytes] = {}
        filled = list(self.template)
        for gap, places in self.gaps:
            text = gap.write(values)
            piece = encoded.get(text)
            if piece is None:
                piece = encoded[text] = quoted(text)
            for place in places:
                filled[place] = piece
        return filled


@dataclass(frozen=True, slots=True)
class MailForm:
    """Everything of a plan's email in one language that does not depend on the recipient."""

    language: str
    subject: Form
    sender: bytes
    constant: bytes
    named: Body
    nameless: Body

    @classmethod
    def build(
        cls,
        localised: Localised,
        *,
        sender_name: str,
        sender_address: str,
        reply_to: str | None = None,
        feedback_id: str | None = None,
    ) -> "MailForm":
        """Prepare an EMAIL message. `feedback_id` goes to Gmail's feedback loop: "plan:shop:kind:sender"."""
        subject, _, text, html = localised.forms
        if subject is None or html is None:
            raise refuse("channel", "this message was not localised for email", ErrorCode.MISSING_CONTENT)
        return cls(
            language=localised.language,
            subject=subject,
            sender=_sender(sender_name, sender_address, reply_to),
            constant=_constant_headers(localised.language, feedback_id),
            named=_body(text.named, html.named),
            nameless=_body(text.nameless, html.nameless),
        )

    def fill(
        self,
        *,
        recipient_name: str | None,
        address: str,
        message_id: str,
        date: datetime,
        values: Mapping[str, Value | None],
        unsubscribe_url: str | None = None,
    ) -> bytes:
        """One recipient's mail, ready for DATA but for its final dot.

        `address` may be any that `mail_header.address` accepts, which also tells whether it needs SMTPUTF8.
        Raises Refused for an address that is none, or when a variable has no value.
        """
        known = of_recipient({**values, "unsubscribeUrl": unsubscribe_url})
        if not _MESSAGE_ID.fullmatch(message_id):
            raise ValueError(f"{message_id!r} is no Message-ID")
        try:
            return b"".join(
                [
                    mail_header.date(date),
                    self.sender,
                    mail_header.mailbox("To", recipient_name, mail_header.address(address)),
                    mail_header.unstructured("Subject", self.subject.write(known)),
                    f"Message-ID: {message_id}\r\n".encode(),
                    _unsubscribe_headers(unsubscribe_url) if unsubscribe_url else b"",
                    self.constant,
                    *(self.named if "name" in known else self.nameless).fill(isolated(known, self.language)),
                ]
            )
        except KeyError as missing:
            raise no_value(missing) from None


def _sender(name: str, address: str, reply_to: str | None) -> bytes:
    """From, and Reply-To where answers are wanted elsewhere."""
    origin = mail_header.mailbox("From", name, mail_header.address(address))
    return origin + (mail_header.mailbox("Reply-To", None, mail_header.address(reply_to)) if reply_to else b"")


def _constant_headers(language: str, feedback_id: str | None) -> bytes:
    """Fields that all recipients share. RFC 3834: nobody's holiday reply should come back to a plan's mail."""
    feedback = f"Feedback-ID: {feedback_id}\r\n" if feedback_id else ""
    return (
        f"MIME-Version: 1.0\r\nContent-Language: {language}\r\nAuto-Submitted: auto-generated\r\n{feedback}"
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
    ).encode()


def _unsubscribe_headers(url: str) -> bytes:
    """One-click unsubscription (RFC 8058); the relay's DKIM signature must cover both fields."""
    if not _URL.fullmatch(url):
        raise ValueError(f"{url!r} is no address for List-Unsubscribe")
    return f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()


def _body(text: Pieces, html: Pieces) -> Body:
    """Both parts, encoded but for their gaps."""
    parts: list[bytes | Gap] = [_part_start("plain"), *_encoded(text, html=False), _part_start("html")]
    parts += [*_encoded(html, html=True), f"\r\n--{BOUNDARY}--\r\n".encode()]
    return _merged(parts)


def _part_start(kind: str) -> bytes:
    before = "" if kind == "plain" else "\r\n"
    return (
        f'{before}--{BOUNDARY}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()


def _encoded(pieces: Pieces, *, html: bool) -> list[bytes | Gap]:
    return [quoted(part) if isinstance(part, str) else Gap(part, html) for part in pieces]


def _merged(parts: list[bytes | Gap]) -> Body:
    """The parts as a body: neighbouring bytes made one, equal gaps told once."""
    template: list[bytes] = [b""]
    gaps: dict[Gap, tuple[int, ...]] = {}
    for part in parts:
        if isinstance(part, bytes):
            template[-1] += part
        else:
            gaps[part] = (*gaps.get(part, ()), len(template))
            template += [b"", b""]
    return Body(tuple(template), tuple(gaps.items()))
