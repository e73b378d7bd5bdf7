"""An SMTP connection after its greeting: commands written in one go, replies read in order (RFC 2920).

aiosmtplib opens, secures and authenticates the connection; then this protocol takes the transport
over, because aiosmtplib waits for each reply before it writes the next command.
"""

import asyncio
import re
from collections import deque
from typing import NamedTuple

LONGEST_REPLY = 64 * 1024
"""Bytes of unfinished reply after which a relay is taken for broken."""

MOST_REPLIES = 100
"""Replies that nobody asked for after which a relay is taken for broken."""

_CODE = re.compile(rb"[2-5][0-9]{2}")


class Reply(NamedTuple):
    """A relay's answer: the three-digit code (RFC 5321 §4.2) and its text, lines joined by newlines."""

    code: int
    text: str


class ConnectionLost(Exception):
    """The connection ended, or the relay stopped making sense, before the awaited reply came."""


class Wire(asyncio.Protocol):
    """Writes bytes and hands out replies in the order of their commands."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._lost: str | None = None
        # Nothing is kept back here: what is drained has been handed to the system, or to the connection under TLS.
        # The limit is a byte, since TLS takes 0 as reached when nothing waits, and would not resume by itself.
        transport.set_write_buffer_limits(high=1, low=0)
        transport.set_protocol(self)
        transport.resume_reading()

    @property
    def is_open(self) -> bool:
        """Whether more can be written."""
        return self._lost is None and not self._transport.is_closing()

    @property
    def is_quiet(self) -> bool:
        """Whether the relay has said nothing that was not asked for: a 421 on its own is a farewell."""
        return self.is_open and not self._replies and not self._buffer and not self._lines

    @property
    def has_reply(self) -> bool:
        """Whether a reply can be had at once."""
        return bool(self._replies)

    def write(self, data: bytes) -> None:
        """Queue bytes for the relay. Raises ConnectionLost when they cannot leave any more."""
        if not self.is_open:
            raise ConnectionLost(self._lost or "closing")
        self._transport.write(data)

    async def drain(self, patience: float) -> None:
        """Wait until everything written has left this process. Raises ConnectionLost after `patience` seconds."""
        if self._drained is not None and not self._drained.done():
            try:
                await asyncio.wait_for(asyncio.shield(self._drained), patience)
            except TimeoutError:
                self.abort("the relay takes nothing more")
        if self._lost is not None:
            raise ConnectionLost(self._lost)

    async def reply(self, patience: float) -> Reply:
        """The next reply, within `patience` seconds. Raises ConnectionLost."""
        if not self._replies:
            if self._lost is not None:
                raise ConnectionLost(self._lost)
            await self._wait(patience)
        return self._replies.popleft()

    async def _wait(self, patience: float) -> None:
        """Wait for a reply. The timer is set once and looks at the latest deadline: most waits never touch it."""
        self._deadline = self._loop.time() + patience
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._deadline:
            self.abort("no reply in time")
        else:
            self._arm()

    def close(self) -> None:
        """Close once everything written has left."""
        self._lose("closed")
        self._transport.close()

    def abort(self, why: str) -> None:
        """Drop the connection at once: the relay must forget a message without its dot (RFC 5321 §4.1.1.10)."""
        self._lose(why)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in what the relay sent and split it into replies."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(line.rstrip(b"\r"))
        if len(self._buffer) + self._size > LONGEST_REPLY or len(self._replies) > MOST_REPLIES:
            self.abort("the relay says too much")
        if self._replies and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self, line: bytes) -> None:
        if self._lost is not None:
            return
        code, mark, text = line[:3], line[3:4], line[4:].decode("utf-8", "replace")
        if not _CODE.fullmatch(code) or mark not in (b" ", b"-", b""):
            self.abort("not an SMTP reply")
            return
        self._lines.append(text)
        self._size += len(line)
        if mark != b"-":
            self._replies.append(Reply(int(code), "\n".join(self._lines)))
            self._lines = []
            self._size = 0

    def eof_received(self) -> bool:
        """The relay has hung up."""
        self._lose("the relay closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._lose(str(exc) if exc else "the connection was closed")

    def _lose(self, why: str) -> None:
        self._lost = self._lost or why
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionLost(self._lost))
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        """Not everything written has left."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """Everything written has left."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
