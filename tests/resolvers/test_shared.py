"""Who asks for the same at the same time shares a reading, and nobody gets one from before they asked."""

import asyncio
from collections.abc import Sequence

import pytest

from models.turn import Turns
from resolvers import shared
from resolvers.shared import Recent, Shared, Together


class Source:
    """Reads slowly, and counts its readings; each gives its number."""

    def __init__(self) -> None:
        self.readings: list[str] = []
        self.go = asyncio.Event()

    async def read(self, key: str) -> int:
        number = len(self.readings)
        self.readings.append(key)
        await self.go.wait()
        return number


async def settled() -> None:
    """Everything that can go on has done so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_while_a_reading_is_under_way_waits_for_the_next_together():
    source = Source()
    shared = Shared(source.read)
    first = asyncio.ensure_future(shared.load("a"))
    await settled()
    later = [asyncio.ensure_future(shared.load("a")) for _ in range(3)]
    await settled()
    assert source.readings == ["a"]

    source.go.set()

    assert [await each for each in (first, *later)] == [0, 1, 1, 1]


async def test_other_keys_do_not_wait():
    source = Source()
    shared = Shared(source.read)
    both = [asyncio.ensure_future(shared.load(key)) for key in ("a", "b")]
    await settled()

    assert source.readings == ["a", "b"]
    source.go.set()
    assert sorted(await asyncio.gather(*both)) == [0, 1]


async def test_a_costly_reading_is_followed_by_a_rest_as_long_and_a_cheap_one_by_none(monkeypatch: pytest.MonkeyPatch):
    """Time goes by while something is read, and stands still otherwise."""
    time, seconds, readings = 0.0, 100.0, []
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: time)

    async def read(key: str) -> int:
        nonlocal time
        readings.append(key)
        time += seconds
        return len(readings)

    shared = Shared(read, rests_after=50.0)
    assert await shared.load("a") == 1
    waiting = [asyncio.ensure_future(shared.load("a")) for _ in range(3)]
    await settled()
    assert readings == ["a"]

    time, seconds = 199.0, 50.0
    waiting.append(asyncio.ensure_future(shared.load("a")))
    await settled()
    assert readings == ["a"]

    time = 200.0
    assert await asyncio.gather(*waiting) == [2, 2, 2, 2]
    assert await shared.load("a") == 3


async def test_who_leaves_does_not_end_the_reading_of_the_others():
    source = Source()
    shared = Shared(source.read)
    one, other = (asyncio.ensure_future(shared.load("a")) for _ in range(2))
    await settled()
    one.cancel()
    source.go.set()

    assert await other == 0


async def test_a_reading_that_fails_fails_for_all_and_the_next_is_made_anew():
    async def read(_: str) -> int:
        raise LookupError("not now")

    shared = Shared(read)
    answers = await asyncio.gather(shared.load("a"), shared.load("a"), return_exceptions=True)

    assert [type(answer) for answer in answers] == [LookupError] * 2
    with pytest.raises(LookupError):
        await shared.load("a")


def counting(seconds: float) -> tuple[Recent[str, int], list[tuple[str, ...]]]:
    """Lengths of words, of which those of three letters and more are kept; and what was read."""
    read: list[tuple[str, ...]] = []

    async def lengths(words: Sequence[str]) -> list[int]:
        read.append(tuple(words))
        await asyncio.sleep(0)
        return [len(word) for word in words]

    return Recent(lengths, worth_keeping=lambda _, size: size >= 3, seconds=seconds), read


async def test_what_is_worth_keeping_is_told_again_without_reading_and_the_rest_is_read_anew():
    recent, read = counting(60.0)

    assert await recent.load(["ab", "abc", "ab"]) == [2, 3, 2]
    assert await recent.load(["abc", "ab", "abcd"]) == [3, 2, 4]
    assert await recent.load(["abcd", "abc"]) == [4, 3]
    assert read == [("ab", "abc"), ("ab", "abcd")]


async def test_what_was_kept_too_long_is_read_anew():
    recent, read = counting(-1.0)

    assert [await recent.load(["abc"]) for _ in range(2)] == [[3], [3]]
    assert read == [("abc",)] * 2


async def test_who_asks_for_the_same_keys_at_once_shares_a_reading():
    recent, read = counting(-1.0)

    assert await asyncio.gather(*(recent.load(["a", "bc"]) for _ in range(5))) == [[1, 2]] * 5
    assert len(read) <= 2


async def test_no_more_is_kept_than_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shared, "MOST_KEPT", 2)
    recent, read = counting(60.0)
    for word in ("abc", "abcd", "abcde", "abcdef"):
        await recent.load([word])

    assert await recent.load(["abc", "abcdef"]) == [3, 6]
    assert read[-1] == ("abc",)


async def test_what_is_asked_at_the_same_moment_is_one_reading_in_each_caller_s_turn():
    readings: list[list[str]] = []

    async def read(keys: list[str]) -> list[str]:
        readings.append(keys)
        return [key.upper() for key in keys]

    together, turns = Together(read), Turns(1)
    with turns.of("one"):
        own = [together.load(key) for key in ("a", "b")]
    with turns.of("other"):
        others = [together.load("c")]
    nobodys = [together.load("d")]
    found = [await each for each in (*own, *others, *nobodys)]
    later = await together.load("e")

    assert [*found, later] == ["A", "B", "C", "D", "E"]
    assert readings == [["a", "b"], ["c"], ["d"], ["e"]]
