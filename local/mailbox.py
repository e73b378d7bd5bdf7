"""A mailbox on disk: one file for each message, numbered in the order of arrival."""

import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock

from local.received import headers, parsed
from models.clock import now

REMEMBERED = 50_000
"""Entries kept in memory for lists and searches; older messages stay on disk, to be read by number."""

HEAD = 16_384
"""Bytes of a message in which its headers are looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list shows of a message: its envelope, and what it says of itself."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    size: int


class Mailbox:
    """Messages in a folder. One process keeps new ones; others may read the same folder meanwhile."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when missing; what it holds already is listed."""
        self._kept = folder / "kept"
        self._drafts = folder / "drafts"
        self._lock = Lock()
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED)
        for place in (self._kept, self._drafts):
            place.mkdir(parents=True, exist_ok=True)
        numbers = sorted(_numbers(self._kept))
        self._count = len(numbers) - len(numbers[-REMEMBERED:])
        self._last = numbers[-REMEMBERED - 1] if self._count else 0
        for number in numbers[-REMEMBERED:]:
            self._remember(number)

    def keep(self, sender: str, recipients: Sequence[str], content: bytes) -> int:
        """Write a message to disk, envelope first (Return-Path: RFC 5321 §4.4, Delivered-To: RFC 9228); its number.

        When this returns, the message survives a crash.
        """
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
        envelope.append(f"Received: by mailbox.localhost; {format_datetime(now())}")
        with self._draft("\r\n".join([*envelope, ""]).encode() + content) as draft, self._lock:
            self._catch_up()
            number = self._last + 1
            draft.rename(self._path(number))
            self._remember(number)
        _sync_folder(self._kept)
        return number

    def count(self) -> int:
        """How many messages there are."""
        with self._lock:
            self._catch_up()
            return self._count

    def entries(self, *, limit: int = 50, before: int | None = None, search: str = "") -> list[Entry]:
        """The newest entries, at most `limit`: older than number `before`, `search` being part of a recipient."""
        wanted = search.casefold()
        with self._lock:
            self._catch_up()
            found = (entry for entry in self._newest() if before is None or entry.number < before)
            return list(islice((entry for entry in found if _sent_to(entry, wanted)), limit))

    def find(self, message_id: str) -> list[Entry]:
        """Every entry with this Message-ID, newest first: more than one means that a message was repeated."""
        with self._lock:
            self._catch_up()
            return [entry for entry in self._newest() if entry.message_id == message_id]

    def source(self, number: int) -> bytes | None:
        """A message as it is on disk, or None when there is none of this number."""
        try:
            return self._path(number).read_bytes()
        except FileNotFoundError:
            return None

    def message(self, number: int) -> EmailMessage | None:
        """A parsed message, or None when there is none of this number."""
        source = self.source(number)
        return None if source is None else message_from_bytes(source, policy=policy.default)

    def drop_drafts(self) -> None:
        """Remove what a crash left half written; only whoever keeps messages may call this."""
        for draft in self._drafts.iterdir():
            draft.unlink()

    def clear(self) -> None:
        """Remove every message; numbers go on where they were."""
        with self._lock:
            self._catch_up()
            for number in _numbers(self._kept):
                self._path(number).unlink()
            self._entries.clear()
            self._count = 0

    @contextmanager
    def _draft(self, content: bytes) -> Iterator[Path]:
        """A file on disk that is moved away in the block. What a full disk made of it is gone afterwards."""
        descriptor, name = tempfile.mkstemp(dir=self._drafts)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _newest(self) -> Iterator[Entry]:
        return reversed(self._entries)

    def _catch_up(self) -> None:
        """Take in what another process has kept since: numbers have no gaps, so the next one is looked for."""
        while self._path(self._last + 1).exists():
            self._remember(self._last + 1)

    def _remember(self, number: int) -> None:
        self._entries.append(_entry(number, self._path(number)))
        self._last = number
        self._count += 1

    def _path(self, number: int) -> Path:
        return self._kept / f"{number}.eml"


def _numbers(folder: Path) -> list[int]:
    """The numbers of the messages in a folder, in no order; what else lies there is left alone."""
    return [int(path.stem) for path in folder.glob("*.eml") if path.stem.isdecimal()]


def _sent_to(entry: Entry, wanted: str) -> bool:
    return not wanted or any(wanted in recipient.casefold() for recipient in entry.recipients)


def _entry(number: int, path: Path) -> Entry:
    """What the head of a message's file says of it."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    read = partial(headers, parsed(head))
    return Entry(
        number=number,
        received_at=parsedate_to_datetime(read("Received")[0].rpartition(";")[2]),
        sender=read("Return-Path")[0].strip("<>"),
        recipients=tuple(read("Delivered-To")),
        subject="".join(read("Subject")[:1]),
        message_id="".join(read("Message-ID")[:1]).strip(),
        size=path.stat().st_size,
    )


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash, as fsync of a file does for its bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
