"""Runs everything on this machine: engines, migration, API, worker, and the demo on first start."""

import asyncio
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from local.aftermath import settle_aftermath
from local.engines import Installation, installation
from local.keys import with_keys
from local.supervisor import Service, keep_running, stop_on_signals
from models import database, migration
from models.clock import clock, shift_of
from operations.listening import address_of, url_of
from settings import Settings

SERVER = Path(__file__).resolve().parents[1] / "server.py"

HANDED_ON = (
    "database_url",
    "redis_url",
    "smtp_url",
    "smtp_tls",
    "mailbox_directory",
    "clock",
    "public_url",
    "token_secret",
    "secret_key",
)
"""The settings that are decided here, and that the API and the worker must share."""

GLANCE = 1.0
"""Seconds between two looks at the engines."""

Greeting = Callable[[Settings], list[str]]


def run(settings: Settings, listener: socket.socket, greeting: Greeting, *, with_demo: bool) -> None:
    """Run everything until this process is asked to end.

    `with_demo` says whether to fill the demo shops.
    `greeting` are the lines to print once everything runs.
    """
    clock.shift = shift_of(settings.clock)
    alone = settings.database_url is None and settings.smtp_url is None
    with installation(settings, say) as found:
        public_url = found.settings.public_url or url_of(listener)
        complete = with_keys(found.settings).model_copy(update={"public_url": public_url})
        asyncio.run(_run(replace(found, settings=complete), listener, greeting, with_demo=with_demo, alone=alone))


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


async def _run(
    found: Installation, listener: socket.socket, greeting: Greeting, *, with_demo: bool, alone: bool
) -> None:
    """Run the services; `alone` when nobody else ever worked on this database, nor relayed its mail."""
    settings = found.settings
    assert settings.database_url is not None
    stop = stop_on_signals()
    await migration.migrate(settings.database_url)
    if alone:
        await _settle(settings)
    try:
        async with asyncio.TaskGroup() as group:
            for service in _services(settings, listener):
                group.create_task(keep_running(service, stop, say))
            watching = group.create_task(_watch(found))
            opening = group.create_task(_open(settings, listener, greeting, with_demo=with_demo))
            await stop.wait()
            opening.cancel()
            watching.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _settle(settings: Settings) -> None:
    """Find out what became of the mails that were in flight when the last start was killed."""
    assert settings.mailbox_directory is not None
    async with database.connected(settings, application="rekindle start"):
        if settled := await settle_aftermath(settings.mailbox_directory, settings.mail_domain):
            say(f"Mails in flight when the last start was killed, settled by the mailbox: {settled}")


def _services(settings: Settings, listener: socket.socket) -> list[Service]:
    environment = {name.upper(): _text(getattr(settings, name)) for name in HANDED_ON if getattr(settings, name)}
    descriptor = listener.fileno()
    program = [sys.executable, str(SERVER)]
    return [
        Service("API", [*program, "serve", f"--listener={descriptor}"], environment, [descriptor]),
        Service("worker", [*program, "work"], environment),
    ]


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


async def _watch(found: Installation) -> None:
    """Start again whichever engine ends by itself."""
    while True:
        await asyncio.sleep(GLANCE)
        for name in found.revive():
            say(f"{name} ended by itself; it runs again")


async def _open(settings: Settings, listener: socket.socket, greeting: Greeting, *, with_demo: bool) -> None:
    """Once the API answers and the demo is there, say where to look."""
    from local.demo import ensure_demo  # loaded while the API is starting

    while not await asyncio.to_thread(_answers, listener):  # noqa: ASYNC110 (another process sets no event of ours)
        await asyncio.sleep(0.1)
    if with_demo:
        await ensure_demo(settings, Console())
    for line in greeting(settings):
        say(line)


def _answers(listener: socket.socket) -> bool:
    """Whether the API says that it and its engines are up."""
    connection = HTTPConnection(*address_of(listener), timeout=10)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
