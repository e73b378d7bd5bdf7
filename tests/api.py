"""The GraphQL endpoint over the test's own engines: in process, or behind a real server; and tokens for it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from models.caller import Role
from models.live import Listener
from models.shop import Shop
from resolvers.token import Verifier, mint
from server import http_server
from settings import Settings

SECRET = "a secret for tests, long enough for HS256"


def token_of(role: Role, subject: str = "u1", shop: str | None = None, **options: Any) -> str:
    """A token signed with the tests' secret."""
    return mint(SECRET, role=role, subject=subject, shop=shop, **options)


def seller(shop: Shop | str, role: Role = Role.OWNER) -> str:
    """A token of a shop's owner."""
    return token_of(role, shop=shop if isinstance(shop, str) else shop.external_id)


def shopper(external_id: str) -> str:
    """A token of a shopper."""
    return token_of(Role.CUSTOMER, external_id)


PLATFORM = "platform"
"""Stands for a token of the platform's back end."""


def graphql_app(settings: Settings) -> Starlette:
    """The GraphQL endpoint alone, without engines."""
    from schema.serving.transport import create_graphql_app

    graphql = create_graphql_app(settings, Verifier(settings))
    return Starlette(routes=[Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])


@dataclass(frozen=True)
class Api:
    """A client of the endpoint."""

    client: httpx.AsyncClient

    async def answer(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer to one operation."""
        if token == PLATFORM:
            token = token_of(Role.PLATFORM, "cron")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def data(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an answer that has no errors."""
        answer = await self.answer(query, token, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


@pytest.fixture
async def app(settings: Settings, database: None, redis: object) -> AsyncIterator[Starlette]:
    """The endpoint with its queue and listener, over an empty database."""
    from jobs.queue import redis_pool

    app = graphql_app(settings)
    queue, news = redis_pool(settings), redis_pool(settings)
    news.connection_pool.connection_kwargs["socket_timeout"] = None
    app.state.queue, app.state.listener = queue, Listener(news)
    listening = asyncio.create_task(app.state.listener.run())
    yield app
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    await news.aclose()
    await queue.aclose()


@pytest.fixture
async def api(app: Starlette) -> AsyncIterator[Api]:
    """A client of the endpoint, in process."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        yield Api(client)


class _Server(uvicorn.Server):
    """A server that tells when it is up, and leaves signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette, listener: socket.socket) -> AsyncIterator[uvicorn.Server]:
    """An app behind a real server, as `server.py` runs it."""
    config = http_server(app)
    config.lifespan = "off"
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait_for(server.up.wait(), 60)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def url(app: Starlette) -> AsyncIterator[str]:
    """The endpoint's URL behind a real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
