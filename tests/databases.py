"""Databases of a test's own, on the server of the one that all tests of a process share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


def url_of(server: str, name: str) -> str:
    """The URL of a database on the server whose own URL is `server`."""
    return server.replace("/postgres?", f"/{name}?", 1)


async def make(server: str, name: str, *, template: str = "template1") -> str:
    """Make a database in the place of what was called so: an empty one, or a copy of `template`; its URL."""
    await drop(server, name)
    await _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return url_of(server, name)


async def drop(server: str, name: str) -> None:
    """Remove a database, whoever is connected to it."""
    await _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def made(server: str, name: str, *, template: str = "template1") -> AsyncIterator[str]:
    """The URL of a database that is there for a block."""
    url = await make(server, name, template=template)
    try:
        yield url
    finally:
        await drop(server, name)


@asynccontextmanager
async def role(server: str, name: str) -> AsyncIterator[str]:
    """The URL of the server for a role that may do all, there for a block."""
    await _administer(server, f'CREATE ROLE "{name}" SUPERUSER LOGIN')
    try:
        yield server.replace("//postgres:@", f"//{name}:@", 1)
    finally:
        await _administer(server, f'DROP ROLE "{name}"')


@asynccontextmanager
async def refused(server: str, name: str) -> AsyncIterator[None]:
    """The block's time, in which the role may not log in; what it had open is ended."""
    await _administer(server, f'ALTER ROLE "{name}" NOLOGIN')
    await _administer(server, f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{name}'")
    try:
        yield
    finally:
        await _administer(server, f'ALTER ROLE "{name}" LOGIN')


@asynccontextmanager
async def closed(server: str) -> AsyncIterator[None]:
    """The block's time, in which the server's own database takes no connections; what was open is ended."""
    beside = url_of(server, "template1")
    await _administer(beside, "ALTER DATABASE postgres ALLOW_CONNECTIONS false")
    try:
        await _administer(
            beside, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'postgres'"
        )
        yield
    finally:
        await _administer(beside, "ALTER DATABASE postgres ALLOW_CONNECTIONS true")


async def _administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
