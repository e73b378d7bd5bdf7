"""Named moments of delivery at which a test lets a worker die or stand still.

They are wrapped around the product's functions in the worker that a test starts; the product knows nothing of them.
"""

import functools
import inspect
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.channels.http import platform_answer, platform_session
from jobs.channels.http.poster import Poster
from jobs.channels.smtp.session import SmtpSession
from models import audience, intent
from models import slice as slices
from models.delivery import DeliveryState
from models.plan import wording
from models.webhook import posting

Watch = Callable[[tuple[Any, ...], Any], bool]
"""Whether a call with these arguments and this result (None before it) counts."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Before or after a call of `name` in `owner`."""

    owner: Any
    name: str
    after: bool
    counts: Watch = lambda _arguments, _result: True


def _has_intents(arguments: tuple[Any, ...], _result: Any) -> bool:
    return bool(arguments[1])


def _has_settlements(arguments: tuple[Any, ...], _result: Any) -> bool:
    return bool(arguments[0])


def _was_sent(arguments: tuple[Any, ...], _result: Any) -> bool:
    settlement = arguments[2]
    return settlement is not None and settlement.state is DeliveryState.SENT


MOMENTS = {
    "before the texts are pinned": Moment(wording, "pin", after=False),
    "before a range is committed": Moment(audience, "_insert", after=True),
    "after a range is committed": Moment(audience, "resolve_range", after=True),
    "before the slice is taken": Moment(slices, "acquire", after=False),
    "after the slice is taken": Moment(slices, "acquire", after=True, counts=lambda _, held: held is not None),
    "after the slice is loaded": Moment(slices, "load", after=True),
    "before the intent": Moment(intent, "commit", after=False, counts=_has_intents),
    "after the intent": Moment(intent, "commit", after=True, counts=_has_intents),
    "after the dot": Moment(SmtpSession, "_dot", after=True),
    "after the answer": Moment(SmtpSession, "_off_the_wire", after=True, counts=_was_sent),
    "before the settlement": Moment(intent, "commit", after=False, counts=_has_settlements),
    "after the settlement": Moment(intent, "commit", after=True, counts=_has_settlements),
    "before the slice is given back": Moment(slices, "release", after=False),
    "after the slice is given back": Moment(slices, "release", after=True),
}
"""Every moment that a test can name."""

PLATFORM_MOMENTS = {
    "before the intent": MOMENTS["before the intent"],
    "after the intent": MOMENTS["after the intent"],
    "before the last byte": Moment(platform_session._LateBody, "_permit", after=True),
    "after the platform's answer": Moment(platform_answer, "settlement", after=True),
    "before the settlement": MOMENTS["before the settlement"],
    "after the settlement": MOMENTS["after the settlement"],
}
"""The same for chat that goes to a platform."""

POSTING_MOMENTS = {
    "before a posting": Moment(Poster, "post", after=False),
    "after a posting": Moment(Poster, "post", after=True),
    "after a posting is noted": Moment(posting, "delivered", after=True),
}
"""The same for what is posted to webhooks."""

BEFORE_ANY_INTENT = {
    "before the texts are pinned", "before a range is committed", "after a range is committed",
    "before the slice is taken", "after the slice is taken", "after the slice is loaded", "before the intent",
}  # fmt: skip
"""Whoever dies when first at one of these leaves nothing in doubt; at the others, one message for each connection."""

ACTS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def install(faults: Sequence[dict[str, Any]]) -> None:
    """Arm faults: {"at": a moment's name, "nth": the call that counts, from 1, "do": "kill" or "stop"}."""
    for fault in faults:
        moment = {**MOMENTS, **PLATFORM_MOMENTS, **POSTING_MOMENTS}[fault["at"]]
        original = getattr(moment.owner, moment.name)
        setattr(moment.owner, moment.name, _armed(original, moment, fault["nth"], ACTS[fault["do"]]))


def _armed(original: Callable[..., Any], moment: Moment, nth: int, act: signal.Signals) -> Callable[..., Any]:
    """The function, with the fault at its `nth` call."""
    left = [nth]

    def strike(arguments: tuple[Any, ...], result: Any) -> None:
        if moment.counts(arguments, result):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), act)

    @functools.wraps(original)
    async def later(*arguments: Any, **named: Any) -> Any:
        if not moment.after:
            strike(arguments, None)
        result = await original(*arguments, **named)
        if moment.after:
            strike(arguments, result)
        return result

    @functools.wraps(original)
    def at_once(*arguments: Any, **named: Any) -> Any:
        if not moment.after:
            strike(arguments, None)
        result = original(*arguments, **named)
        if moment.after:
            strike(arguments, result)
        return result

    return later if inspect.iscoroutinefunction(original) else at_once
