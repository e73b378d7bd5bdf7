"""The document of an issuer's public keys (RFC 7517), fetched: nothing of a try is left once it is given up.

The client of the standard library, which PyJWT's uses, would need a thread that waits for as long as the issuer sends a
byte now and then, and takes a document of any length.
"""

import json
import ssl
from functools import cache
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import jwt

LARGEST = 256 * 1024
"""Bytes of the largest document that is taken: hundreds of keys."""


_UNREADABLE = (
    # nothing that comes, or not from there
    httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError, OSError,
    # what is JSON of any kind, or none
    jwt.PyJWTError, ValueError, TypeError, RuntimeError,
)  # fmt: skip


class UnreadableError(Exception):
    """The document did not come, or is none of keys."""


async def fetch(url: str) -> list[jwt.PyJWK]:
    """The keys for signatures that the document at `url` has. Raises UnreadableError; how long it takes is the caller's."""
    try:
        document = json.loads(await _body(url))
        keys = jwt.PyJWKSet.from_dict(document).keys if isinstance(document, dict) else []
    except _UNREADABLE as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    found = [each for each in keys if each.key_id and each.public_key_use in ("sig", None)]
    if not found:
        raise UnreadableError("it has no keys for signatures")
    return found


async def _body(url: str) -> bytes:
    body = bytearray()
    async with (
        httpcore.AsyncConnectionPool(ssl_context=_authorities(), proxy=_proxy(url)) as pool,
        pool.stream("GET", url, headers={"accept": "application/json", "user-agent": "Rekindle"}) as response,
    ):
        if response.status != 200:
            raise UnreadableError(f"the answer is {response.status}")
        async for part in response.aiter_stream():
            body += part
            if len(body) > LARGEST:
                raise UnreadableError(f"it has more than {LARGEST} bytes")
    return bytes(body)


@cache
def _authorities() -> ssl.SSLContext:
    """What certificates are judged by: the system's, as everywhere, and read once, since it takes tens of milliseconds."""
    return ssl.create_default_context()


def _proxy(url: str) -> httpcore.Proxy | None:
    """The proxy that the environment names for such a URL (HTTPS_PROXY, but for NO_PROXY)."""
    parts = urlsplit(url)
    named = getproxies().get(parts.scheme)
    if named is None or proxy_bypass(parts.hostname or ""):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    entry = (unquote(proxy.username), unquote(proxy.password or "")) if proxy.username else None
    return httpcore.Proxy(f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}", auth=entry)
