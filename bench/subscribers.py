"""Shoppers who wait for messages: thousands of idle WebSockets on one API process, then one event for all.

Cases: `memory`, of the process with all of them subscribed, and `event`, from the nudge after the commit
until the last of them has its message, text and all. The yardstick `promise` is what is promised of 5,000: 300 MB, and two
seconds.
"""

import asyncio
import base64
import os
import resource
import time
from statistics import median

import orjson
from redis.asyncio import Redis

from bench.outreach import EVERYONE, send, shop_with_customers
from bench.place import scratch_database
from bench.report import Case, Report, measured_on
from bench.serving import Served, api_server, token_of
from models import database, live
from models.caller import Role

# A shopper gets at most two messages a day, so two events at most.
SIZES = {"small": {"subscribers": 200, "events": 1}, "full": {"subscribers": 5_000, "events": 2}}
MEMORY = 300.0
DELAY = 2.0
AT_ONCE = 50
"""Handshakes under way at a time."""

SUBSCRIPTION = "subscription { inboxMessage { version unreadCount messages { id text sentAt } } }"
WITHIN = 60.0
"""Seconds after which whatever did not come is given up."""

NEXT = b'"type":"next"'


async def measure(size: str) -> Report:
    """Memory in MB, delay in seconds."""
    numbers = SIZES[size]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * numbers["subscribers"] + 1_000)), hard))
    async with scratch_database() as url:
        shop = await shop_with_customers(numbers["subscribers"])
        async with database.connection() as raw:
            machine = await measured_on(raw)
        async with api_server(url) as (server, redis_url):
            shoppers = await _subscribe(server, numbers["subscribers"])
            memory = server.megabytes()
            redis = Redis.from_url(redis_url)
            delays = []
            for number in range(numbers["events"]):
                for shopper in shoppers:
                    shopper.told.clear()
                await send(shop, f"Plan {number}")
                delays.append(await _event(shoppers, redis))
            await redis.aclose()
            after = server.megabytes()
            for shopper in shoppers:
                shopper.close()
    cases = [Case("memory", "promise", memory, MEMORY, "MB"), Case("event", "promise", median(delays), DELAY, "s")]
    return Report("subscribers", dict(numbers), cases, machine, {"api": after})


async def _subscribe(server: Served, count: int) -> list["Shopper"]:
    room = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()

    async def one(number: int) -> Shopper:
        async with room:
            token = token_of(Role.CUSTOMER, f"c{number}")
            _, shopper = await loop.create_connection(lambda: Shopper(token), "127.0.0.1", server.port)
            await asyncio.wait_for(shopper.subscribed, WITHIN)
            return shopper

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _event(shoppers: list["Shopper"], redis: Redis) -> float:
    started = time.perf_counter()
    await live.inbox_changed(redis, *EVERYONE)
    await asyncio.wait_for(asyncio.gather(*(shopper.told.wait() for shopper in shoppers)), WITHIN)
    return time.perf_counter() - started


class Shopper(asyncio.Protocol):
    """The client's side of a WebSocket, as little of it as there can be, so that the server is what is measured."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._waiting = b""
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /graphql HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Introduce itself, subscribe, and note each event."""
        self._waiting += data
        if b" 101 " in self._waiting:
            self._send({"type": "connection_init", "payload": {"authorization": f"Bearer {self._token}"}})
        elif b"connection_ack" in self._waiting:
            self._send({"type": "subscribe", "id": "1", "payload": {"query": SUBSCRIPTION}})
        elif NEXT in self._waiting:
            self.told.set()
            if not self.subscribed.done():
                self.subscribed.set_result(None)
        else:
            return
        self._waiting = b""

    def connection_lost(self, _: Exception | None) -> None:
        """Tell what the server said last, when it was not asked to leave."""
        if not self.subscribed.done():
            self.subscribed.set_exception(RuntimeError(f"the server closed a socket: {self._waiting[-500:]!r}"))

    def _send(self, message: object) -> None:
        payload = orjson.dumps(message)
        self._transport.write(_frame(payload))

    def close(self) -> None:
        """Leave without a word."""
        self._transport.abort()


def _frame(payload: bytes) -> bytes:
    """A text frame of a client; a mask of zeros leaves the payload as it is (RFC 6455 §5.3)."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload
