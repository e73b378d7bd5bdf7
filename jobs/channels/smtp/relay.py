"""One mail relay: where it is, how to open a connection to it, and whether it is worth trying just now."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib

from jobs.back_off import BackOff
from jobs.channels.smtp.session import Extensions
from jobs.channels.smtp.wire import ConnectionLost, Wire

CONNECT_WAIT = 30.0
"""Seconds for a connection, and for each answer until it may be used."""

RAISE_AFTER = 30.0
"""Seconds after which one more connection is tried at a relay that had enough."""

LOST_IN_A_ROW = 10
"""So many connections lost one after the other, with no answer to any letter between, are about the relay."""

UNREACHABLE = (aiosmtplib.SMTPException, OSError, ConnectionLost)
"""What says that a connection could not be made."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a relay listens and how it is entered, from smtp://user:password@host:port or smtps://…"""

    host: str
    port: int
    username: str | None
    password: str | None
    implicit_tls: bool
    name: str
    """How the relay is called in figures and reports; without its password."""

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read a URL; its port is 587, or 465 with smtps, unless it says otherwise."""
        parts = urlsplit(url)
        implicit_tls = parts.scheme == "smtps"
        host, port = parts.hostname or "localhost", parts.port or (465 if implicit_tls else 587)
        return cls(
            host=host,
            port=port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            implicit_tls=implicit_tls,
            name=f"{host}:{port}",
        )


class Relay:
    """A relay and this process's connections to it, at most `limit`.

    A relay that refuses one connection while others hold has enough of them: it is given one more only now and then. One
    that takes connections and loses them all is doubted: it rests like one that cannot be reached, and is then given one
    connection at a time until it answers, since each may cost a letter that nobody can tell the fate of.
    """

    def __init__(self, address: Address, *, limit: int, encrypted: bool, local_hostname: str) -> None:
        self.address = address
        self.open = 0
        self.established = 0
        self._limit = limit
        self._lowered_to = limit
        self._lowered_at = 0.0
        self._lost_in_a_row = 0
        self._encrypted = encrypted
        self._local_hostname = local_hostname
        self._tls_context: ssl.SSLContext | None = None
        self._back_off = BackOff(_time)

    @property
    def has_room(self) -> bool:
        """Whether another connection may be opened now."""
        raised = self._lowered_to + int((_time() - self._lowered_at) / RAISE_AFTER)
        return self.open < min(1 if self.is_doubted else self._limit, raised) and not self.wait

    @property
    def is_doubted(self) -> bool:
        """Whether it takes connections of which nothing comes."""
        return self._lost_in_a_row >= LOST_IN_A_ROW

    @property
    def wait(self) -> float:
        """Seconds it is still left alone after a failure."""
        return self._back_off.left

    def failed(self) -> None:
        """A connection could not be opened."""
        if self.established:
            self._lowered_to, self._lowered_at = self.established, _time()
        else:
            self._back_off.begin()

    def lost(self) -> None:
        """A connection was lost while a letter was on it."""
        self._lost_in_a_row += 1
        if self.is_doubted:
            self._back_off.begin()

    def answered(self) -> bool:
        """It said what becomes of a letter; whether that ends a doubt."""
        was_doubted, self._lost_in_a_row = self.is_doubted, 0
        if was_doubted:
            self._back_off.end()
        return was_doubted

    async def connect(self) -> tuple[Wire, Extensions]:
        """A greeted, secured and authenticated connection, and what is offered on it. Raises UNREACHABLE."""
        address = self.address
        client = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port,
            username=address.username,
            password=address.password,
            use_tls=address.implicit_tls,
            start_tls=self._encrypted and not address.implicit_tls,
            tls_context=self._tls() if self._encrypted or address.implicit_tls else None,
            local_hostname=self._local_hostname,
            timeout=CONNECT_WAIT,
        )
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if client.transport is None:
            raise ConnectionLost("the relay closed the connection after its greeting")
        transport = cast("asyncio.Transport", client.transport)  # uvloop's are no subclass of it
        if not self.is_doubted:
            self._back_off.end()
        return Wire(transport), Extensions(
            client.supports_extension("pipelining"), client.supports_extension("smtputf8")
        )

    def _tls(self) -> ssl.SSLContext:
        """What certificates are judged by: read once for all connections, since reading takes tens of milliseconds."""
        if self._tls_context is None:
            self._tls_context = ssl.create_default_context()
        return self._tls_context


def _time() -> float:
    return asyncio.get_running_loop().time()
