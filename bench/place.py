"""Where benchmarks run: an empty, migrated database and an empty Redis of their own, which are gone afterwards."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from local.postgres import Postgres
from local.valkey import Valkey
from models import database, migration
from settings import Settings


@asynccontextmanager
async def scratch_database() -> AsyncIterator[str]:
    """The URL of a scratch database, connected: on DATABASE_URL's server, or else on an embedded one."""
    url = Settings().database_url
    if url:
        async with _connected(url) as scratch:
            yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        server = Postgres(Path(folder))
        embedded = await asyncio.to_thread(server.start)
        try:
            async with _connected(embedded) as scratch:
                yield scratch
        finally:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def redis_server() -> AsyncIterator[str]:
    """The URL of an empty Valkey, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        valkey = Valkey(Path(folder))
        url = await asyncio.to_thread(valkey.start)
        try:
            yield url
        finally:
            await asyncio.to_thread(valkey.stop)


@asynccontextmanager
async def _connected(server: str) -> AsyncIterator[str]:
    name = f"rekindle_bench_{os.getpid()}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    try:
        await migration.migrate(url)
        await database.connect(url, application="rekindle bench")
        try:
            yield url
        finally:
            await database.disconnect()
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
