"""Connecting a shop's chat platform: its URL is checked, its secret shown once, and only administrators may."""

import pytest
from standardwebhooks import Webhook

from models import chat_platform
from models import database as db
from models.caller import SELLER, Role
from models.chat_platform import ChatPlatform
from models.clock import Clock
from models.webhook import signature
from models.webhook.endpoint import MAX_LENGTH
from tests.api import Api, seller
from tests.factories import make_shop

CONNECT = """mutation ($url: String!, $key: String) { chatPlatformConnect(input: {url: $url, idempotencyKey: $key}) {
  chatPlatform { url secret rotatedAt } userErrors { field message code } } }"""
ROTATE = """mutation ($key: String) { chatPlatformRotateSecret(input: {idempotencyKey: $key}) {
  chatPlatform { url secret rotatedAt } userErrors { code } } }"""
DISCONNECT = "mutation { chatPlatformDisconnect(input: {}) { shop { chatPlatform { url } } userErrors { code } } }"
URL = "https://chat.example/rekindle"


async def test_the_secret_is_shown_when_it_is_new_and_to_the_same_key_only(api: Api):
    shop = await make_shop()
    first = (await api.data(CONNECT, seller(shop), url=URL, key="k"))["chatPlatformConnect"]
    again = (await api.data(CONNECT, seller(shop), url=URL, key="k"))["chatPlatformConnect"]
    moved = (await api.data(CONNECT, seller(shop), url=f"{URL}/2"))["chatPlatformConnect"]

    assert first["chatPlatform"]["secret"].startswith("whsec_")
    assert again == first
    assert (moved["chatPlatform"]["secret"], moved["chatPlatform"]["url"]) == (None, f"{URL}/2")
    stored = str(await db.fetch("SELECT * FROM chat_platform")) + str(await db.fetch("SELECT * FROM idempotency"))
    assert first["chatPlatform"]["secret"].removeprefix("whsec_") not in stored


async def test_a_rotation_whose_answer_was_lost_tells_its_secret_to_the_same_key_until_the_next(api: Api):
    shop = await make_shop()
    await api.data(CONNECT, seller(shop), url=URL, key="first")
    turned = (await api.data(ROTATE, seller(shop), key="k"))["chatPlatformRotateSecret"]
    before = await db.fetch("SELECT * FROM chat_platform")

    assert turned["chatPlatform"]["secret"].startswith("whsec_")
    assert (await api.data(ROTATE, seller(shop), key="k"))["chatPlatformRotateSecret"] == turned
    assert await db.fetch("SELECT * FROM chat_platform") == before
    stored = str(before) + str(await db.fetch("SELECT * FROM idempotency"))
    assert turned["chatPlatform"]["secret"].removeprefix("whsec_") not in stored

    await api.data(ROTATE, seller(shop), key="next")
    assert (await api.data(ROTATE, seller(shop), key="k"))["chatPlatformRotateSecret"]["chatPlatform"]["secret"] is None
    again = (await api.data(CONNECT, seller(shop), url=URL, key="first"))["chatPlatformConnect"]
    assert again["chatPlatform"]["secret"] is None


async def test_a_key_whose_platform_is_disconnected_is_refused_and_connects_none(api: Api):
    shop = await make_shop()
    await api.data(CONNECT, seller(shop), url=URL, key="k")
    await api.data(DISCONNECT, seller(shop))
    again = (await api.data(CONNECT, seller(shop), url=URL, key="k"))["chatPlatformConnect"]

    assert again["chatPlatform"] is None
    assert [(error["field"], error["code"]) for error in again["userErrors"]] == [([], "NOT_FOUND")]
    assert await chat_platform.of_shop(shop.id) is None


async def test_only_administrators_see_more_of_a_url_than_its_host(api: Api):
    shop = await make_shop()
    await api.data(CONNECT, seller(shop), url="https://chat.example:8443/secret?key=hidden")
    seen = {
        role: (await api.data("{ shop { chatPlatform { url } } }", seller(shop, role)))["shop"]["chatPlatform"]["url"]
        for role in SELLER
    }

    short = "https://chat.example:8443/…"
    assert seen == dict.fromkeys(SELLER, short) | dict.fromkeys(
        (Role.OWNER, Role.MAIN_ADMINISTRATOR), "https://chat.example:8443/secret?key=hidden"
    )


async def test_for_a_day_after_a_rotation_both_secrets_hold_then_only_the_new_one(api: Api, clock: Clock, settings):
    shop = await make_shop()
    old = (await api.data(CONNECT, seller(shop), url=URL))["chatPlatformConnect"]["chatPlatform"]["secret"]
    new = (await api.data(ROTATE, seller(shop)))["chatPlatformRotateSecret"]["chatPlatform"]["secret"]
    key = settings.secret_key.get_secret_value().encode()
    salts = (await ChatPlatform.get(shop_id=shop.id)).salts

    def holds(secret: str) -> bool:
        headers = signature.signed(key, salts.valid(clock.now()), "msg_1", clock.now(), b"{}")
        expected = Webhook(secret).sign("msg_1", clock.now(), "{}")
        return expected in headers["webhook-signature"].split(" ")

    assert old != new
    assert holds(old) and holds(new)
    clock.move(signature.OVERLAP)
    assert (holds(old), holds(new)) == (False, True)


async def test_disconnecting_is_the_end_of_it_and_may_be_repeated(api: Api):
    shop = await make_shop()
    await api.data(CONNECT, seller(shop), url=URL)
    for _ in range(2):
        gone = (await api.data(DISCONNECT, seller(shop)))["chatPlatformDisconnect"]
        assert gone == {"shop": {"chatPlatform": None}, "userErrors": []}

    assert await chat_platform.of_shop(shop.id) is None
    refused = (await api.data(ROTATE, seller(shop)))["chatPlatformRotateSecret"]
    assert refused == {"chatPlatform": None, "userErrors": [{"code": "NOT_FOUND"}]}


@pytest.mark.parametrize(
    "url",
    [
        "", "chat.example", "http://chat.example/", "ftp://chat.example/", "https://", "https://u:p@chat.example/",
        "https://chat.example/#x", "https://chat.example:0/", "https://chat.example:99999/", "https://127.0.0.1/",
        "https://10.1.2.3/", "https://169.254.169.254/latest/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://localhost/", "https://db.internal/", "https://printer.local/", "https://intranet/",
        "https://2130706433/", "https://0x7f.1/", "https://chat.example/a b", "https://чат.example/",
        "https://chat.example/" + "x" * 2_000, "https://[fe80::1]/", "https://[64:ff9b::a00:1]/",
    ],
)  # fmt: skip
async def test_a_url_that_must_not_be_called_is_refused_and_nothing_is_kept(api: Api, url: str):
    shop = await make_shop()
    answer = (await api.data(CONNECT, seller(shop), url=url))["chatPlatformConnect"]

    assert answer["chatPlatform"] is None
    code = "TOO_LONG" if len(url) > MAX_LENGTH else "INVALID"
    assert [(error["field"], error["code"]) for error in answer["userErrors"]] == [(["url"], code)]
    assert await chat_platform.of_shop(shop.id) is None


@pytest.mark.parametrize("role", [Role.ADVERTISING_MANAGER, Role.MARKETING_SPECIALIST, Role.CUSTOMER, Role.PLATFORM])
async def test_only_the_owner_and_the_main_administrator_may(api: Api, role: Role):
    shop = await make_shop()
    for document in (CONNECT, ROTATE, DISCONNECT):
        answer = await api.answer(document, seller(shop, role), **({"url": URL} if document is CONNECT else {}))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    assert await chat_platform.of_shop(shop.id) is None
