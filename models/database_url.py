"""Connections by DATABASE_URL; where none can be made for what stands in it, the error says so, and never the password.

The driver hands on what the system says, `No such file or directory`, be it a certificate or a socket that is missing.
"""

import ssl
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import asyncpg

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
"""Parts of the URL that name a file."""


async def open_connection(url: str, **options: Any) -> asyncpg.Connection:
    """A connection of the driver's. Raises what the driver raises, in words that name what in DATABASE_URL is to blame."""
    try:
        return await asyncpg.connect(url, **options)
    except (gaierror, FileNotFoundError, PermissionError, ssl.SSLError) as error:
        raise ConnectionError(_why(error, url)) from None


def _why(error: OSError, url: str) -> str:
    if isinstance(error, gaierror):
        return f"the host in DATABASE_URL cannot be found: {error.strerror}"
    files = [(name, path) for name, path in parse_qsl(urlsplit(url).query) if name in FILES]
    for name, path in files:
        if unread := _why_unread(path):
            return f"{name} in DATABASE_URL, {path}, cannot be read: {unread}"
    if isinstance(error, ssl.SSLError):
        return f"by the certificates and sslmode in DATABASE_URL no connection can be made: {error}"
    return f"the socket in DATABASE_URL cannot be opened: {error.strerror}"


def _why_unread(path: str) -> str | None:
    try:
        with Path(path).open("rb"):
            return None
    except OSError as error:
        return error.strerror
