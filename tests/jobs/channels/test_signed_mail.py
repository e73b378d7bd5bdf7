"""Mails that a worker really sends are signed where a key is set, each by itself, and an independent verifier agrees."""

import dkim
from pydantic import SecretStr

from jobs.channels.email import EmailChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models.mail.dkim import public_key
from models.plan import PlanChannel
from tests.factories import make_customers, make_resolved, make_shop
from tests.models.mail.test_dkim import PEM


async def test_each_mail_carries_a_signature_of_its_shops_domain(ctx: Context, mailbox: Mailbox):
    signing = ctx["settings"].model_copy(update={"dkim_key": SecretStr(PEM), "dkim_selector": "s1"})
    ctx["channels"]["EMAIL"] = channel = EmailChannel(signing, ctx["tally"])
    shop = await make_shop(sender_address="news@bloom.example")
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    asked: set[bytes] = set()

    def dns(name: bytes, **_: object) -> bytes:
        asked.add(name)
        return f"p={public_key(signing)}".encode()

    await deliver_slice(ctx, plan.id, 1)
    await channel.close()

    mails = [mailbox.source(entry.number) or b"" for entry in mailbox.entries()]
    sent = [mail[mail.index(b"DKIM-Signature:") :] for mail in mails]
    assert len(sent) == 3
    assert all(dkim.verify(mail, dnsfunc=dns) for mail in sent)
    assert asked == {b"s1._domainkey.bloom.example."}
