"""The endpoint without engines, for what needs none."""

from collections.abc import AsyncIterator

import httpx
import pytest

from settings import Settings
from tests.api import graphql_app


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the endpoint."""
    transport = httpx.ASGITransport(graphql_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://rekindle.test") as client:
        yield client
