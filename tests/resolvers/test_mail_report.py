"""Reports posted to /bounces: signed ones are applied, anything else changes nothing."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from models import database as databases
from models import mail_report
from models.mail.report import LARGEST
from models.mail.return_path import ReturnKey, write_return_key
from models.plan import PlanChannel
from models.signed_link import keys_of
from resolvers import body
from server import create_app
from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop
from tests.models.mail.test_report import ENCLOSED, POSTFIX

SECRET = "a secret that a relay signs reports with"

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def hooked(settings: Settings) -> Settings:
    """Settings with a secret for reports."""
    return settings.model_copy(update={"bounce_secret": SecretStr(SECRET)})


async def post(settings: Settings, raw: bytes, **changes: Any) -> httpx.Response:
    """The answer to a signed report; `changes` alter headers or the query."""
    signature = "sha256=" + hmac.new(SECRET.encode(), raw, "sha256").hexdigest()
    headers = {"content-type": "message/rfc822", "rekindle-signature": signature, **changes.get("headers", {})}
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://rekindle.test") as client:
        return await client.post("/bounces", content=raw, headers=headers, params=changes.get("params"))


async def back_of_one_sent(settings: Settings) -> str:
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await databases.execute("UPDATE delivery SET state = 'SENT', attempt = 1")
    return write_return_key(keys_of(settings)[0], ReturnKey(plan.id, customer, "")) + f"@{settings.mail_domain}"


def bounce(to: str) -> bytes:
    text = POSTFIX.format(to=to, action="failed", status="5.1.1", diagnostic="550 no", enclosed=ENCLOSED)
    return text.encode()


async def state() -> str:
    found: str = await databases.fetch_value("SELECT state FROM delivery")
    return found


async def test_a_signed_report_is_applied_and_its_repetition_changes_nothing(hooked: Settings):
    raw = bounce(await back_of_one_sent(hooked))

    first, second = await post(hooked, raw), await post(hooked, raw)

    assert (first.status_code, first.json()) == (200, {"report": "FAILED", "changed": True})
    assert (second.status_code, second.json()) == (200, {"report": "FAILED", "changed": False})
    assert await state() == "FAILED"


async def test_the_envelopes_recipient_may_be_told_beside_the_message(hooked: Settings):
    back = await back_of_one_sent(hooked)

    answer = await post(hooked, bounce("someone@example.com"), params={"recipient": back})

    assert answer.json() == {"report": "FAILED", "changed": True}


async def test_what_is_no_report_is_taken_so_that_nobody_sends_it_again(hooked: Settings):
    await back_of_one_sent(hooked)

    answer = await post(hooked, b"Subject: hello\r\n\r\n")

    assert (answer.status_code, answer.json()) == (200, {"report": None, "changed": False})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"rekindle-signature": ""}, 401),
        ({"rekindle-signature": "sha256=" + "0" * 64}, 401),
        ({"rekindle-signature": "sha256=é"}, 401),
        ({"content-type": "application/json"}, 415),
        ({"content-type": ""}, 415),
    ],
)
async def test_an_unsigned_or_wrong_body_is_refused_and_changes_nothing(
    hooked: Settings, headers: dict[str, str], status: int
):
    raw = bounce(await back_of_one_sent(hooked))
    encoded = {name: value.encode() for name, value in headers.items()}

    assert (await post(hooked, raw, headers=encoded)).status_code == status
    assert await state() == "SENT"


async def test_a_signature_of_another_body_is_worth_nothing(hooked: Settings):
    raw = bounce(await back_of_one_sent(hooked))
    other = "sha256=" + hmac.new(SECRET.encode(), raw + b" ", "sha256").hexdigest()

    assert (await post(hooked, raw, headers={"rekindle-signature": other})).status_code == 401
    assert await state() == "SENT"


async def test_a_body_that_is_too_long_is_refused(hooked: Settings):
    assert (await post(hooked, b"x" * (LARGEST + 1))).status_code == 413


async def test_a_report_that_does_not_come_whole_in_time_is_asked_for_again(
    hooked: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(body, "PATIENCE", 0.1)
    raw = bounce(await back_of_one_sent(hooked))

    async def half() -> AsyncIterator[bytes]:
        yield raw[:100]
        await asyncio.Event().wait()

    transport = httpx.ASGITransport(app=create_app(hooked))
    async with httpx.AsyncClient(transport=transport, base_url="http://rekindle.test") as client:
        answer = await client.post("/bounces", content=half(), headers={"content-type": "message/rfc822"})

    assert answer.status_code == 408
    assert await state() == "SENT"


@pytest.mark.parametrize("why", [ConnectionRefusedError(), asyncpg.InvalidPasswordError("not this one")])
async def test_while_the_database_is_away_or_refuses_us_the_report_is_wanted_again(
    hooked: Settings, monkeypatch: pytest.MonkeyPatch, why: Exception
):
    raw = bounce(await back_of_one_sent(hooked))

    async def fail(_: object) -> bool:
        raise why

    with monkeypatch.context() as patched:
        patched.setattr(mail_report, "take", fail)
        answer = await post(hooked, raw)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert await state() == "SENT"


async def test_without_a_secret_there_is_no_such_page(settings: Settings):
    assert (await post(settings, b"")).status_code == 404
