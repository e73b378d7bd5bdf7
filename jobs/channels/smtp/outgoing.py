"""A message on its way through a channel, and what became of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from jobs.channels import PlanRefused, RelayUnavailable
from models.clock import now
from models.delivery import DeliveryState, Reason
from models.intent import Settlement
from models.mail import bounce
from models.mail.bounce import Disposition, Refusal
from models.mail.envelope import Envelope
from models.mail.letter import Writer
from models.slice import Waiting

NOT_LEFT = "4.4.2"
"""What stands for a refusal when there was no connection to refuse (RFC 3463 §3.5)."""


@dataclass(slots=True, eq=False)
class Outgoing:
    """A message and who waits for it: `done` ends when it is settled, or must stay."""

    message: Waiting
    writer: Writer
    domain: str
    done: asyncio.Future[None]
    tries: int = 0
    on_wire: bool = False
    """Whether it counts against its domain's limits."""

    def envelope(self) -> Envelope:
        """Whom it goes to. Raises Refused for an address that is none."""
        return self.writer.envelope(self.message)

    def body(self) -> bytes:
        """What it says."""
        return self.writer.body(self.message)

    def finish(self) -> None:
        """The ledger knows all there is to know."""
        if not self.done.done():
            self.done.set_result(None)

    def stay(self, why: RelayUnavailable | PlanRefused) -> None:
        """It did not go and still waits in the ledger; its slice comes back to it."""
        if not self.done.done():
            self.done.set_exception(why)


@dataclass(frozen=True, slots=True)
class Source:
    """What a connection asks of its channel."""

    poll: Callable[[], Outgoing | None]
    """The next message, at once or None."""
    wait: Callable[[], Awaitable[Outgoing | None]]
    """The next message, after some patience or None."""
    put_back: Callable[[Outgoing], None]
    """Take back one that was not sent."""
    denied: Callable[[Outgoing], Awaitable[None]]
    """Its intent was not granted: perhaps none of its slice will be."""
    ended: Callable[[Outgoing, Settlement | None], None]
    """It is off the wire, and this became of it, if anything."""


def sent(message: Waiting, attempt: int) -> Settlement:
    """The settlement of a message that was accepted."""
    return Settlement(message, attempt, DeliveryState.SENT)


def refused(message: Waiting, code: int, text: str, *, attempt: int | None = None) -> Settlement:
    """The settlement of a refusal: before the intent, or in answer to the try `attempt`."""
    return _settlement(message, bounce.judge(code, text), attempt, now())


def not_left(message: Waiting, *, attempt: int | None = None) -> Settlement:
    """The settlement of a message whose connection was lost before its dot: like one refused for now."""
    return _settlement(message, Refusal(Disposition.RETRY, NOT_LEFT), attempt, now())


def is_answer(settlement: Settlement) -> bool:
    """Whether a relay answered, rather than that its connection was lost."""
    lost = (None, NOT_LEFT, Reason.CONNECTION_LOST)
    return settlement.state is DeliveryState.SENT or settlement.reason not in lost


def no_such_address(message: Waiting) -> Settlement:
    """The settlement of a message whose address is none (RFC 3463 §3.2: bad destination mailbox syntax)."""
    return _settlement(message, Refusal(Disposition.SUPPRESS, "5.1.3"), None, now())


def _settlement(message: Waiting, refusal: Refusal, attempt: int | None, at: datetime) -> Settlement:
    later = refusal.disposition in (Disposition.RETRY, Disposition.PAUSE)
    return Settlement(
        message,
        attempt if attempt is not None else message.attempt + 1,
        DeliveryState.PENDING if later else DeliveryState.FAILED,
        refusal.status,
        not_before=bounce.next_try(message.attempt, at) if later else None,
        intended=attempt is not None,
        suppresses=refusal.disposition is Disposition.SUPPRESS,
    )
