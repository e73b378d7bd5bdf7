"""A proxy before PostgreSQL that loses what it is told to: the answer to a ledger commit that has happened."""

import asyncio
import os
import struct
from pathlib import Path
from threading import Thread

MARK = b"settling AS"
"""What the ledger's commit statement is known by."""


class Proxy:
    """Listens on a socket of its own and hands everything on; every `lose_every`-th answer to a commit is lost.

    The server has answered, so the commit has happened; the client sees its connection end instead.
    """

    def __init__(self, folder: Path, upstream: Path, *, lose_every: int) -> None:
        self.folder = folder
        self.lost = 0
        self._upstream = upstream / ".s.PGSQL.5432"
        self._lose_every = lose_every
        self._commits = 0

    @property
    def url(self) -> str:
        """Where the database seems to be."""
        return f"postgresql://postgres:@/postgres?host={self.folder}"

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        path = str(self.folder / ".s.PGSQL.5432")
        starting = asyncio.start_unix_server(self._serve, path)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        os.chmod(path, 0o777)  # noqa: PTH101 - a socket

    def stop(self) -> None:
        """Cut everything off."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(str(self._upstream))
        link = _Link(self, server_writer, writer)
        forth = asyncio.create_task(link.forth(reader))
        back = asyncio.create_task(link.back(server_reader))
        try:
            await asyncio.wait([forth, back], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (forth, back):
                task.cancel()
            await asyncio.gather(forth, back, return_exceptions=True)
            writer.close()
            server_writer.close()

    def is_lost(self) -> bool:
        """Whether the answer to this commit is one to lose."""
        self._commits += 1
        lost = self._commits % self._lose_every == 0
        self.lost += lost
        return lost


class _Link:
    """One client and its server (frontend protocol 3: a type byte and a length before each message)."""

    def __init__(self, proxy: Proxy, server: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._server = server
        self._client = client
        self._names: set[bytes] = set()
        self._loses = False

    async def forth(self, reader: asyncio.StreamReader) -> None:
        """From the client: look for the commit's statement, by its text when parsed and its name when bound."""
        (size,) = struct.unpack("!I", head := await reader.readexactly(4))
        self._server.write(head + await reader.readexactly(size - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"P" and MARK in body:
                self._names.add(body.partition(b"\0")[0])
            if head[:1] == b"B" and body.partition(b"\0")[2].partition(b"\0")[0] in self._names:
                self._loses = self._proxy.is_lost()
            self._server.write(head + body)
            await self._server.drain()

    async def back(self, reader: asyncio.StreamReader) -> None:
        """From the server: hand on, until the answer that is to be lost."""
        while data := await reader.read(65_536):
            if self._loses:
                return
            self._client.write(data)
            await self._client.drain()
