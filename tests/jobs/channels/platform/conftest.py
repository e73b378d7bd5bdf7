"""The channel to a shop's chat platform, in place of the one of `ctx` (tests/worker.py)."""

from collections.abc import AsyncIterator, Callable

import pytest

from jobs.channels.http.poster import Poster
from jobs.channels.platform import PlatformChannel
from jobs.context import Context


@pytest.fixture
async def platform(ctx: Context) -> AsyncIterator[Callable[..., PlatformChannel]]:
    """Makes the channel of `ctx`; settings may be changed by keyword."""
    made: list[PlatformChannel] = []
    posters: list[Poster] = []

    def make(**settings: object) -> PlatformChannel:
        changes = {"webhook_targets": "any", "webhook_connections": 4, **settings}
        changed = ctx["settings"].model_copy(update=changes)
        poster = Poster(changed.webhook_targets)
        posters.append(poster)
        channel = PlatformChannel(changed, ctx["tally"], poster)
        ctx["channels"]["PLATFORM"] = channel
        made.append(channel)
        return channel

    yield make
    for channel in made:
        await channel.close()
    for poster in posters:
        await poster.close()
