"""A mail server on the loopback interface that accepts everything into a mailbox, and sends nothing on."""

import asyncio
import logging
import socket
from threading import Thread

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mailbox import Mailbox

LARGEST = 10 * 2**20
"""Bytes of the largest message accepted."""

log = logging.getLogger(__name__)

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells of every connection


class MailServer:
    """An SMTP server in a thread of its own, so that it goes on while the API and the worker restart."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Nothing listens before `start`."""
        self.mailbox = mailbox
        self._socket: socket.socket | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mail server", daemon=True)

    def start(self) -> str:
        """Listen on a free port; the URL."""
        self.mailbox.drop_drafts()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(self._socket), self._loop).result()
        return f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        """Stop listening and drop what has not been accepted yet."""
        if self._socket is None:
            return
        asyncio.run_coroutine_threadsafe(self._end_connections(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._socket.close()
        self._socket = None

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """Offer PIPELINING (RFC 2920), as relays do: aiosmtpd can, but does not say so."""
        session.host_name = hostname
        return [replies[0], "250-PIPELINING", *replies[1:]]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        """Say 250 once the message is on disk; a disk that takes none just now is no reason to refuse it for good."""
        content = envelope.content
        assert isinstance(content, bytes)
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        try:
            number = await asyncio.to_thread(self.mailbox.keep, sender, recipients, content)
        except OSError as error:
            log.warning("a mail could not be kept: %s", error)
            return "452 4.3.1 Cannot be kept just now"
        return f"250 2.0.0 Kept as {number}"

    async def _listen(self, listener: socket.socket) -> None:
        self._server = await self._loop.create_server(self._protocol, sock=listener)

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname="mailbox.localhost",
            ident="Rekindle mailbox",
            loop=self._loop,
            timeout=300,
        )

    async def _end_connections(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
