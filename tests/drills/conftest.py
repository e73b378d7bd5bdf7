"""What drills begin with: a relay that writes down what it accepted, and settings under which all is noticed soon."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from settings import Settings
from tests.smtp_sink import Sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    sink = Sink(tmp_path / "journal")
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def on(settings: Settings, sink: Sink, redis: Redis) -> Callable[[str], Settings]:
    """The settings of an installation on a database: everything is noticed within a second or two."""

    def settings_on(url: str) -> Settings:
        return settings.model_copy(
            update={
                "database_url": url, "smtp_url": f"smtp://127.0.0.1:{sink.port}", "smtp_connections": 4,
                "sweep_interval": timedelta(seconds=0.3), "lease": timedelta(seconds=8),
            }
        )  # fmt: skip

    return settings_on
