"""One-click unsubscription end to end: the link of a mail that was really sent, at a real server (RFC 8058)."""

import asyncio
import shutil
import subprocess
from urllib.request import Request, urlopen

import pytest

from jobs.channels.email import EmailChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models import database as databases
from models.plan import PlanChannel
from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop
from tests.processes import api


def send(url: str, method: str) -> tuple[int, bytes]:
    """What a mail client without cookies gets, which follows no redirect to a form."""
    data = b"List-Unsubscribe=One-Click" if method == "POST" else None
    with urlopen(Request(url, data=data, method=method), timeout=30) as answer:
        assert answer.url == url
        return answer.status, answer.read()


def curl(url: str, *options: str) -> tuple[int, bytes]:
    """What curl gets, which follows nothing and knows no cookies."""
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", *options, url]
    body, _, status = subprocess.run(command, check=True, capture_output=True).stdout.rpartition(b"\n")
    return int(status), body


How = str | tuple[str, ...]


async def ask(url: str, how: How) -> tuple[int, bytes]:
    """What Python's client gets by a method, or curl with options."""
    return await (asyncio.to_thread(send, url, how) if isinstance(how, str) else asyncio.to_thread(curl, url, *how))


async def consent() -> tuple[str, str | None]:
    found = await databases.fetch_one("SELECT email_consent, email_consent_source FROM relationship")
    assert found is not None
    return tuple(found)


WAYS: dict[str, tuple[How, How, How]] = {
    "by Python": ("GET", "HEAD", "POST"),
    "by curl": ((), ("--head",), ("--data", "List-Unsubscribe=One-Click")),
    "by curl, as a form with parts": ((), ("--head",), ("--form", "List-Unsubscribe=One-Click")),
}
"""How a mail client looks twice, and posts: RFC 8058 §3.2 allows both kinds of form."""


@pytest.mark.parametrize("way", WAYS)
async def test_a_mail_client_unsubscribes_by_one_post_and_looking_changes_nothing(
    ctx: Context, settings: Settings, mailbox: Mailbox, way: str
):
    if "curl" in way and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    get, head, post = WAYS[way]
    with api(settings) as base:
        changed = settings.model_copy(update={"public_url": base})
        ctx["channels"]["EMAIL"] = channel = EmailChannel(changed, ctx["tally"])
        shop = await make_shop()
        await make_customers(shop, 1)
        plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
        waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)
        await deliver_slice(ctx, plan.id, 1)
        await channel.close()
        [entry] = mailbox.entries()
        message = mailbox.message(entry.number)
        assert message is not None
        assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        link = message["list-unsubscribe"].strip("<>")
        assert link.startswith(f"{base}/unsubscribe/")

        looked = [await ask(link, each) for each in (get, head, get)]
        assert [status for status, _ in looked] == [200, 200, 200] and b"<form" in looked[0][1]
        assert await consent() == ("SUBSCRIBED", None)

        assert (await ask(link, post))[0] == 200
        assert await consent() == ("UNSUBSCRIBED", f"mail of plan {plan.id}")
        assert await databases.fetch_value("SELECT state FROM delivery WHERE plan_id = $1", waiting.id) == "SUPPRESSED"
