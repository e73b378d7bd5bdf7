"""The outbox: each message once, domains by turns, limits held, and nobody forgotten."""

import asyncio
import time
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.channels.smtp import outbox as outboxes
from jobs.channels.smtp.outbox import Limits, Outbox
from jobs.channels.smtp.outgoing import Outgoing
from tests.waiting import until

RESOLUTION = time.get_clock_info("monotonic").resolution + 1e-6
"""Seconds by which a loop may call what is due too soon, and what its times lose by being reckoned with."""


def letter(domain: str, name: object = None) -> Outgoing:
    """A message to a domain; what it says does not matter here."""
    return Outgoing(cast("Any", name), cast("Any", None), domain, asyncio.get_running_loop().create_future())


def outbox(limits: Limits | None = None) -> tuple[Outbox, list[str]]:
    """An outbox, and a list that grows whenever it wakes somebody."""
    woken: list[str] = []
    return Outbox(limits or Limits(), lambda: woken.append("now")), woken


async def test_domains_take_turns():
    box, _ = outbox()
    for domain in ("a", "a", "a", "b", "c"):
        box.put(letter(domain))

    taken = []
    while (outgoing := box.take()) is not None:
        taken.append(outgoing.domain)

    assert taken == ["a", "b", "c", "a", "a"]
    assert len(box) == 0


async def test_a_message_that_nobody_waits_for_any_more_is_passed_over():
    box, _ = outbox()
    first, second = letter("a"), letter("a")
    box.put(first)
    box.put(second)
    first.done.cancel()

    assert box.take() is second
    assert box.take() is None


async def test_a_full_domain_waits_until_one_of_its_messages_is_off_the_wire_and_then_wakes_somebody():
    box, woken = outbox(Limits(at_once=1))
    for _ in range(2):
        box.put(letter("a"))
    first = box.take()
    assert first is not None and box.take() is None and not box.has_ready

    box.ended(first)
    box.ended(first)  # told twice, counted once

    assert woken == ["now"]
    assert box.take() is not None
    assert box.take() is None


async def test_a_message_off_the_wire_wakes_nobody_when_none_waits_for_it_or_another_may_go_already():
    box, woken = outbox(Limits(at_once=1))
    box.put(letter("a"))
    last = box.take()
    assert last is not None
    box.ended(last)
    for domain in ("a", "a", "b"):
        box.put(letter(domain))
    first = box.take()
    assert first is not None and first.domain == "a" and box.has_ready

    box.ended(first)

    assert woken == []


async def test_a_rate_spreads_messages_over_time_and_wakes_somebody_for_each():
    box, woken = outbox(Limits(per_second=50))
    for _ in range(3):
        box.put(letter("a"))

    assert box.take() is not None
    assert box.take() is None
    await asyncio.sleep(0.03)
    assert woken == ["now"]
    assert box.take() is not None and box.take() is None


async def test_clearing_gives_everything_out_whatever_the_limits():
    box, _ = outbox(Limits(at_once=1, per_second=1))
    for domain in ("a", "a", "b"):
        box.put(letter(domain))
    box.take()

    assert len(list(box.clear())) == 2
    assert not box.has_ready
    assert len(box) == 0 and box.take() is None


async def test_what_was_cleared_wakes_nobody_when_its_time_would_have_come():
    box, woken = outbox(Limits(per_second=50))
    for domain in ("a", "a", "b"):
        box.put(letter(domain))
    assert box.take() is not None and box.take() is not None

    assert len(list(box.clear())) == 1
    await asyncio.sleep(0.04)

    assert woken == []
    assert not box.has_ready


async def test_a_rate_holds_for_what_comes_again_after_it_was_cleared():
    """Each message is taken at the moment at which somebody is woken for it."""
    loop = asyncio.get_running_loop()
    times: list[float] = []

    def take() -> None:
        if box.take() is not None:
            times.append(loop.time())

    box = Outbox(Limits(per_second=20), take)
    for _ in range(2):
        box.put(letter("a"))
    take()
    assert len(list(box.clear())) == 1
    for _ in range(3):
        box.put(letter("a"))

    await until(lambda: len(box) == 0)

    assert len(times) == 4
    assert all(later - earlier >= 1 / 20 - RESOLUTION for earlier, later in pairwise(times))


async def test_domains_without_messages_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outboxes, "MANY_DOMAINS", 3)
    box, _ = outbox()

    for number in range(20):
        box.put(letter(f"{number}.example"))
        outgoing = box.take()
        assert outgoing is not None
        box.ended(outgoing)
        assert len(box._domains) <= 3


async def test_a_domain_that_has_something_waiting_or_on_the_wire_is_not_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outboxes, "MANY_DOMAINS", 1)
    box, _ = outbox(Limits(at_once=1))
    for domain in ("wire", "waiting"):
        box.put(letter(domain))
    on_wire = box.take()
    assert on_wire is not None and on_wire.domain == "wire"

    box.put(letter("another"))
    box.put(letter("wire"))

    assert [(each := box.take()) and each.domain for _ in range(3)] == ["waiting", "another", None]
    box.ended(on_wire)
    assert (each := box.take()) is not None and each.domain == "wire"
    assert len(box) == 0


async def test_a_domain_whose_rate_was_used_is_not_forgotten_before_its_time_has_come(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outboxes, "MANY_DOMAINS", 1)
    box, _ = outbox(Limits(per_second=0.001))
    box.put(letter("a"))
    first = box.take()
    assert first is not None
    box.ended(first)

    box.put(letter("b"))
    box.put(letter("a"))

    assert (each := box.take()) is not None and each.domain == "b"
    assert box.take() is None
    assert len(list(box.clear())) == 1


@given(st.lists(st.sampled_from(["put a", "put b", "put c", "take", "end"]), max_size=60), st.integers(1, 3))
def test_every_message_comes_out_once_and_no_limit_is_passed(steps: list[str], limit: int):
    async def play() -> None:
        box, _ = outbox(Limits(at_once=limit))
        put, taken, on_wire = 0, [], []
        for step in steps:
            if step.startswith("put"):
                box.put(letter(step[-1], put))
                put += 1
            elif step == "take" and (outgoing := box.take()) is not None:
                taken.append(outgoing.message)
                on_wire.append(outgoing)
            elif step == "end" and on_wire:
                box.ended(on_wire.pop(0))
            assert all(sum(each.domain == domain for each in on_wire) <= limit for domain in "abc")
        while on_wire or box.has_ready:
            while (outgoing := box.take()) is not None:
                taken.append(outgoing.message)
                on_wire.append(outgoing)
            box.ended(on_wire.pop())
        assert sorted(cast("list[int]", taken)) == list(range(put))

    asyncio.run(play())
