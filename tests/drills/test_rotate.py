"""Drill: the keys of signed links are rotated while mails that carry the old one lie in mailboxes."""

from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from models import sender as senders
from models.mail.return_path import ReturnKey, read_return_key, write_return_key
from models.signed_link import Link, Purpose, keys_of, sign
from server import create_app
from settings import Settings
from tests.factories import make_customers, make_draft, make_shop

OLD, NEW = "o" * 40, "n" * 40


def with_keys(settings: Settings, *keys: str) -> Settings:
    """The settings after an operator wrote these keys into LINK_KEYS and started again."""
    return settings.model_copy(update={"link_keys": SecretStr(" ".join(keys))})


async def link_in_a_mail(settings: Settings) -> tuple[Link, str]:
    """What a mail of a new plan to a new customer carries under these settings."""
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    plan = await make_draft(shop)
    sender = await senders.of_plan(plan.id, settings)
    link = Link(shop.id, plan.id, customer)
    return link, sign(sender.key, Purpose.UNSUBSCRIBE, link)


async def status(settings: Settings, token: str) -> int:
    """What the API answers to a click."""
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.post(f"/unsubscribe/{token}")).status_code


async def test_links_in_old_mails_work_until_their_key_is_taken_away(database: None, settings: Settings):
    before, between, after = with_keys(settings, OLD), with_keys(settings, NEW, OLD), with_keys(settings, NEW)
    link, token = await link_in_a_mail(before)

    assert await status(between, token) == 200
    assert await status(after, token) == 404
    assert sign(keys_of(between)[0], Purpose.UNSUBSCRIBE, link) == sign(NEW.encode(), Purpose.UNSUBSCRIBE, link)


async def test_the_first_rotation_puts_the_secret_key_behind_the_new_one(database: None, settings: Settings):
    before = settings.model_copy(update={"secret_key": SecretStr(OLD)})
    _, token = await link_in_a_mail(before)

    assert await status(with_keys(before, NEW, OLD), token) == 200
    assert await status(with_keys(before, NEW), token) == 404


@pytest.mark.parametrize(("keys", "is_read"), [((NEW, OLD), True), ((NEW,), False)])
def test_bounces_of_old_mails_find_their_way_back_as_long(settings: Settings, keys: tuple[str, ...], is_read: bool):
    row = ReturnKey(7, UUID(int=9), "")
    written = write_return_key(OLD.encode(), row)

    assert read_return_key(keys_of(with_keys(settings, *keys)), written) == (row if is_read else None)
