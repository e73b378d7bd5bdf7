"""Rekindle's own processes, as an operator starts them, on the test's engines."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import randbelow

import httpx

from settings import Settings

ROOT = Path(__file__).resolve().parents[1]
FIRST_PORT, BEYOND_PORTS = 20_000, 32_768
READY_WITHIN = 60.0
STOP_WITHIN = 60.0

SERVER = [sys.executable, str(ROOT / "server.py")]
"""The command line of this code's own processes."""


def environment(settings: Settings, **more: str) -> Mapping[str, str]:
    """What a process is told: the test's engines and secrets, nothing of the shell's settings."""
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SMTP_URL": settings.smtp_url,
        "SMTP_TLS": settings.smtp_tls,
        "DATA_DIRECTORY": str(settings.data_directory),
        "TOKEN_SECRET": settings.token_secret.get_secret_value() if settings.token_secret else None,
        "SECRET_KEY": settings.secret_key.get_secret_value() if settings.secret_key else None,
    }
    names = {name.upper() + end for name in Settings.model_fields for end in ("", "_FILE")}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    return {**inherited, **{name: value for name, value in told.items() if value is not None}, **more}


def command(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python server.py …` to its end."""
    return subprocess.run(
        [*SERVER, *arguments],
        cwd=ROOT,
        env=environment(settings, **more),
        capture_output=True,
        text=True,
        timeout=100,
    )


def command_into(
    output: int | Path, settings: Settings, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """The same with its output to a file or an open descriptor, begun by the program `before`, if any."""
    with open(output, "wb") as place:  # noqa: PTH123 (a descriptor has no path)
        return subprocess.run(
            [*before, *SERVER, *arguments],
            cwd=ROOT,
            env=environment(settings),
            stdout=place,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
        )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, below those that systems give to whoever names none.

    It is taken only when a process has started, seconds later: one of theirs could have gone to another test by then.
    """
    while True:
        port = FIRST_PORT + randbelow(BEYOND_PORTS - FIRST_PORT)  # `random` begins alike in all processes of a run
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def process(settings: Settings, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running `python server.py …`, stopped at the end (killed if it does not)."""
    with subprocess.Popen([*SERVER, *arguments], cwd=ROOT, env=environment(settings, **more)) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def api(settings: Settings, **more: str) -> Iterator[str]:
    """A running API; its base URL, once it is healthy."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with process(settings, "serve", PORT=str(port), **more) as child:
        deadline = time.monotonic() + READY_WITHIN
        while not _is_healthy(base):
            assert child.poll() is None, "the API has ended"
            assert time.monotonic() < deadline, "the API does not answer"
            time.sleep(0.1)
        yield base


def _is_healthy(base: str) -> bool:
    try:
        return httpx.get(f"{base}/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
