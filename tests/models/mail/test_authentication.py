"""What is to mend of a sender's domain, record by record (RFC 7208, RFC 6376, RFC 9989)."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mail.authentication import (
    Expected,
    Look,
    LookUpFailed,
    SenderCheckKind,
    SenderFinding,
    check,
    dmarc_names,
    judge_dkim,
    judge_dmarc,
)

WANTED = Expected("news.bloom.example", "mail.example", "s1", "AAAA")
GOOD = {
    "mail.example": ["google-site-verification=x", "v=spf1 ip4:192.0.2.1 include:_spf.example -all"],
    "_spf.example": ["v=spf1 ip4:198.51.100.0/24 ?all"],
    "s1._domainkey.news.bloom.example": ["v=DKIM1; k=rsa; p=AA AA"],
    "_dmarc.bloom.example": ["v=DMARC1; p=none; rua=mailto:x@bloom.example"],
}


def zone(records: Mapping[str, Sequence[str]], silent: Sequence[str] = (), asked: list[str] | None = None) -> Look:
    async def look(name: str) -> Sequence[str]:
        if asked is not None:
            asked.append(name)
        if name in silent:
            raise LookUpFailed("Timeout")
        return records.get(name, [])

    return look


async def test_a_domain_with_all_three_passes():
    found = await check(WANTED, zone(GOOD))

    assert [(each.check, each.passes) for each in found] == [
        (SenderCheckKind.SPF, True), (SenderCheckKind.DKIM, True), (SenderCheckKind.DMARC, True),
    ]  # fmt: skip


async def test_a_bare_domain_is_told_what_to_publish():
    found = await check(WANTED, zone({}))

    assert [each.passes for each in found] == [False, False, False]
    assert "v=spf1" in found[0].message and "mail.example" in found[0].message
    assert "v=DKIM1; k=rsa; p=AAAA" in found[1].message and "s1._domainkey.news.bloom.example" in found[1].message
    assert "v=DMARC1; p=quarantine" in found[2].message and "_dmarc.news.bloom.example" in found[2].message


@pytest.mark.parametrize("name", GOOD)
async def test_while_dns_does_not_answer_nothing_is_said(name: str):
    found = await check(WANTED, zone(GOOD, silent=[name]))

    assert [each.passes for each in found].count(None) == 1
    assert not [each for each in found if each.passes is False]


async def test_the_nearest_dmarc_record_counts_and_the_search_is_bounded():
    near = {**GOOD, "_dmarc.news.bloom.example": ["v=DMARC1"]}
    assert not (await check(WANTED, zone(near)))[2].passes

    asked: list[str] = []
    deep = ".".join(["x"] * 60) + ".example"
    await check(Expected(deep, "mail.example", None), zone({}, asked=asked))
    assert len(asked) <= 10
    assert dmarc_names("a.bloom.example") == ["_dmarc.a.bloom.example", "_dmarc.bloom.example"]
    assert dmarc_names("example") == ["_dmarc.example"]


@pytest.mark.parametrize(
    ("records", "passes"),
    [
        (["v=DKIM1; p=AAAA"], True),
        (["p=AAAA"], True),
        (["k=rsa; p=AA\tAA ;"], True),
        (["v=DKIM1; p="], False),
        (["v=DKIM1; p=BBBB"], False),
        (["v=DKIM2; p=AAAA"], False),
        (["v=DKIM1; p=AAAA", "v=DKIM1; p=AAAA"], False),
        (["hello"], False),
    ],
)
def test_dkim(records: list[str], passes: bool):
    assert judge_dkim(WANTED, records).passes is passes


def test_where_the_relay_signs_any_published_key_passes_and_none_without_a_selector():
    assert judge_dkim(Expected("bloom.example", "mail.example", "s1"), ["p=CCCC"]).passes
    unknown = judge_dkim(Expected("bloom.example", "mail.example", None), ["p=CCCC"])
    assert (unknown.passes, "DKIM_SELECTOR" in unknown.message) == (False, True)


@pytest.mark.parametrize(
    ("records", "passes"),
    [
        (["v=DMARC1; p=reject"], True),
        (["v=DMARC1;p=NONE"], True),
        (["v=DMARC1"], False),
        (["v=DMARC1; p=maybe"], False),
        (["v=dmarc1; p=none"], False),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], False),
        (["v=spf1 -all", "v=DMARC1; p=none"], True),
    ],
)
def test_dmarc(records: list[str], passes: bool):
    assert judge_dmarc(WANTED, records).passes is passes


@given(st.lists(st.text(max_size=80), max_size=4))
def test_whatever_dns_says_is_judged(records: list[str]):
    for judge in (judge_dkim, judge_dmarc):
        assert isinstance(judge(WANTED, records), SenderFinding)
