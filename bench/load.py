"""Clients that ask the same over and over, each on its own connection, as cheap as a client can be."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

import orjson


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did: answers per second over all clients, and how long one answer took, in seconds, by percentile."""

    per_second: float
    p50: float
    p99: float


async def loaded(port: int, query: str, tokens: Sequence[str], seconds: float) -> Load:
    """One client for each token asks for so many seconds. RuntimeError when an answer has errors."""
    until = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_client(port, query, token, until) for token in tokens))
    every = [each for client in taken for each in client]
    percentiles = quantiles(every, n=100)
    return Load(len(every) / seconds, percentiles[49], percentiles[98])


async def _client(port: int, query: str, token: str, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = _request(query, token)
    taken = []
    while (started := time.perf_counter()) < until:
        await _ask(reader, writer, request)
        taken.append(time.perf_counter() - started)
    writer.close()
    return taken


async def asked(port: int, query: str, token: str) -> bytes:
    """The body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = await _ask(reader, writer, _request(query, token))
    writer.close()
    return body


def _request(query: str, token: str) -> bytes:
    body = orjson.dumps({"query": query})
    head = (
        "POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if b" 200 " not in head.partition(b"\r\n")[0] or b'"errors"' in body:
        raise RuntimeError(f"the server answered {body[:500]!r}")
    return body
