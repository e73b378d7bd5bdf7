"""A scripted HTTP receiver: it takes requests into a journal that is on disk before it answers, or misbehaves as told.

A line of the journal is a complete request: the time (ns), its `webhook-id`. A request whose body is shorter than its
Content-Length is none.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import orjson

from tests.receiver import Accepted, Receiver, cut_off


class Act(Enum):
    """What a script may do instead of answering."""

    RESET_EARLY = auto()
    """Cut the connection off once the headers have come."""
    RESET = auto()
    """Cut off after the whole request, without taking it."""
    TAKE_AND_RESET = auto()
    """Take the request, then cut off without an answer."""
    TAKE_AND_STALL = auto()
    """Take the request, then say nothing for ever."""


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """Its body."""
        return orjson.loads(self.body)


Script = Callable[[int], "int | str | Act | None"]
"""What to do with the n-th request, from 1: a status, a status line with headers, an act; None is 204."""


@dataclass
class HttpSink(Receiver):
    """The server, in a thread of its own. `delay` seconds pass before each answer."""

    script: Script = lambda _number: None
    delay: float = 0.0
    keep: bool = True
    requests: list[Request] = field(default_factory=list)
    begun: int = 0
    most_open: int = 0

    def start(self) -> str:
        """Listen; the URL."""
        self.listen()
        return f"http://127.0.0.1:{self.port}/hook"

    def taken(self) -> list[str]:
        """The ids in the journal so far, in order."""
        return [identifier for _, identifier in self.lines()]

    def accepted(self) -> list[Accepted]:
        """The journal of chat messages, as the oracle reads it."""
        parts = [identifier.split("_") for identifier in self.taken()]
        return [Accepted(0, f"{plan}.{customer}@rekindle.localhost", "") for _, plan, customer in parts]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the client leaves or is cut off."""
        self.most_open = max(self.most_open, self.open)
        while await self._answer(reader, writer):
            pass

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.begun += 1
        act = self.script(self.begun)
        if act is Act.RESET_EARLY:
            cut_off(writer)
            return False
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        if act is Act.RESET:
            cut_off(writer)
            return False
        answer = "204" if act is None else str(act) if not isinstance(act, Act) else ""
        if not answer or answer.startswith("2"):
            await self._take(Request(head[0].split()[1], headers, body))
        if self.delay:
            await asyncio.sleep(self.delay)
        if act is Act.TAKE_AND_STALL:
            await asyncio.sleep(86_400)  # a timer: whom nothing but an event of its own holds may be collected
        if act is Act.TAKE_AND_RESET:
            cut_off(writer)
            return False
        status, _, more = answer.partition("\n")
        writer.write(f"HTTP/1.1 {status} So\r\ncontent-length: 0\r\n{more}\r\n".encode())
        await writer.drain()
        return True

    async def _take(self, request: Request) -> None:
        await self.write(f"{time.time_ns()} {request.id}\n".encode())
        if self.keep:
            self.requests.append(request)
