"""Rounds: what is compared runs in turn, so that whatever else the machine does meets all alike."""

import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

Work = Callable[[], Awaitable[object]]


async def seconds_of(work: Work) -> float:
    """How long the work takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def interleaved(rounds: int, works: Mapping[str, Work], *, before: Work) -> dict[str, float]:
    """The median seconds of each work over the rounds; `before` each of them everything is made equal again.

    Every other round runs in the opposite order.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        names = list(works) if number % 2 == 0 else list(works)[::-1]
        for name in names:
            await before()
            taken[name].append(await seconds_of(works[name]))
    return {name: median(seconds) for name, seconds in taken.items()}
