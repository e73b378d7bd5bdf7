"""Starts the engines that have no URL; or finds those that another process of this installation runs.

What embeds an engine is loaded only when it is started: with every URL set, none has to be installed.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from local.place import LocalError
from settings import Settings

SHARED = ("database_url", "redis_url", "smtp_url", "smtp_tls", "mailbox_directory", "clock")
"""What processes of one installation must agree on."""

URLS = ("database_url", "redis_url", "smtp_url")
"""The settings that say where the engines are."""

START_WITHIN = 150.0
"""Seconds in which the process that runs the engines has them all."""

Report = Callable[[str], None]


class Server(Protocol):
    """An engine that runs as a child process."""

    name: str
    folder: Path

    def start(self) -> str:
        """Start it, wherever it was before; its URL."""

    def stop(self) -> None:
        """Stop it in order."""

    def has_ended(self) -> bool:
        """Whether it ended by itself."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The settings with every URL filled in, and the engines that this process runs for them."""

    settings: Settings
    servers: Sequence[Server] = ()

    def revive(self) -> list[str]:
        """Start again what ended by itself; the names. Call it on the main thread."""
        ended = [server for server in self.servers if server.has_ended()]
        for server in ended:
            server.start()
        return [server.name for server in ended]


@contextmanager
def engines(settings: Settings, report: Report = print, *, needs: Sequence[str] = URLS) -> Iterator[Settings]:
    """The settings with every URL filled in, while the engines that were missing run.

    Engines that another process runs over the same data folder are shared with it. Whoever `needs` only some, and has
    their URLs, is given no other: the API of a production does without the password of the mail relay.
    """
    if all(getattr(settings, name) for name in needs):
        yield settings
        return
    with installation(settings, report, shared=True) as found:
        yield found.settings


@contextmanager
def installation(settings: Settings, report: Report, *, shared: bool = False) -> Iterator[Installation]:
    """The engines of this data folder, for as long as the block runs.

    When another process runs them already they are `shared`, or LocalError says that it does.
    """
    if all(getattr(settings, name) for name in URLS):
        yield Installation(settings)
        return
    folder = settings.data_directory.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock, ExitStack() as stack:
        if _taken(lock):
            yield _start(settings, folder, stack, report)
        elif shared:
            yield Installation(_joined(settings, folder))
        else:
            raise LocalError(f"another Rekindle already runs on {folder}; stop it, or set DATA_DIRECTORY")


def running(settings: Settings) -> Settings | None:
    """The settings of the installation that runs on this data folder, or None when none does."""
    try:
        with (settings.data_directory / "lock").open("a+") as lock:
            return None if _taken(lock) else _joined(settings, settings.data_directory)
    except FileNotFoundError:
        return None


def _start(settings: Settings, folder: Path, stack: ExitStack, report: Report) -> Installation:
    """Start what has no URL, and tell other processes; `stack` undoes both."""
    found: dict[str, object] = {}
    servers: list[Server] = []
    if settings.database_url is None:
        with _installed("DATABASE_URL", "PostgreSQL"):
            from local.postgres import Postgres

        servers.append(Postgres(folder / "postgres"))
        found["database_url"] = _started(servers[-1], stack, report)
    if settings.redis_url is None:
        with _installed("REDIS_URL", "Valkey"):
            from local.valkey import Valkey

        servers.append(Valkey(folder / "valkey"))
        found["redis_url"] = _started(servers[-1], stack, report)
    if settings.smtp_url is None:
        found |= _mail_server(folder / "mailbox", stack, report)
    complete = settings.model_copy(update=found)
    _announce(folder, complete)
    stack.callback((folder / "engines.json").unlink, missing_ok=True)
    return Installation(complete, servers)


@contextmanager
def _installed(variable: str, engine: str) -> Iterator[None]:
    """Say what is missing when the packages of an embedded engine are."""
    try:
        yield
    except ImportError:
        raise LocalError(f"{variable} is not set, and the embedded {engine} is not installed") from None


def _started(server: Server, stack: ExitStack, report: Report) -> str:
    stack.callback(server.stop)
    url = server.start()
    report(f"{server.name} runs, and keeps its files in {server.folder}")
    return url


def _mail_server(folder: Path, stack: ExitStack, report: Report) -> dict[str, object]:
    with _installed("SMTP_URL", "mailbox"):
        from local.mail_server import MailServer
    from local.mailbox import Mailbox

    server = MailServer(Mailbox(folder))
    stack.callback(server.stop)
    url = server.start()
    report(f"Mail goes no further than {folder}")
    return {"smtp_url": url, "smtp_tls": "none", "mailbox_directory": folder}


def _taken(lock: TextIO) -> bool:
    """Whether this process now holds the lock; it falls when the process ends, however it ends."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _announce(folder: Path, settings: Settings) -> None:
    """Tell other processes where the engines are."""
    draft = folder / "engines.draft"
    shared = settings.model_dump(mode="json", include=set(SHARED))
    draft.write_text(json.dumps({"process": os.getpid(), **shared}), "utf-8")
    draft.rename(folder / "engines.json")


def _joined(settings: Settings, folder: Path) -> Settings:
    """The settings that the process with the lock told, waiting while it is still starting its engines."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            told = json.loads((folder / "engines.json").read_text("utf-8"))
            if _alive(told.pop("process")):
                return Settings.model_validate({**settings.model_dump(), **told})
        time.sleep(0.2)
    raise LocalError(f"another Rekindle holds {folder}, but does not say where its engines are")


def _alive(process: int) -> bool:
    """Whether a process of this number runs: what a killed one told is out of date."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
