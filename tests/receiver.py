"""What the scripted receivers have in common: a server in a thread of its own, and a journal that is on disk before it answers.

The journal is a file with a line for each message that was taken: the time (ns), then what the receiver knows it by.
Whatever a test kills, this file says what really arrived.
"""

import asyncio
import os
import socket
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message in a journal. `at` in nanoseconds since 1970."""

    at: int
    message_id: str
    recipient: str


@dataclass
class Receiver(ABC):
    """The server; what it speaks is its subclass's `converse`. `port` 0 is a free one, chosen at the first start."""

    journal: Path
    port: int = field(default=0, kw_only=True)
    open: int = field(default=0, kw_only=True)
    """Connections at this moment."""
    is_up: bool = field(default=False, kw_only=True)
    """Whether it was started and not stopped since."""

    def listen(self) -> None:
        """Listen on the loopback interface."""
        self.loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._file = os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._thread = Thread(target=self.loop.run_forever, name=type(self).__name__, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result()
        self.is_up = True

    def stop(self) -> None:
        """Stop listening and cut every connection off; once is enough."""
        if self.loop.is_closed():
            return
        self.is_up = False
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        os.close(self._file)

    def lines(self) -> list[list[str]]:
        """The journal so far, each line in its parts."""
        return [line.split() for line in self.journal.read_text("utf-8").splitlines()] if self.journal.exists() else []

    async def write(self, lines: bytes) -> None:
        """Put lines in the journal, on disk."""
        await asyncio.to_thread(self._write, lines)

    def _write(self, lines: bytes) -> None:
        os.write(self._file, lines)
        os.fsync(self._file)

    @abstractmethod
    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=2**20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self.converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def cut_off(writer: asyncio.StreamWriter) -> None:
    """Reset the connection: the client sees an error, not an end."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
