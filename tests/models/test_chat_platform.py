"""A shop's chat platform: connected and disconnected at once."""

import pytest

from models import chat_platform
from models.chat_platform import ChatPlatform
from tests.factories import make_shop
from tests.forgetting import forgotten_at_commit


@pytest.mark.usefixtures("database")
async def test_a_platform_that_is_disconnected_right_after_it_was_connected_is_answered_with_its_secret():
    shop = await make_shop()

    async with forgotten_at_commit("chat_platform", "shop_id"):
        connected = await chat_platform.connect(shop, "https://chat.example/in", targets="public", key=b"key")

    assert connected.url == "https://chat.example/in"
    assert connected.secret is not None
    assert not await ChatPlatform.exists()
