"""Job: post what shops' webhooks are to be told, each webhook's requests one after the other."""

import asyncio
import logging

import orjson

from jobs.channels.http.network import AddressRefusedError, NotReachedError
from jobs.channels.http.poster import Answer, LostError, Poster, WholeBody
from jobs.context import Context
from models import webhook
from models.bugs import Bugs
from models.clock import now
from models.webhook import Webhook, posting, signature
from models.webhook.posting import Due

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Webhooks a job posts to at once."""

BUDGET = 15.0
"""Seconds after which the rest is left to the next sweep."""

BATCH = 20
"""Requests of a webhook that are read at once."""

OF_THE_REQUEST = range(400, 500)
"""Answers that are about one request, but for those that ask to wait: what follows may be taken."""

WAIT = (408, 425, 429)
"""Those that ask to wait."""


async def send_webhooks(ctx: Context) -> None:
    """Post what is due, for as long as the budget lasts. Safe to run many times at once.

    A bug met at one webhook is raised once all others have had their turn.
    """
    end = asyncio.get_running_loop().time() + BUDGET
    await posting.forget()
    served: list[int] = []
    bugs = Bugs()
    while asyncio.get_running_loop().time() < end:
        taken = await posting.take(AT_ONCE, but=served)
        if not taken:
            break
        served += [each.id for each in taken]
        async with asyncio.TaskGroup() as group:
            for each in taken:
                group.create_task(_serve(ctx, each, end, bugs))
    bugs.check()


async def _serve(ctx: Context, own: Webhook, end: float, bugs: Bugs) -> None:
    """A webhook's turn: it is given back afterwards, whatever went wrong."""
    with bugs.kept():
        try:
            await _post_due(ctx, own, end)
        finally:
            await asyncio.shield(posting.release(own))


async def _post_due(ctx: Context, own: Webhook, end: float) -> None:
    """Post to one webhook until nothing is due, it does not take what it is given, or the budget is spent."""
    key = ctx["settings"].secret
    if await posting.is_too_much(own.id):
        await webhook.disable(own.id, webhook.BACKLOG)
        return
    while batch := await posting.due(own.id, BATCH):
        for each in batch:
            if asyncio.get_running_loop().time() >= end:
                return
            if not await _post(ctx["poster"], own, each, key):
                return


async def _post(poster: Poster, own: Webhook, each: Due, key: bytes) -> bool:
    """One request and what became of it; whether to go on with the next."""
    at = now()
    said = {"type": each.posting.fact.value, "timestamp": each.posting.happened_at, "data": each.said}
    body = orjson.dumps(said, option=orjson.OPT_UTC_Z)
    headers = signature.signed(key, own.salts.valid(at), each.posting.message_id, at, body)
    try:
        answer = await poster.post(own.url, headers, WholeBody(body), length=len(body))
    except (NotReachedError, LostError) as error:
        log.info("webhook %d: %s", own.id, error)
        await posting.refused(each.posting, _word(error))
        return False
    return await _settle(own, each, answer)


async def _settle(own: Webhook, each: Due, answer: Answer) -> bool:
    status = str(answer.status)
    if 200 <= answer.status < 300:
        return await posting.delivered(each.posting, status)
    goes_on = await posting.refused(each.posting, status, asked=answer.retry_after)
    if answer.status == 410:
        await webhook.disable(own.id, webhook.GONE, url=own.url)
        return False
    return goes_on and answer.status in OF_THE_REQUEST and answer.status not in WAIT


def _word(error: NotReachedError | LostError) -> str:
    if isinstance(error, AddressRefusedError):
        return "ADDRESS_REFUSED"
    return "UNREACHABLE" if isinstance(error, NotReachedError) else "NO_ANSWER"
