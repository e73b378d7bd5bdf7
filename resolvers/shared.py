"""Readings that whoever asks for the same at the same time shares, so that one is under way however many ask."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from math import inf
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from models.turn import current

MOST_KEPT = 1_000
"""Values that are kept before all are forgotten: one is kept for moments only."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Together(Generic[Key, Value]):
    """Gathers what is asked at the same moment into one reading: in each caller's turn one, so that none waits for another's."""

    def __init__(self, read: Callable[[list[Key]], Awaitable[Sequence[Value]]]) -> None:
        self._read = read
        self._gathering: dict[Hashable, DataLoader[Key, Value]] = {}

    def load(self, key: Key) -> Awaitable[Value]:
        """What the reading gives for this key, or raises."""
        turn, loop = current(), asyncio.get_running_loop()
        if turn not in self._gathering:
            self._gathering[turn] = DataLoader(self._read, cache=False)
            # A loader begins to read at the loop's turn after the next; whoever asks from then on is not gathered any more.
            loop.call_soon(loop.call_soon, self._gathering.pop, turn)
        return self._gathering[turn].load(key)


class Shared(Generic[Key, Value]):
    """Reads a key once at a time. Who asks meanwhile waits, together with all others who do, for the next reading.

    So each gets what was read after they asked. A reading that took more than `rests_after` seconds is followed by a rest
    as long: however many ask, it is under way half of the time at most.
    """

    def __init__(self, read: Callable[[Key], Awaitable[Value]], *, rests_after: float = inf) -> None:
        self._read = read
        self._rests_after = rests_after
        self._resting: dict[Key, float] = {}
        self._under_way: dict[Key, asyncio.Task[Value]] = {}
        self._next: dict[Key, asyncio.Task[Value]] = {}

    async def load(self, key: Key) -> Value:
        """What the next reading of this key gives, or raises."""
        following = self._next.get(key)
        if following is None:
            following = self._next[key] = asyncio.ensure_future(self._after(self._under_way.get(key), key))
        return await asyncio.shield(following)

    async def _after(self, earlier: asyncio.Task[Value] | None, key: Key) -> Value:
        if earlier is not None:
            await asyncio.wait([earlier])
        loop = asyncio.get_running_loop()
        if key in self._resting:
            await asyncio.sleep(self._resting[key] - loop.time())
        self._under_way[key] = current = self._next.pop(key)
        started = loop.time()
        try:
            return await self._read(key)
        finally:
            self._rest(key, loop.time() - started)
            if self._under_way.get(key) is current:
                del self._under_way[key]

    def _rest(self, key: Key, seconds: float) -> None:
        """Let nobody read this key for as long as a costly reading took."""
        if seconds > self._rests_after:
            loop = asyncio.get_running_loop()
            self._resting[key] = loop.time() + seconds
            loop.call_later(seconds, self._resting.pop, key, None)


class Recent(Generic[Key, Value]):
    """Reads several keys at once, shared as above; what is `worth_keeping` is then told for `seconds` without reading."""

    def __init__(
        self,
        read: Callable[[Sequence[Key]], Awaitable[Sequence[Value]]],
        *,
        worth_keeping: Callable[[Key, Value], bool],
        seconds: float,
    ) -> None:
        self._source = read
        self._worth_keeping = worth_keeping
        self._seconds = seconds
        self._shared: Shared[tuple[Key, ...], Sequence[Value]] = Shared(self._read)
        self._kept: dict[Key, tuple[float, Value]] = {}

    async def load(self, keys: Sequence[Key]) -> list[Value]:
        """The value of each key, in their order."""
        now = asyncio.get_running_loop().time()
        found = {key: kept[1] for key in keys if (kept := self._kept.get(key)) is not None and kept[0] > now}
        missing = tuple(dict.fromkeys(key for key in keys if key not in found))
        if missing:
            found |= zip(missing, await self._shared.load(missing), strict=True)
        return [found[key] for key in keys]

    async def _read(self, keys: tuple[Key, ...]) -> Sequence[Value]:
        until = asyncio.get_running_loop().time() + self._seconds
        values = await self._source(keys)
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        self._kept.update(
            (key, (until, value)) for key, value in zip(keys, values, strict=True) if self._worth_keeping(key, value)
        )
        return values
