"""A scripted SMTP sink: it accepts mail into a journal that is on disk before it says 250, or misbehaves as told.

A line of the journal is an accepted message: the time (ns), its Message-ID and recipient.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.receiver import Accepted, Receiver, cut_off

MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)

FOR_EVER = 86_400.0


class Stage(Enum):
    """Where a conversation stands: what a script is asked about."""

    GREETING = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    BODY = auto()
    """The body has begun, its dot has not come."""
    DOT = auto()


class Act(Enum):
    """What a script may do instead of replying."""

    RESET = auto()
    """Cut the connection off (RST); at the dot, without storing."""
    STORE_AND_RESET = auto()
    """At the dot: store, then cut off without a reply."""
    STALL = auto()
    """Say nothing for ever; at the dot, without storing."""
    STORE_AND_STALL = auto()
    """At the dot: store, then say nothing for ever."""
    HANG_UP = auto()
    """Close in an orderly way, without a word."""
    DRIBBLE = auto()
    """Reply byte by byte."""


@dataclass(slots=True)
class Conversation:
    """What a script knows when it is asked."""

    connection: int
    """Number of the connection, from 1."""
    message: int = 0
    """Number of the message in its connection, from 1."""
    sender: str = ""
    recipient: str = ""


Script = Callable[[Stage, Conversation], "str | Act | None"]
"""What to do: a reply, an act, or None for what a good server does."""


def once(stage: Stage, act: str | Act) -> Script:
    """A script that does `act` the first time a conversation comes to `stage`."""
    left = [act]

    def script(asked: Stage, _conversation: Conversation) -> str | Act | None:
        return left.pop() if asked is stage and left else None

    return script


def always(stage: Stage, act: str | Act | None) -> Script:
    """A script that does `act` whenever a conversation comes to `stage`."""
    return lambda asked, _conversation: act if asked is stage else None


@dataclass
class Sink(Receiver):
    """The server, in a thread of its own. `delay` seconds pass before each reply to a dot."""

    script: Script = lambda _stage, _conversation: None
    pipelining: bool = True
    smtputf8: bool = True
    delay: float = 0.0
    most_connections: int | None = None
    hangs_up_after: str = "421"
    """The beginning of replies after which it closes the connection."""
    keep_bodies: bool = False
    bodies: list[bytes] = field(default_factory=list)
    asked: Counter[Stage] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    """Messages accepted, by what their recipient's address has before its first dash."""
    stored: int = 0
    """Messages in the journal, on disk."""
    connections: int = 0

    def start(self) -> str:
        """Listen; the URL."""
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self.listen()
        return f"smtp://127.0.0.1:{self.port}"

    def accepted(self) -> list[Accepted]:
        """The journal so far."""
        return [Accepted(int(at), message_id, recipient) for at, message_id, recipient in self.lines()]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one dialogue."""
        self.connections += 1
        await _Dialogue(self, reader, writer, Conversation(self.connections)).run()

    async def store(self, body: bytes, recipient: str) -> None:
        """Put a message in the journal, on disk; those that come at the same time share one fsync."""
        found = MESSAGE_ID.search(body)
        line = f"{time.time_ns()} {found[1].decode() if found else '-'} {recipient}\n".encode()
        if self.keep_bodies:
            self.bodies.append(body)
        stored: asyncio.Future[None] = self.loop.create_future()
        self._waiting.append((line, stored))
        self.names[recipient.partition("-")[0]] += 1
        if self._flushing is None:
            self._flushing = self.loop.create_task(self._flush())
        await asyncio.shield(stored)

    async def _flush(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self.write(b"".join(line for line, _ in group))
            self.stored += len(group)
            for _, stored in group:
                if not stored.done():
                    stored.set_result(None)
        self._flushing = None


class _CutOffError(ConnectionError):
    pass


class _Dialogue:
    """One connection."""

    def __init__(
        self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conversation: Conversation
    ) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._conversation = conversation
        self._has_sender = False
        self._has_recipient = False

    async def run(self) -> None:
        """Greet, then answer until the client leaves."""
        if self._sink.most_connections is not None and self._sink.open > self._sink.most_connections:
            await self._say("421 4.7.0 too many connections")
            return
        if not (await self._answer(Stage.GREETING, "220 sink ESMTP")).startswith("220"):
            return
        while line := (await self._reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
            if verb == "QUIT":
                await self._say("221 bye")
                return
            await self._handle(verb, line)

    async def _handle(self, verb: str, line: str) -> None:
        verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._reset,
        }  # fmt: skip
        handler = verbs.get(verb)
        if handler is None:
            await self._say("500 5.5.1 what?")
        else:
            await handler(line)

    async def _ehlo(self, _line: str) -> None:
        offers = ["sink"] + ["PIPELINING"] * self._sink.pipelining + ["SMTPUTF8"] * self._sink.smtputf8
        await self._say("\r\n".join(f"250-{offer}" for offer in offers) + "\r\n250 8BITMIME")

    async def _reset(self, _line: str) -> None:
        self._has_recipient = False
        await self._say("250 2.0.0 forgotten")

    async def _mail(self, line: str) -> None:
        self._conversation.message += 1
        self._conversation.sender = _path(line)
        self._conversation.recipient = ""
        self._has_recipient = False
        self._has_sender = (await self._answer(Stage.MAIL, "250 2.1.0 ok")).startswith("250")

    async def _rcpt(self, line: str) -> None:
        self._conversation.recipient = _path(line)
        if not self._has_sender:
            await self._say("503 5.5.1 no sender")
            return
        self._has_recipient = (await self._answer(Stage.RCPT, "250 2.1.5 ok")).startswith("250")

    async def _data(self, _line: str) -> None:
        if not self._has_recipient:
            await self._say("503 5.5.1 no recipient")
            return
        if not (await self._answer(Stage.DATA, "354 go on")).startswith("354"):
            return
        body = bytearray()
        while (line := await self._reader.readline()) != b".\r\n":
            if not line.endswith(b"\r\n"):
                raise _CutOffError
            if not body and (act := self._decide(Stage.BODY)) is not None:
                await self._do(act, "")
            body += line
        await self._dot(bytes(body))

    async def _dot(self, body: bytes) -> None:
        act = self._decide(Stage.DOT)
        recipient = self._conversation.recipient
        if self._sink.delay:
            await asyncio.sleep(self._sink.delay)
        if act in (None, Act.DRIBBLE, Act.STORE_AND_RESET, Act.STORE_AND_STALL):
            await self._sink.store(body, recipient)
        await self._do(act, "250 2.0.0 accepted")

    def _decide(self, stage: Stage) -> str | Act | None:
        self._sink.asked[stage] += 1
        return self._sink.script(stage, self._conversation)

    async def _answer(self, stage: Stage, good: str) -> str:
        return await self._do(self._decide(stage), good)

    async def _do(self, act: "str | Act | None", good: str) -> str:
        if act in (Act.STALL, Act.STORE_AND_STALL):
            await asyncio.sleep(FOR_EVER)  # a timer: whom nothing but an event of its own holds may be collected
        if act in (Act.RESET, Act.STORE_AND_RESET):
            cut_off(self._writer)
            raise _CutOffError
        if act is Act.HANG_UP:
            raise _CutOffError
        reply = act if isinstance(act, str) else good
        if act is Act.DRIBBLE:
            for byte in f"{reply}\r\n".encode():
                self._writer.write(bytes([byte]))
                await self._writer.drain()
                await asyncio.sleep(0.002)
        elif reply:
            await self._say(reply)
        if reply.startswith(("421", self._sink.hangs_up_after)):
            raise _CutOffError
        return reply

    async def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()


def _path(line: str) -> str:
    """What stands between the brackets of MAIL FROM or RCPT TO."""
    return line.partition("<")[2].partition(">")[0]
