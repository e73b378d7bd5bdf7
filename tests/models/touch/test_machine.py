"""What machines give themselves away by, and what people look like (B8)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.touch import machine
from models.touch.machine import Sign, TouchKind, Visit, is_burst, judge

SENT = datetime(2026, 1, 15, 12, tzinfo=UTC)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; ms-office; MSOffice 16)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def visit(
    agent: str = FIREFOX,
    *,
    method: str = "GET",
    address: str | None = "203.0.113.7",
    after: float = 600,
    **headers: str,
) -> Visit:
    """A request, by a person unless told otherwise, so many seconds after the mail had gone out."""
    named = {"user-agent": agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Visit(SENT + timedelta(seconds=after), method, named, address)


def sign(kind: TouchKind, seen: Visit) -> Sign | None:
    return judge(kind, seen, SENT, machine.rules())


@pytest.mark.parametrize("kind", TouchKind)
@pytest.mark.parametrize("agent", [IPHONE, OUTLOOK, GMAIL, FIREFOX])
def test_people_are_people(kind: TouchKind, agent: str):
    assert sign(kind, visit(agent)) is None
    assert sign(kind, visit(agent, address=None)) is None
    assert sign(kind, visit(agent, address="testclient")) is None
    assert sign(kind, visit(agent, address="2001:db8::7")) is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (visit(method="HEAD"), Sign.METHOD),
        (visit(method="OPTIONS"), Sign.METHOD),
        (visit(purpose="prefetch"), Sign.HEADER),
        (visit(sec_purpose="prefetch;prerender"), Sign.HEADER),
        (visit(x_purpose="preview"), Sign.HEADER),
        (visit("Mozilla/5.0"), Sign.AGENT),  # Apple's Mail Privacy Protection
        (visit(""), Sign.AGENT),
        (visit(" Mozilla/5.0 "), Sign.AGENT),
        (visit(" "), Sign.AGENT),
        (visit("BarracudaCentral/1.0"), Sign.AGENT),
        (visit("Mozilla/5.0 (compatible; Googlebot/2.1)"), Sign.AGENT),
        (visit("python-requests/2.32"), Sign.AGENT),
        (visit(address="64.235.150.9"), Sign.NETWORK),
        (visit(address="::ffff:64.235.150.9"), Sign.NETWORK),  # by a proxy that listens to both families at once
        (visit(after=1), Sign.SPEED),
    ],
)
def test_machines_are_known_by_what_they_do(seen: Visit, expected: Sign):
    assert sign(TouchKind.OPEN, seen) is expected
    assert sign(TouchKind.CLICK, seen) is expected


def test_a_link_takes_longer_than_an_image():
    assert sign(TouchKind.OPEN, visit(after=3)) is None
    assert sign(TouchKind.CLICK, visit(after=3)) is Sign.SPEED
    assert sign(TouchKind.CLICK, visit(after=4)) is None


def test_who_looks_through_an_image_proxy_is_a_person_whatever_else_the_proxy_is_called():
    assert sign(TouchKind.OPEN, visit("Mozilla/5.0 (compatible; bot) YahooMailProxy")) is None
    assert sign(TouchKind.OPEN, visit("Mozilla/5.0 (compatible; bot)")) is Sign.AGENT


def test_of_a_request_without_a_user_agent_nobody_says_that_it_is_a_person_s():
    assert sign(TouchKind.OPEN, Visit(SENT + timedelta(hours=1), "GET", {}, None)) is Sign.AGENT


def test_links_are_at_once_within_the_time_that_the_rules_say():
    assert machine.rules().burst_window == timedelta(seconds=1)
    assert machine.read(
        machine.FILE.read_text("utf-8").replace("burst_seconds = 1", "burst_seconds = 3")
    ).burst_window == timedelta(seconds=3)


def test_a_mail_whose_time_is_not_known_is_not_judged_by_speed():
    assert judge(TouchKind.OPEN, visit(after=0), None, machine.rules()) is None


def test_two_links_at_once_are_a_burst():
    assert not is_burst(0, machine.rules())
    assert is_burst(1, machine.rules())


@given(st.text(), st.text(), st.text())
def test_whatever_a_request_says_it_is_judged(agent: str, purpose: str, address: str):
    assert sign(TouchKind.CLICK, visit(agent, purpose=purpose, address=address)) in (None, *Sign)


def test_a_network_that_is_none_is_refused_when_the_rules_are_read():
    text = machine.FILE.read_text("utf-8").replace("64.235.144.0/20", "64.235.144.0/40")

    with pytest.raises(ValueError, match=r"64\.235\.144\.0/40"):
        machine.read(text)


@pytest.mark.parametrize(
    ("written", "instead", "named"),
    [
        ("[speed]", "[pace]", "speed"),
        ("[agents]", "[agent]", "agents"),
        ("[headers]", "[header]", "headers"),
        ("[networks]", "[network]", "networks"),
        ("click = 4", "", "click"),
        ("click = 4", "click = nan", "click"),
        ("click = 4", "click = 9999999999999", "click"),
        ("burst_links = 2", "burst_links = true", "burst_links"),
        ("burst_links = 2", "burst_links = 2.5", "burst_links"),
        ("burst_seconds = 1", 'burst_seconds = "1"', "burst_seconds"),
        ('purpose = ["prefetch", "preview"]', 'purpose = "prefetch"', "purpose"),
        ('exact = ["Mozilla/5.0", ""]', "exact = [5.0]", "exact"),
        ('people = ["googleimageproxy", "yahoomailproxy"]', "", "people"),
        ('known = ["64.235.144.0/20"', 'known = [1, "64.235.144.0/20"', "known"),
        ("[speed]", "[speed", "line"),
    ],
)
def test_what_is_missing_or_of_another_kind_is_named_when_the_rules_are_read(written: str, instead: str, named: str):
    text = machine.FILE.read_text("utf-8")
    assert written in text

    with pytest.raises(ValueError, match=named):
        machine.read(text.replace(written, instead))
