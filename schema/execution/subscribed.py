"""Documents that subscriptions keep: as long as these live, so what one caller may have of them has a bound."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from schema.cost.limits import MAX_SOURCE_LENGTH
from schema.execution.document import Document

MAX_SUBSCRIBED = MAX_SOURCE_LENGTH
"""Characters of the documents that one caller's subscriptions keep in a process; those of the same text share one."""

TOO_MUCH_SUBSCRIBED = (
    f"The documents of your subscriptions have more than {MAX_SUBSCRIBED} characters together."
    " Subscribe with the same text and other variables."
)


class SubscribedDocuments:
    """How many subscriptions of each caller keep which documents. Nobody is remembered who has none."""

    def __init__(self) -> None:
        self._kept: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @contextmanager
    def by(self, caller: str, document: Document) -> Iterator[bool]:
        """Keep a document for a caller meanwhile, as far as they may keep it."""
        kept = self._kept[caller]
        if document.source not in kept and sum(map(len, kept)) + len(document.source) > MAX_SUBSCRIBED:
            yield False
            return
        kept[document.source] += 1
        try:
            yield True
        finally:
            kept[document.source] -= 1
            if not kept[document.source]:
                del kept[document.source]
            if not kept:
                self._kept.pop(caller, None)
