"""What a chat platform's answer means for a message that is sent at most once (R22).

A refusal proves that the message was not taken. An error inside the platform, or of something between it
and us, proves nothing: such a message is UNKNOWN, and is not sent again on its own.
"""

from datetime import datetime

from jobs.channels.http.poster import Answer
from models.delivery import DeliveryState
from models.intent import Settlement
from models.mail import bounce
from models.slice import Waiting

LATER = frozenset({408, 425, 429, 503})
"""Not taken, and welcome later: too slow, too early, too many, overloaded (RFC 9110 §15, RFC 6585 §4, RFC 8470)."""

NOT_TAKEN = frozenset({501, 505})
"""Errors of the server that say it does not know how to take such a request (RFC 9110 §15.6)."""


def settlement(message: Waiting, answer: Answer, attempt: int | None, at: datetime) -> Settlement:
    """What became of a message by the answer to the try `attempt`; None: its request was not even complete."""
    if answer.status in LATER or (attempt is None and not 300 <= answer.status < 500):
        return later(message, str(answer.status), attempt, at, answer)
    number = attempt if attempt is not None else message.attempt + 1
    if 200 <= answer.status < 300:
        return Settlement(message, number, DeliveryState.SENT)
    unknown = answer.status >= 500 and answer.status not in NOT_TAKEN
    state = DeliveryState.UNKNOWN if unknown else DeliveryState.FAILED
    return Settlement(message, number, state, str(answer.status), intended=attempt is not None)


def later(message: Waiting, reason: str, attempt: int | None, at: datetime, answer: Answer | None = None) -> Settlement:
    """The settlement of a message that was not taken and waits: as long as the answer asks, or by the back-off."""
    asked = answer.retry_after if answer else None
    return Settlement(
        message,
        attempt if attempt is not None else message.attempt + 1,
        DeliveryState.PENDING,
        reason,
        not_before=at + asked if asked else bounce.next_try(message.attempt, at),
        intended=attempt is not None,
    )
