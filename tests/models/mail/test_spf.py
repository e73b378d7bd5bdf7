"""What is to mend of an SPF record and of those that it includes (RFC 7208)."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mail import spf

END = ["v=spf1 ip4:192.0.2.1 -all"]
TEN = " ".join(f"include:{n}.example" for n in range(10))
ZONE = {f"{n}.example": END for n in range(10)}


async def fault(records: Mapping[str, Sequence[str] | None], asked: list[str] | None = None) -> str | None:
    """What is to mend of mail.example in a zone; what is not in it has no records."""

    async def ask(name: str) -> Sequence[str] | None:
        if asked is not None:
            asked.append(name)
        return records.get(name, [])

    return spf.fault("mail.example", await spf.gather("mail.example", ask))


@pytest.mark.parametrize(
    ("records", "word"),
    [
        (["v=spf1 -all"], None),
        (["V=SPF1 mx ~all"], None),
        (["v=spf1 redirect=0.example"], None),
        (["v=spf1 redirect=%{d}.example"], None),
        (["v=spf1 mx ?all"], None),
        (["v=spf1 mx -all redirect=nowhere.example"], None),
        (["another record", "v=spf1 -all"], None),
        (["v=spf10 -all"], "has no SPF record"),
        (["v=spf1 mx"], "does not end"),
        (["v=spf1 include:0.example"], "does not end"),
        (["v=spf1 +all"], "lets anybody send"),
        (["v=spf1 mx all"], "lets anybody send"),
        (["v=spf1 ip4:0.0.0.0/0 -all"], "lets anybody send"),
        (["v=spf1 mx -all", "v=spf1 -all"], "has 2 SPF records"),
        ([f"v=spf1 {TEN} -all"], None),
        ([f"v=spf1 {TEN} mx -all"], "more than 10 look-ups"),
        (["v=spf1 a mx/24 ptr a:x.example exists:y.example mx mx mx mx mx mx -all"], "more than 10 look-ups"),
        (["v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(30)) + " -all"], None),
        (["v=spf1 include:nowhere.example -all"], "nowhere.example has no SPF record"),
        ([], "mail.example has no SPF record"),
    ],
)
async def test_a_record(records: list[str], word: str | None):
    found = await fault({**ZONE, "mail.example": records})

    assert found is None if word is None else word in (found or "")


@pytest.mark.parametrize(
    ("included", "word"),
    [
        (END, None),
        (["v=spf1 ip4:192.0.2.1"], None),  # what matches nothing there goes on here
        (["v=spf1 +all"], "_spf.example lets anybody send"),
        (["v=spf1 mx -all", "v=spf1 -all"], "_spf.example has 2 SPF records"),
        ([f"v=spf1 {TEN} -all"], "more than 10 look-ups, those of what it includes counted"),
        (["v=spf1 " + " ".join(f"include:{n}.example" for n in range(9)) + " -all"], None),
        (["v=spf1 include:mail.example -all"], "more than 10 look-ups"),
    ],
)
async def test_a_record_that_is_included(included: list[str], word: str | None):
    found = await fault({**ZONE, "mail.example": ["v=spf1 include:_SPF.example. -all"], "_spf.example": included})

    assert found is None if word is None else word in (found or "")


async def test_a_record_that_is_led_on_to_must_end():
    zone = {"mail.example": ["v=spf1 redirect=_spf.example"], "_spf.example": ["v=spf1 mx"]}

    assert "does not end" in (await fault(zone) or "")
    assert "more than 10" in (await fault({**zone, "_spf.example": ["v=spf1 redirect=mail.example"]}) or "")


@pytest.mark.parametrize("silent", ["mail.example", "_spf.example", "0.example"])
async def test_while_dns_does_not_answer_about_one_of_them_nothing_is_said(silent: str):
    zone = {
        "mail.example": ["v=spf1 include:_spf.example -all"],
        "_spf.example": ["v=spf1 include:0.example -all"],
        **ZONE,
    }

    with pytest.raises(spf.Unanswered, match=silent):
        await fault({**zone, silent: None})


async def test_no_more_is_looked_up_than_a_receiver_does():
    wide = " ".join(f"include:{n}.example" for n in range(100))
    asked: list[str] = []

    found = await fault({"mail.example": [f"v=spf1 {wide} -all"], "0.example": [f"v=spf1 {wide} -all"], **ZONE}, asked)

    assert "more than 10" in (found or "")
    assert len(asked) <= 11


@given(st.dictionaries(st.sampled_from(["mail.example", "a.example", "b.example"]), st.lists(
    st.lists(st.sampled_from(["v=spf1", "include:a.example", "include:b.example", "redirect=b.example", "mx", "-all", "+all", "\x00", "include:", "redirect="]),
             max_size=14).map(" ".join), max_size=3)))  # fmt: skip
async def test_whatever_is_published_is_judged(records: Mapping[str, Sequence[str]]):
    found = await fault(records)

    assert found is None or found.endswith(".")
