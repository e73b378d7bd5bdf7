"""Who is at the other end of a socket, and for how long."""

from datetime import timedelta

import pytest

from models.caller import LEEWAY, Role
from models.clock import Clock
from tests.api import shopper, token_of
from tests.schema.serving.peer import INBOX, TYPENAME, peer


@pytest.mark.parametrize("token", ["x", "a.b.c", token_of(Role.CUSTOMER, "c0")[:-3]])
async def test_a_token_that_does_not_hold_is_forbidden(url: str, token: str):
    async with peer(url) as client:
        await client.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})

        assert (await client.closed())[0] == 4403


async def test_the_handshake_s_header_may_carry_the_token(url: str):
    async with peer(url, additional_headers={"authorization": f"Bearer {shopper('c0')}"}) as client:
        await client.initialise()
        await client.subscribe("a", {"query": "{ inbox { totalCount } }"})

        assert (await client.receive())["payload"]["data"] == {"inbox": {"totalCount": 0}}


async def test_a_subscription_without_a_token_is_an_error_of_its_own(url: str):
    async with peer(url) as client:
        await client.initialise()
        await client.subscribe("a", INBOX)
        message = await client.receive()

    error = message["payload"]["errors"][0]
    assert (error["extensions"]["code"], error["path"]) == ("UNAUTHENTICATED", ["inboxMessage"])


async def test_a_token_that_ends_ends_its_socket(url: str, clock: Clock):
    """The clock is moved: a token of a second's life may be over before its socket is introduced."""
    async with peer(url) as client:
        await client.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta()))
        clock.move(LEEWAY)

        assert await client.closed() == (4403, "The token has expired")


async def test_an_operation_after_the_token_s_end_ends_the_socket(url: str, clock: Clock):
    async with peer(url) as client:
        await client.initialise(token_of(Role.CUSTOMER, "c0", lifetime=timedelta(minutes=1)))
        clock.move(timedelta(minutes=2))
        await client.subscribe("a", TYPENAME)

        assert await client.closed() == (4403, "The token has expired")
