"""The bounces process, as an operator starts it beside a mail server."""

import signal
import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models import database as databases
from settings import Settings
from tests.operations.test_bounces import bounce, one_sent
from tests.processes import READY_WITHIN, STOP_WITHIN, command, free_port, process

pytestmark = pytest.mark.usefixtures("database")


@contextmanager
def client(port: int) -> Iterator[smtplib.LMTP]:
    """A mail server's connection, once the process listens."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            found = smtplib.LMTP("127.0.0.1", port, timeout=10)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.1)
        else:
            break
    with found:
        yield found


async def test_it_takes_a_bounce_over_lmtp_and_ends_when_asked_to(settings: Settings):
    *_, back = await one_sent(settings)
    port = free_port()

    with process(settings, "bounces", BOUNCES_URL=f"lmtp://127.0.0.1:{port}") as child:
        with client(port) as mail_server:
            assert mail_server.sendmail("", [back], bounce(back)) == {}
        assert await databases.fetch_value("SELECT state FROM delivery") == "FAILED"
        child.send_signal(signal.SIGTERM)
        assert child.wait(STOP_WITHIN) == 0


def test_a_place_to_listen_that_is_none_is_named(settings: Settings):
    refused = command(settings, "bounces", BOUNCES_URL="http://127.0.0.1:1")

    assert refused.returncode == 2
    assert "BOUNCES_URL" in refused.stderr.upper() and "lmtp://" in refused.stderr


def test_a_place_where_another_listens_is_named(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"lmtp://127.0.0.1:{taken.getsockname()[1]}"
        refused = command(settings, "bounces", BOUNCES_URL=url)

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: cannot listen at BOUNCES_URL {url}: ")
    assert "address already in use" in refused.stderr.lower()
