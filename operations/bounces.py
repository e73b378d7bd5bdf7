"""The bounces process: takes reports from the operator's mail server over LMTP (RFC 2033) or SMTP (R21).

It listens on the loopback interface unless told otherwise, accepts only return paths that we have sealed and the
address for complaints, and says 250 once a report has had its consequences. What it could not store it asks for
again (451), so nothing is lost while PostgreSQL is away. It sends nothing.
"""

import asyncio
import logging
import signal
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from models import availability, database, mail_report
from models.mail.report import LARGEST, read
from models.mail.return_path import read_return_key
from models.patience import PATIENCE
from models.signed_link import keys_of
from operations.complaint import complain_until_the_database_answers
from operations.trouble import CannotRun
from settings import Settings

log = logging.getLogger(__name__)

COMPLAINTS = "complaints"
"""Local part of the address to register with mailbox providers' feedback loops."""

LONGEST_LINE = 64 * 1024
"""Bytes of a line: some systems enclose mails whose lines are longer than SMTP allows."""

MOST_CONNECTIONS = 50
"""Open at once."""

LONGEST_CONVERSATION = 600.0
"""Seconds after which a connection begins no report any more, and nothing said on it keeps it open.

Postfix gives a connection up after 300 by itself.
"""

DEFAULT_PORT = {"lmtp": 24, "smtp": 25}

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd writes addresses down


class Reception:
    """What aiosmtpd asks about a conversation: whom we take reports for, and what became of one."""

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        self._domain = settings.mail_domain.lower()
        self.open = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """One recipient a message: LMTP answers for each, and one bounce is about one mail."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        local_part, _, domain = address.rpartition("@")
        known = local_part.lower() == COMPLAINTS or read_return_key(self._keys, local_part) is not None
        if domain.lower() != self._domain or not known:
            return "550 5.1.1 No such address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Read the report and apply it; what is none is taken and forgotten."""
        content = envelope.content
        assert isinstance(content, bytes)
        try:
            found = read(content, envelope.rcpt_tos, self._keys, sender=envelope.mail_from or "")
            changed = await mail_report.take(found) if found else False
        except availability.UNUSABLE as error:
            log.warning("a report must come again: %s", type(error).__name__)
            return "451 4.3.0 Try again later"
        except Exception:
            log.exception("a report could not be applied")
            return "451 4.3.0 Try again later"
        log.info("report: %s, changed: %s", found.outcome if found else "none", changed)
        return "250 2.0.0 Taken"


class SmtpServer(SMTP):
    """aiosmtpd's server, with a bound on connections and on how long each lasts, and room for long lines."""

    line_length_limit = LONGEST_LINE

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ends_at = self.loop.time() + LONGEST_CONVERSATION

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or say that there are too many."""
        reception: Reception = self.event_handler
        if reception.open >= MOST_CONNECTIONS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.7.0 Too many connections\r\n")
            transport.close()
            return
        reception.open += 1
        self.is_counted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if getattr(self, "is_counted", False):
            self.event_handler.open -= 1
            super().connection_lost(error)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's)
        """Begin a report, or say that it is to come by another connection."""
        if self._is_over():
            await self.push("421 4.4.2 This conversation has lasted long enough, begin another")
            self._writer.close()
            return
        await super().smtp_MAIL(arg)

    def _is_over(self) -> bool:
        return self.loop.time() >= self._ends_at

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Wait for the next command anew, as long as the conversation may last."""
        if self._timeout_handle is None or not self._is_over():
            super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        """End the connection: a close would wait for what its client has not read, which may be never."""
        self._writer.transport.abort()


class LmtpServer(LMTP, SmtpServer):
    """The same, speaking LMTP."""


async def main(settings: Settings) -> None:
    """Take reports until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with database.connected(settings, pool=settings.database_pool, application="rekindle bounces"):
        server = await listen(settings)
        log.info("taking reports at %s", settings.bounces_url)
        complaining = asyncio.create_task(complain_until_the_database_answers())
        await stop.wait()
        complaining.cancel()
        server.close()


async def listen(settings: Settings) -> asyncio.Server:
    """Listen where BOUNCES_URL says."""
    protocol = LmtpServer if urlsplit(settings.bounces_url).scheme == "lmtp" else SmtpServer
    reception = Reception(settings)
    loop = asyncio.get_running_loop()

    def serve() -> SMTP:
        return protocol(
            reception,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname=settings.mail_domain,
            ident="Rekindle",
            loop=loop,
            timeout=PATIENCE,
        )

    host, port = place_of(settings)
    try:
        return await loop.create_server(serve, host, port)
    except OSError as error:
        raise CannotRun(f"cannot listen at BOUNCES_URL {settings.bounces_url}: {error.strerror}") from None


def place_of(settings: Settings) -> tuple[str, int]:
    """The host and port that BOUNCES_URL names."""
    url = urlsplit(settings.bounces_url)
    return url.hostname or "127.0.0.1", url.port if url.port is not None else DEFAULT_PORT[url.scheme]
