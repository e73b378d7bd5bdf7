"""Envelopes: what goes over the wire before a mail, whomever it is from and to (RFC 5321 §3.3)."""

from typing import NamedTuple, Self

from models.mail.header import Address


class Envelope(NamedTuple):
    """MAIL, RCPT and DATA.

    `needs_smtputf8`: the recipient's address is not ASCII, so the relay must offer SMTPUTF8 (RFC 6531).
    """

    commands: tuple[bytes, bytes, bytes]
    needs_smtputf8: bool = False

    @classmethod
    def of(cls, sender: str, to: Address) -> Self:
        """The envelope of a mail to an address, which bounces to `sender`."""
        parameter = " SMTPUTF8" if to.smtputf8 else ""
        commands = (
            f"MAIL FROM:<{sender}>{parameter}\r\n".encode(),
            f"RCPT TO:<{to.value}>\r\n".encode(),
            b"DATA\r\n",
        )
        return cls(commands, needs_smtputf8=to.smtputf8)
