"""The API as its users meet it: `.venv/bin/python server.py serve` in a process of its own, over a scratch database."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench import memory
from bench.place import redis_server
from models.caller import Role
from resolvers.token import mint

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a secret for benchmarks, long enough for HS256"
START_WITHIN = 120.0
PLENTY = "1000000000"


@dataclass(frozen=True, slots=True)
class Served:
    """A server process: where it listens on the loopback interface."""

    port: int
    process: subprocess.Popen[bytes]

    def megabytes(self) -> int:
        """The memory it holds now, in MB."""
        return memory.held(self.process.pid)


@asynccontextmanager
async def served(command: list[str], environment: Mapping[str, str], path: str) -> AsyncIterator[Served]:
    """A Python process that serves HTTP on the PORT of its environment, once `path` answers there; ended afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, **environment, "PORT": str(port)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            await asyncio.wait_for(_until_it_answers(port, path, process), START_WITHIN)
            yield Served(port, process)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)


async def _until_it_answers(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
        writer.close()
        if b" 503 " not in status:
            return
        await asyncio.sleep(0.1)


@asynccontextmanager
async def api_server(database_url: str, *, clock: datetime | None = None) -> AsyncIterator[tuple[Served, str]]:
    """Our API over this database, where nobody is throttled and it is `clock` when it starts; and the URL of its Redis."""
    async with redis_server() as redis_url:
        with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
            environment = {
                "DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIRECTORY": folder,
                "SMTP_URL": "smtp://127.0.0.1:1", "SMTP_TLS": "none", "TOKEN_SECRET": SECRET, "SECRET_KEY": SECRET,
                "THROTTLE_POINTS": PLENTY, "THROTTLE_REFILL": PLENTY, **({"CLOCK": clock.isoformat()} if clock else {}),
            }  # fmt: skip
            async with served(["server.py", "serve"], environment, "/ready") as server:
                yield server, redis_url


def token_of(role: Role, subject: str, shop: str | None = None) -> str:
    """A token that our server takes."""
    return mint(SECRET, role=role, subject=subject, shop=shop)
