"""Look-ups by dnspython at a real server: what is there, what is not, and what cannot be known."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from jobs import check_senders as job
from jobs.check_senders import looking_at
from jobs.context import Context
from models import sender_domain
from models.mail.authentication import LookUpFailed

RECORDS = {
    "one.example.": ['"v=spf1 -all"'],
    "long.example.": ['"v=DKIM1; p=AAAA" "BBBB"', '"other"'],
    "empty.example.": [],
}


class Server(asyncio.DatagramProtocol):
    """Answers TXT questions from `RECORDS`; SERVFAIL for names under `broken.`, nothing at all under `silent.`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text()
        if "silent." in name:
            return
        answer = dns.message.make_response(question)
        if "broken." in name:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in RECORDS:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif RECORDS[name]:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", RECORDS[name]))
        self.transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def resolver() -> AsyncIterator[dns.asyncresolver.Resolver]:
    """A resolver that asks a server of this test's own."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers = ["127.0.0.1"]
    found.port = transport.get_extra_info("sockname")[1]
    found.search = []
    yield found
    transport.close()


async def test_records_are_read_as_one_text_each_and_none_is_an_answer(resolver: dns.asyncresolver.Resolver):
    look = looking_at(resolver)

    assert list(await look("one.example")) == ["v=spf1 -all"]
    assert sorted(await look("long.example")) == ["other", "v=DKIM1; p=AAAABBBB"]
    assert list(await look("empty.example")) == []
    assert list(await look("nowhere.example")) == []


@pytest.mark.parametrize("name", ["broken.example", "silent.example", "x" * 70 + ".example"])
async def test_what_dns_does_not_say_is_not_taken_for_nothing(
    resolver: dns.asyncresolver.Resolver, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job, "LOOK_UP_WITHIN", 0.2)
    with pytest.raises(LookUpFailed):
        await looking_at(resolver)(name)


async def test_the_job_keeps_what_it_found(
    ctx: Context, resolver: dns.asyncresolver.Resolver, monkeypatch: pytest.MonkeyPatch
):
    ctx["settings"] = ctx["settings"].model_copy(update={"mail_domain": "one.example"})
    monkeypatch.setattr(dns.asyncresolver, "get_default_resolver", lambda: resolver)
    assert await sender_domain.is_due(ctx["settings"])

    await job.check_senders(ctx)

    found = await sender_domain.find("one.example")
    assert found is not None and [each.passes for each in found.findings] == [True, False, False]
