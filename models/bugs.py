"""A bug met at one of many: kept until the others have had their turn, and raised then."""

from collections.abc import Iterator
from contextlib import contextmanager

from models import availability


class Bugs:
    """What went wrong with some of many that have nothing to do with each other."""

    def __init__(self) -> None:
        self._met: list[Exception] = []

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what goes wrong in one's turn. A lost PostgreSQL is no bug, and all have lost it: that is raised at once."""
        try:
            yield
        except Exception as error:
            if availability.outage_of(error):
                raise
            self._met.append(error)

    def check(self) -> None:
        """Raise what was met: the error itself, or a group of them if there are several."""
        if len(self._met) == 1:
            raise self._met[0]
        if self._met:
            raise ExceptionGroup(f"bugs met at {len(self._met)} of many", self._met)
