"""The mail server says 250 when a message is on disk, and never before."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import aiosmtplib
import pytest

from local.mail_server import MailServer
from local.mailbox import Mailbox
from settings import Settings

CONTENT = b"Subject: Hi\r\nMessage-ID: <1@test>\r\n\r\nHello\r\n"


def port_of(settings: Settings) -> int:
    """The port that the mail server listens on."""
    assert settings.smtp_url
    return int(settings.smtp_url.rpartition(":")[2])


def client(settings: Settings) -> aiosmtplib.SMTP:
    """A client of the mail server, not connected yet."""
    return aiosmtplib.SMTP(hostname="127.0.0.1", port=port_of(settings), start_tls=False)


async def test_an_accepted_message_is_in_the_mailbox(settings: Settings, mailbox: Mailbox):
    async with client(settings) as smtp:
        await smtp.sendmail("shop@example.com", ["ana@example.com"], CONTENT)

    assert [(entry.recipients, entry.message_id) for entry in mailbox.entries()] == [(("ana@example.com",), "<1@test>")]


async def test_many_connections_at_once_lose_and_repeat_nothing(settings: Settings, mailbox: Mailbox):
    async def send(sender: int) -> None:
        async with client(settings) as smtp:
            for number in range(10):
                await smtp.sendmail(f"s{sender}@example.com", [f"c{sender}-{number}@example.com"], CONTENT)

    await asyncio.gather(*(send(sender) for sender in range(8)))

    recipients = sorted(entry.recipients[0] for entry in mailbox.entries(limit=100))
    assert recipients == sorted(f"c{sender}-{number}@example.com" for sender in range(8) for number in range(10))


async def test_a_connection_closed_before_the_dot_leaves_no_message(settings: Settings, mailbox: Mailbox):
    with socket.create_connection(("127.0.0.1", port_of(settings))) as wire:
        for line in (b"", b"EHLO test\r\n", b"MAIL FROM:<a@b.c>\r\n", b"RCPT TO:<d@e.f>\r\n", b"DATA\r\n"):
            wire.sendall(line)
            assert await asyncio.to_thread(wire.recv, 1000)
        wire.sendall(CONTENT)
    async with client(settings) as smtp:
        await smtp.sendmail("shop@example.com", ["later@example.com"], CONTENT)

    assert [entry.recipients for entry in mailbox.entries()] == [("later@example.com",)]


async def test_addresses_and_subjects_of_any_script_are_accepted(settings: Settings, mailbox: Mailbox):
    async with client(settings) as smtp:
        await smtp.ehlo()
        await smtp.mail("shop@example.com", options=["SMTPUTF8"])
        await smtp.rcpt("آنا@example.com", encoding="utf-8")
        await smtp.data("Subject: مرحبا\r\n\r\nأهلا\r\n".encode())

    assert [(entry.recipients, entry.subject) for entry in mailbox.entries()] == [(("آنا@example.com",), "مرحبا")]


async def test_a_message_over_the_limit_is_refused_and_the_connection_lives(settings: Settings, mailbox: Mailbox):
    async with client(settings) as smtp:
        with pytest.raises(aiosmtplib.SMTPException):
            await smtp.sendmail("shop@example.com", ["ana@example.com"], b"x\r\n" * 4_000_000)
        await smtp.rset()
        await smtp.sendmail("shop@example.com", ["bo@example.com"], CONTENT)

    assert [entry.recipients for entry in mailbox.entries()] == [("bo@example.com",)]


async def test_a_mail_that_cannot_be_kept_is_put_off_rather_than_refused_for_good(tmp_path: Path):
    mailbox = Mailbox(tmp_path / "mailbox")
    server = MailServer(mailbox)
    url = server.start()
    try:
        (tmp_path / "mailbox" / "drafts").rmdir()
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=urlsplit(url).port, start_tls=False) as smtp:
            with pytest.raises(aiosmtplib.SMTPDataError) as put_off:
                await smtp.sendmail("shop@example.com", ["ana@example.com"], CONTENT)
            (tmp_path / "mailbox" / "drafts").mkdir()
            await smtp.sendmail("shop@example.com", ["bo@example.com"], CONTENT)
    finally:
        server.stop()

    assert put_off.value.code == 452
    assert [entry.recipients for entry in mailbox.entries()] == [("bo@example.com",)]


async def test_nonsense_on_the_wire_does_not_end_the_server(settings: Settings, mailbox: Mailbox):
    for nonsense in (b"\xff\xfe\r\n", b"A" * 5000 + b"\r\n", b"MAIL FROM:<\x00>\r\n", b""):
        with socket.create_connection(("127.0.0.1", port_of(settings))) as wire:
            wire.sendall(nonsense)

    async with client(settings) as smtp:
        await smtp.sendmail("shop@example.com", ["ana@example.com"], CONTENT)

    assert mailbox.count() == 1
