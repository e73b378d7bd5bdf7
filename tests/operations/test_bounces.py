"""Reports over LMTP and SMTP: what is taken, what is refused, and what must come again."""

import asyncio
import smtplib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models import database as databases
from models import mail_report
from models.mail.report import LARGEST
from models.mail.return_path import ReturnKey, write_return_key
from models.plan import Plan, PlanChannel
from models.signed_link import keys_of
from operations.bounces import MOST_CONNECTIONS, listen
from settings import Settings
from tests.databases import closed
from tests.factories import make_customers, make_resolved, make_shop
from tests.models.mail.test_report import ENCLOSED, POSTFIX

Place = tuple[str, int]


@pytest.fixture(params=["lmtp", "smtp"])
async def place(request: pytest.FixtureRequest, database: None, settings: Settings) -> AsyncIterator[tuple[str, Place]]:
    """A bounces process's listener on a free port: its protocol, and where it is."""
    server = await listen(settings.model_copy(update={"bounces_url": f"{request.param}://127.0.0.1:0"}))
    yield request.param, server.sockets[0].getsockname()
    server.close()


def speak(protocol: str, place: Place) -> smtplib.SMTP:
    return (smtplib.LMTP if protocol == "lmtp" else smtplib.SMTP)(place[0], place[1], timeout=10)


async def deliver(protocol: str, place: Place, to: str, raw: bytes) -> tuple[int, bytes]:
    """The reply to a report's recipient, or to the report."""

    def talk() -> tuple[int, bytes]:
        with speak(protocol, place) as client:
            client.ehlo_or_helo_if_needed()
            client.mail("")
            code, said = client.rcpt(to)
            return client.data(raw) if code < 400 else (code, said)

    return await asyncio.to_thread(talk)


def bounce(to: str, status: str = "5.1.1") -> bytes:
    text = POSTFIX.format(to=to, action="failed", status=status, diagnostic="550 no", enclosed=ENCLOSED)
    return text.replace("\n", "\r\n").encode()


async def one_sent(settings: Settings) -> tuple[Plan, UUID, str]:
    """A plan with one mail that was sent, its customer, and its return path."""
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await databases.execute("UPDATE delivery SET state = 'SENT', attempt = 1")
    local_part = write_return_key(keys_of(settings)[0], ReturnKey(plan.id, customer, ""))
    return plan, customer, f"{local_part}@{settings.mail_domain}"


async def state() -> str:
    found: str = await databases.fetch_value("SELECT state FROM delivery")
    return found


async def test_a_bounce_comes_back_to_the_return_path_of_a_mail_that_was_really_sent(
    ctx: Context, mailbox: Mailbox, place: tuple[str, Place]
):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver_slice(ctx, plan.id, 1)
    assert await state() == "SENT"
    [entry] = mailbox.entries()

    code, _ = await deliver(*place, entry.sender, bounce(entry.sender))

    assert code == 250
    assert await state() == "FAILED"
    assert await databases.fetch_value("SELECT reason FROM suppression") == "BOUNCED"


async def test_a_report_with_lines_longer_than_smtp_allows_is_read(place: tuple[str, Place], settings: Settings):
    *_, back = await one_sent(settings)
    raw = bounce(back).replace(b"I'm sorry", b"x" * 5000)

    assert (await deliver(*place, back, raw))[0] == 250
    assert await state() == "FAILED"


@pytest.mark.parametrize("wrong", ["ana@{}", "b+7-x@{}", "{back}x@{}", "postmaster@{}", "{back}@elsewhere.example"])
async def test_an_address_that_we_did_not_seal_is_refused(place: tuple[str, Place], settings: Settings, wrong: str):
    *_, back = await one_sent(settings)
    to = wrong.replace("{back}", back.partition("@")[0]).replace("{}", settings.mail_domain)

    assert (await deliver(*place, to, bounce(back)))[0] == 550
    assert await state() == "SENT"


async def test_the_address_for_complaints_takes_what_carries_our_seal(place: tuple[str, Place], settings: Settings):
    *_, back = await one_sent(settings)
    raw = bounce(back, "5.2.2")

    assert (await deliver(*place, f"Complaints@{settings.mail_domain}", raw))[0] == 250
    assert await state() == "FAILED"


async def test_what_is_no_report_is_taken_and_forgotten(place: tuple[str, Place], settings: Settings):
    *_, back = await one_sent(settings)

    assert (await deliver(*place, back, b"Subject: I am away\r\nAuto-Submitted: auto-replied\r\n\r\nhello\r\n"))[
        0
    ] == 250
    assert await state() == "SENT"


async def test_a_report_that_is_too_long_is_refused(place: tuple[str, Place], settings: Settings):
    *_, back = await one_sent(settings)

    assert (await deliver(*place, back, bounce(back) + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (LARGEST // 70)))[
        0
    ] == 552
    assert await state() == "SENT"


async def test_a_message_has_one_recipient(place: tuple[str, Place], settings: Settings):
    *_, back = await one_sent(settings)

    def talk() -> tuple[int, int]:
        with speak(*place) as client:
            client.ehlo_or_helo_if_needed()
            client.mail("")
            return client.rcpt(back)[0], client.rcpt(back)[0]

    assert await asyncio.to_thread(talk) == (250, 452)


@pytest.mark.parametrize(
    ("trouble", "traced"),
    [
        (ConnectionRefusedError(), 0),
        (asyncpg.InvalidPasswordError("not this one"), 0),
        (RuntimeError("ana@example.com"), 1),
    ],
)
async def test_what_could_not_be_stored_is_asked_for_again(
    place: tuple[str, Place],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    trouble: Exception,
    traced: int,
):
    *_, back = await one_sent(settings)

    async def fail(_: object) -> bool:
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(mail_report, "take", fail)
        assert (await deliver(*place, back, bounce(back)))[0] == 451
    assert await state() == "SENT"
    assert len([record for record in caplog.records if record.exc_info]) == traced
    assert (await deliver(*place, back, bounce(back)))[0] == 250
    assert await state() == "FAILED"


async def test_a_report_that_we_fail_to_read_is_asked_for_again(
    place: tuple[str, Place], settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    *_, back = await one_sent(settings)

    def fail(*_: object, **__: object) -> None:
        raise TypeError("a charset in pieces")

    with monkeypatch.context() as patched:
        patched.setattr("operations.bounces.read", fail)
        assert (await deliver(*place, back, bounce(back)))[0] == 451
    assert await state() == "SENT"
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert (await deliver(*place, back, bounce(back)))[0] == 250


async def test_a_report_comes_again_while_the_database_is_closed(
    place: tuple[str, Place], settings: Settings, migrated: str, caplog: pytest.LogCaptureFixture
):
    *_, back = await one_sent(settings)
    async with closed(migrated):
        assert (await deliver(*place, back, bounce(back)))[0] == 451
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert await state() == "SENT"

    assert (await deliver(*place, back, bounce(back)))[0] == 250
    assert await state() == "FAILED"


async def test_connections_are_bounded_and_come_free_again(place: tuple[str, Place]):
    protocol, where = place

    def crowd() -> tuple[int, int]:
        clients = [speak(protocol, where) for _ in range(MOST_CONNECTIONS)]
        try:
            speak(protocol, where)
        except smtplib.SMTPConnectError as refused:
            full = refused.smtp_code
        for client in clients:
            client.quit()
        with speak(protocol, where) as again:
            return full, again.noop()[0]

    assert await asyncio.to_thread(crowd) == (421, 250)


@pytest.fixture
async def lone_place(monkeypatch: pytest.MonkeyPatch, place: tuple[str, Place]) -> tuple[str, Place]:
    """The listener, with one place for all, and little patience with who has it."""
    monkeypatch.setattr("operations.bounces.MOST_CONNECTIONS", 1)
    monkeypatch.setattr("operations.bounces.PATIENCE", 0.5)
    return place


def wait_for_a_place(protocol: str, place: Place) -> None:
    """Return once somebody else is taken."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(smtplib.SMTPConnectError), speak(protocol, place):
            return
        assert time.monotonic() < deadline, "the place is still held"
        time.sleep(0.05)


def say_nothing_of_use(client: smtplib.SMTP) -> None:
    """Say NOOP until the server ends the connection."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        client.noop()
        time.sleep(0.1)


def ask_until_nothing_more_is_taken(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HELP\r\n" * 1000)


async def test_who_says_what_changes_nothing_on_and_on_holds_a_place_no_longer_than_a_conversation_lasts(
    lone_place: tuple[str, Place], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("operations.bounces.LONGEST_CONVERSATION", 0.0)

    def talk() -> None:
        with speak(*lone_place) as client, pytest.raises(smtplib.SMTPServerDisconnected):
            say_nothing_of_use(client)
        wait_for_a_place(*lone_place)

    await asyncio.to_thread(talk)


async def test_no_report_begins_once_a_conversation_has_lasted_its_time_and_it_comes_again_by_another(
    place: tuple[str, Place], settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    *_, back = await one_sent(settings)

    with monkeypatch.context() as patched:
        patched.setattr("operations.bounces.LONGEST_CONVERSATION", 0.0)

        def talk() -> tuple[int, bytes]:
            with speak(*place) as client:
                client.ehlo_or_helo_if_needed()
                said = client.mail("")
                with pytest.raises(smtplib.SMTPServerDisconnected):
                    client.noop()
                return said

        assert await asyncio.to_thread(talk) == (421, b"4.4.2 This conversation has lasted long enough, begin another")
    assert await state() == "SENT"
    assert (await deliver(*place, back, bounce(back)))[0] == 250
    assert await state() == "FAILED"


async def test_who_reads_no_answer_holds_a_place_no_longer_than_who_says_nothing(lone_place: tuple[str, Place]):
    def talk() -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(lone_place[1])
            deaf.settimeout(0.3)
            with pytest.raises(TimeoutError):
                ask_until_nothing_more_is_taken(deaf)
            wait_for_a_place(*lone_place)

    await asyncio.to_thread(talk)
