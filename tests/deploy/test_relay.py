"""The relay's configuration, on a real Postfix: a bounce comes in by it, and nobody else's mail goes out by it."""

import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from models import database as databases
from settings import Settings
from tests.deploy import postfix
from tests.deploy.postfix import Postfix
from tests.local.processes import eventually
from tests.operations.test_bounces import bounce, one_sent
from tests.processes import ROOT, free_port, process

RELAY = ROOT / "deploy" / "relay"
NAME = "outreach.example.com"

pytestmark = [
    pytest.mark.skipif(bool(postfix.ABSENT), reason=postfix.ABSENT),
    pytest.mark.usefixtures("database"),
]


@pytest.fixture
def prepared() -> Iterator[Postfix]:
    """A Postfix as Debian installs it (not in pytest's folder, which its users cannot enter)."""
    with TemporaryDirectory(prefix="rekindle-") as folder:
        Path(folder).chmod(0o711)
        yield postfix.prepared(Path(folder) / "postfix")


@pytest.mark.parametrize("script", ["bounces.sh", "configure.sh"])
async def test_a_bounce_that_the_world_brings_to_the_relay_fails_its_message(
    prepared: Postfix, settings: Settings, script: str
):
    *_, back = await one_sent(settings)
    port = free_port()
    prepared.run(str(RELAY / script), back.partition("@")[2], f"127.0.0.1:{port}", NAME)

    with process(settings, "bounces", BOUNCES_URL=f"lmtp://127.0.0.1:{port}"), postfix.running(prepared):
        assert eventually(lambda: is_listening(port)), "what it cannot hand over, Postfix keeps for minutes"
        with smtplib.SMTP("127.0.0.1", prepared.ports["smtp"], timeout=20) as world:
            world.sendmail("", [back], bounce(back))
        log = prepared.folder / "log"
        assert eventually(lambda: "dsn=2.0.0, status=sent (250 2.0.0 Taken)" in log_of(log)), log_of(log)

    assert await databases.fetch_value("SELECT state FROM delivery") == "FAILED"


def is_listening(port: int) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def log_of(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def test_from_the_world_it_takes_only_what_comes_back(prepared: Postfix):
    prepared.run(str(RELAY / "configure.sh"), "mail.example.com", "127.0.0.1:9", NAME)
    with postfix.running(prepared):
        answers = {
            (service, recipient): answer(prepared.ports[service], recipient)
            for service in ("smtp", "submission")
            for recipient in ("complaints@mail.example.com", "x@mail.example.com", "x@gmail.example")
        }

    assert answers == {
        ("smtp", "complaints@mail.example.com"): 250, ("smtp", "x@mail.example.com"): 550, ("smtp", "x@gmail.example"): 554,
        ("submission", "complaints@mail.example.com"): 250, ("submission", "x@mail.example.com"): 550,
        ("submission", "x@gmail.example"): 250,
    }  # fmt: skip


def test_it_calls_itself_by_the_name_that_it_is_told(prepared: Postfix):
    prepared.run(str(RELAY / "configure.sh"), "mail.example.com", "127.0.0.1:9", NAME)

    assert prepared.run("postconf", "-xh", "smtp_helo_name").strip() == NAME


def answer(port: int, recipient: str) -> int:
    """What is said to a recipient, from a neighbour's address."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo("x.example")
        client.mail("x@mail.example.com")
        return client.rcpt(recipient)[0]


def test_a_domain_with_mailboxes_here_is_refused_and_nothing_is_changed(prepared: Postfix):
    before = (prepared.folder / "etc" / "main.cf").read_text("utf-8")

    with pytest.raises(AssertionError, match="give MAIL_DOMAIN a name of its own"):
        prepared.run(str(RELAY / "bounces.sh"), "localhost", "127.0.0.1:8024")

    assert (prepared.folder / "etc" / "main.cf").read_text("utf-8") == before
