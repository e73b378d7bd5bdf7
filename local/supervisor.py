"""Keeps child processes running until it is told to stop."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs import stopping
from local.child import start_child
from local.place import LocalError
from operations.trouble import BAD_USAGE

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
"""Seconds before a child is started again: doubled each time, from the first to the longest."""

STEADY = 60.0
"""A child that ran for so many seconds has recovered: its next delay is the first again."""

STOP_WITHIN = stopping.STOP_WITHIN.total_seconds() + 5.0
"""Seconds that a child has to finish what it is doing: as many as a worker may take, which takes longest, and some more."""


@dataclass(frozen=True, slots=True)
class Service:
    """A command to keep running: its name in reports, and what it inherits."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    descriptors: Sequence[int] = ()


def stop_on_signals() -> asyncio.Event:
    """An event that is set when this process is asked to end: Ctrl-C, SIGTERM or the closing of its terminal."""
    stop = asyncio.Event()
    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    return stop


async def keep_running(service: Service, stop: asyncio.Event, report: Callable[[str], None]) -> None:
    """Run the service until `stop`, starting it again when it ends. Call it on the main thread's loop.

    Raises LocalError when the service says that its settings are wrong.
    """
    delay = FIRST_DELAY
    while not stop.is_set():
        started = time.monotonic()
        code = await _run(service, stop)
        if stop.is_set():
            return
        if code == BAD_USAGE:
            raise LocalError(f"{service.name} cannot run with these settings")
        if time.monotonic() - started > STEADY:
            delay = FIRST_DELAY
        report(f"{service.name} ended with {code}; it starts again in {delay:.0f} s")
        await _wait(stop, delay)
        delay = min(delay * 2, LONGEST_DELAY)


async def _run(service: Service, stop: asyncio.Event) -> int:
    """Run the service once, until it ends or `stop`; its exit code."""
    child = start_child(
        service.command,
        farewell=signal.SIGKILL,  # with this process the engines end too: there is nothing left to finish with
        environment={**os.environ, **service.environment},
        descriptors=service.descriptors,
    )
    ended = asyncio.get_running_loop().run_in_executor(None, child.wait)
    stopped = asyncio.create_task(stop.wait())
    either: list[asyncio.Future[Any]] = [ended, stopped]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        await _end(child, ended)
    return child.returncode


async def _end(child: subprocess.Popen[bytes], ended: asyncio.Future[int]) -> None:
    """Let the child finish, and kill it when it does not."""
    if child.poll() is None:
        child.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(ended), STOP_WITHIN)
    except TimeoutError:
        child.kill()
        await ended


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
