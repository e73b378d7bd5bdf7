"""A scripted relay, in place of the mailbox of `ctx` (tests/worker.py)."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from jobs.channels.email import EmailChannel
from jobs.context import Context
from tests.smtp_sink import Sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A scripted relay, not yet started: script it, then use `at_sink`."""
    sink = Sink(tmp_path / "ledger")
    yield sink
    if sink.port:
        sink.stop()


@pytest.fixture
async def at_sink(ctx: Context, sink: Sink) -> AsyncIterator[Callable[..., EmailChannel]]:
    """Starts the sink and makes it the relay of `ctx`; settings may be changed by keyword."""
    made = []

    def start(**settings: object) -> EmailChannel:
        changes = {"smtp_url": sink.start(), **settings}
        channel = EmailChannel(ctx["settings"].model_copy(update=changes), ctx["tally"])
        ctx["channels"]["EMAIL"] = channel
        made.append(channel)
        return channel

    yield start
    for channel in made:
        await channel.close()
