"""Channels: the ways a message leaves. A medium is a file here; the protocol is what a job asks of it.

What media leave by, and what is written down of their messages, is in the folders.
"""

from collections.abc import Sequence
from typing import Protocol

from models.slice import Slice, Waiting


class RelayUnavailable(Exception):
    """The relay cannot be used just now; nothing was lost, the messages still wait. `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PlanRefused(Exception):
    """The other side refuses this plan's messages one after another; `status` is what it said. The rest still wait."""

    def __init__(self, status: str) -> None:
        super().__init__(f"refused again and again: {status}")
        self.status = status


class Channel(Protocol):
    """Sends what a slice holds and settles each message in the ledger; closing waits for answers under way."""

    async def deliver(self, held: Slice, messages: Sequence[Waiting]) -> None:
        """Send these messages. Returns when each is settled.

        Raises RelayUnavailable or PlanRefused when some had to stay.
        """

    def drain(self) -> None:
        """Begin nothing more: what has not been begun stays, `deliver` returns once the rest is settled."""

    async def close(self) -> None:
        """Finish what is on the wire and let go of the connections."""
