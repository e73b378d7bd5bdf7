"""Spans: where time goes, for whoever collects traces. Nothing is measured until `record` is called.

The rest of the code needs no tracing library: it says what begins and ends, and operations/traces.py passes it on.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Attribute = str | int | float | bool


class Recorder(Protocol):
    """Takes a span from its beginning to the end of the block."""

    def __call__(self, name: str, attributes: dict[str, Attribute]) -> AbstractContextManager[object]: ...


_recorders: list[Recorder] = []


def record(recorder: Recorder | None) -> None:
    """Let this process's spans go to `recorder` from now on; None: to nobody."""
    _recorders[:] = [recorder] if recorder else []


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[None]:
    """Something that takes time: `name` says what kind, `attributes` which one (ids, never personal data)."""
    if not _recorders:
        yield
        return
    with _recorders[0](name, attributes):
        yield
