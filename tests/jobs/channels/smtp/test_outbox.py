"""The outbox: each message once, domains by turns, limits held, and nobody forgotten."""

import asyncio
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from jobs.channels.smtp.outbox import Limits, Outbox
from jobs.channels.smtp.outgoing import Outgoing


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
    assert len(box) == 0 and box.take() is None


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
