"""A scripted relay, in place of the mailbox of `ctx` (tests/worker.py), and a scripted receiver of calls over HTTP."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.channels.email import EmailChannel
from jobs.context import Context
from models import database as db
from models import intent
from models.slice import Waiting
from settings import Settings
from tests.backends import BACKEND, end
from tests.http_sink import HttpSink
from tests.smtp_sink import Sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A scripted relay, not yet started: script it, then use `at_sink`, or give a worker its URL."""
    sink = Sink(tmp_path / "journal")
    yield sink
    if sink.is_up:
        sink.stop()


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Settings under which a worker notices everything within a second or two."""
    return settings.model_copy(
        update={
            "sweep_interval": timedelta(seconds=0.3),
            "lease": timedelta(seconds=8),
            "smtp_connections": 4,
        }
    )


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpSink]:
    """A scripted receiver of calls over HTTP, not yet started."""
    receiver = HttpSink(tmp_path / "requests")
    yield receiver
    if receiver.is_up:
        receiver.stop()


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


@pytest.fixture
def lost_when_asked(monkeypatch: pytest.MonkeyPatch) -> list[Waiting]:
    """What channels asked of when an intent was denied; at the first time PostgreSQL ends the connection it is asked over."""
    ask, asked = intent.may_go_on, list[Waiting]()

    async def lost(message: Waiting) -> bool:
        asked.append(message)
        async with db.kept_connection():
            if len(asked) == 1:
                end(await db.fetch_value(BACKEND))
            return await ask(message)

    monkeypatch.setattr(intent, "may_go_on", lost)
    return asked
