"""Domains that mail is from: looked at when due, and what the state lets a shop do (R21)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from models import database as db
from models import sender, sender_domain
from models.clock import Clock, now
from models.mail.authentication import SenderCheckKind, SenderFinding
from models.sender_domain import EVERY, SOON, DomainState, check_due, is_checked, is_due, state_after
from settings import Settings
from tests.factories import make_shop
from tests.models.mail.test_authentication import GOOD, zone

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def public(settings: Settings) -> Settings:
    """Settings of an operator whose mail leaves the machine."""
    return settings.model_copy(update={"mail_domain": "mail.example", "dkim_selector": "s1"})


OPERATORS = {
    "mail.example": GOOD["mail.example"],
    "s1._domainkey.mail.example": ["p=AAAA"],
    "_dmarc.mail.example": ["v=DMARC1; p=none"],
    **GOOD,
}


def finding(passes: bool | None) -> SenderFinding:
    return SenderFinding(SenderCheckKind.SPF, passes, "")


@pytest.mark.parametrize("before", list(DomainState))
def test_one_failure_fails_and_what_is_not_known_changes_nothing(before: DomainState):
    assert state_after([finding(True), finding(False), finding(None)], before) is DomainState.FAILED
    assert state_after([finding(True), finding(None)], before) is before
    assert state_after([finding(True)] * 3, before) is DomainState.VERIFIED


async def test_the_operators_domain_and_each_shops_are_looked_at_once_a_day(public: Settings, clock: Clock):
    await make_shop(sender_address="hi@News.Bloom.example")
    await make_shop("other", sender_address="a@news.bloom.example")
    await make_shop("third")
    assert await is_due(public)

    checked = await check_due(public, zone(OPERATORS))

    assert {(each.domain, each.state) for each in checked} == {
        ("mail.example", DomainState.VERIFIED), ("news.bloom.example", DomainState.VERIFIED),
    }  # fmt: skip
    assert not await is_due(public) and await check_due(public, zone(OPERATORS)) == []
    clock.move(EVERY)
    assert await is_due(public)


async def test_what_is_to_mend_is_looked_at_again_within_the_hour(public: Settings, clock: Clock):
    assert await is_due(public)
    [found] = await check_due(public, zone({}))
    assert (found.state, found.checked_at) == (DomainState.FAILED, now())

    clock.move(SOON)
    [found] = await check_due(public, zone(OPERATORS))
    assert found.state is DomainState.VERIFIED
    assert await sender_domain.find("mail.example") == found


async def test_a_domain_that_was_in_order_stays_so_while_dns_is_away(public: Settings, clock: Clock):
    assert await is_due(public)
    await check_due(public, zone(OPERATORS))
    clock.move(EVERY)

    [found] = await check_due(public, zone(OPERATORS, silent=["mail.example"]))

    assert found.state is DomainState.VERIFIED
    clock.move(SOON)
    assert await is_due(public)


async def test_a_shop_is_told_what_is_to_mend_until_its_domain_is_in_order(public: Settings, clock: Clock):
    shop = await make_shop(sender_address="hi@news.bloom.example")
    [waiting] = await sender.unmet(shop, public)
    assert "try again in a minute" in waiting.message

    assert await is_due(public)
    await check_due(public, zone({}))
    assert [problem.message.partition(" ")[0] for problem in await sender.unmet(shop, public)] == [
        "mail.example", "There", "There",
    ]  # fmt: skip
    clock.move(SOON)
    await check_due(public, zone(OPERATORS))
    assert await sender.unmet(shop, public) == []


async def test_a_look_may_be_asked_for_once_a_minute(public: Settings, clock: Clock):
    assert await is_due(public)
    await check_due(public, zone(OPERATORS))
    assert not await sender_domain.ask("mail.example")

    clock.move(timedelta(minutes=1))
    assert await sender_domain.ask("mail.example")
    assert await is_due(public)


async def test_a_look_that_is_asked_for_during_another_comes_after_it(public: Settings, clock: Clock):
    assert await is_due(public)
    found = zone(OPERATORS)

    async def look(name: str) -> Sequence[str]:
        clock.move(timedelta(seconds=1))
        await sender_domain.ask("mail.example")
        return await found(name)

    await check_due(public, look)

    assert await is_due(public)
    assert [each.domain for each in await check_due(public, found)] == ["mail.example"]
    assert not await is_due(public)


async def test_what_never_leaves_the_machine_or_is_waived_is_not_looked_at(settings: Settings, public: Settings):
    await make_shop()
    assert not await is_due(settings)
    assert not is_checked("rekindle.localhost", settings)
    assert is_checked("rekindle.localhost", settings.model_copy(update={"production": True}))

    waived = public.model_copy(update={"sender_check": "waived"})
    assert not await is_due(waived)
    assert await sender.unmet(await make_shop("x", sender_address="a@b.example"), waived) == []


@pytest.mark.parametrize("production", [False, True])
async def test_the_domains_that_wait_to_be_looked_at_are_those_that_are_checked(public: Settings, *, production: bool):
    settings = public.model_copy(update={"production": production})
    domains = ["localhost", "shop.localhost", "localhost.example", "notlocalhost", "Bloom.example"]
    for domain in domains:
        await make_shop(domain, sender_address=f"hi@{domain}")

    assert await is_due(settings)

    noted = {row["domain"] for row in await db.fetch("SELECT domain FROM sender_domain")}
    assert noted == {domain.lower() for domain in ["mail.example", *domains] if is_checked(domain.lower(), settings)}
    assert ("localhost" in noted) is production
