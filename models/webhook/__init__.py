"""Webhooks: URLs of a shop's own that are told what becomes true of its outreach, at least once each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from models import database
from models.advisory_lock import AdvisoryLock
from models.clock import now
from models.errors import ErrorCode, Problem, Refused, refuse
from models.page import Ordering
from models.shop import Shop
from models.webhook import signature
from models.webhook.endpoint import Targets, check_url
from models.webhook.fact import WANTED, WebhookFact
from models.webhook.signer import Signer

MOST_WEBHOOKS = 10
"""Webhooks of a shop."""

MOST_DESCRIPTION = 200
"""Characters of what a webhook is said to be for."""

BY_SELLER = "BY_SELLER"
GONE = "GONE"
FAILING = "FAILING"
BACKLOG = "BACKLOG"
"""Why a webhook is disabled: it was asked for, the answer was 410, nothing was taken for days, too much waited."""

NEWEST_FIRST = Ordering("webhook", (("id", "integer"),), descending=True)


class Webhook(Signer):
    """One webhook of one shop. What was posted stands in models/webhook/posting.py."""

    id = fields.IntField(primary_key=True)
    shop_id = fields.IntField()
    url = fields.TextField()
    description = fields.TextField(null=True)
    facts: list[str] = ArrayField(element_type="text")
    disabled_at = fields.DatetimeField(null=True)
    disabled_reason = fields.TextField(null=True)
    failing_since = fields.DatetimeField(null=True)
    held_until = fields.DatetimeField(null=True)
    created_by = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "webhook"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a webhook is to be; None: as it is."""

    url: str | None = None
    facts: Collection[WebhookFact] | None = None
    description: str | None = None
    is_enabled: bool | None = None


async def create(shop: Shop, wish: Wish, *, targets: Targets, key: bytes, actor: str) -> Webhook:
    """A new webhook of the shop, with its secret. Refused when its wish cannot be, or the shop has enough of them."""
    columns = _checked(wish, targets)
    at, salt = now(), signature.draw_salt()
    async with database.transaction():
        await database.hold(AdvisoryLock.WEBHOOK, shop.id)
        if await Webhook.filter(shop_id=shop.id).count() >= MOST_WEBHOOKS:
            raise refuse("", f"A shop has at most {MOST_WEBHOOKS} webhooks.", ErrorCode.TOO_MANY)
        made = await Webhook.create(
            shop_id=shop.id, salt=salt, created_by=actor, created_at=at, updated_at=at, **columns
        )
    return made.reveal(key, salt)


async def edit(shop: Shop, webhook_id: int, wish: Wish, *, targets: Targets) -> Webhook:
    """Change what is wished. Enabled again, it is told of what becomes true from then on.

    What waits is tried at once where it leads now: how long to wait followed from what was met at the old URL.
    """
    columns = _checked(wish, targets)
    at = now()
    async with database.transaction():
        own = await hold(shop.id, webhook_id)
        columns |= _standing(own, wish, columns, at)
        await Webhook.filter(id=own.id).update(updated_at=at, **columns)
        # Also when it is enabled again: of what was just becoming true when it was disabled it is told no more either.
        if wish.is_enabled is not None and (own.disabled_at is not None or not wish.is_enabled):
            await give_up_waiting(own.id)
        elif columns.get("url", own.url) != own.url:
            await _hurry_waiting(own.id, at)
        return await Webhook.get(id=own.id)


async def rotate(shop: Shop, webhook_id: int, *, key: bytes) -> Webhook:
    """Take a new secret; for a day requests carry both signatures."""
    async with database.transaction():
        return await (await hold(shop.id, webhook_id)).rotate(key)


async def remove(shop: Shop, webhook_id: int) -> int:
    """Forget a webhook, what waits for it and what was posted; its id."""
    async with database.transaction():
        own = await hold(shop.id, webhook_id)
        await database.execute("DELETE FROM webhook WHERE id = $1", own.id)
    return own.id


async def disable(webhook_id: int, reason: str, *, url: str | None = None) -> None:
    """Stop posting to a webhook, because of what it answered: if that was said at a URL, only while it leads there."""
    async with database.transaction():
        stopped = await database.execute(
            "UPDATE webhook SET disabled_at = $2, disabled_reason = $3"
            " WHERE id = $1 AND disabled_at IS NULL AND url = coalesce($4, url)",
            webhook_id,
            now(),
            reason,
            url,
        )
        if stopped:
            await give_up_waiting(webhook_id)


async def give_up_waiting(webhook_id: int) -> None:
    """Nothing that waits for a webhook will be posted."""
    await database.execute(
        "UPDATE posting SET state = 'FAILED', data = '{}', answer = 'DISABLED', settled_at = $2"
        " WHERE webhook_id = $1 AND state = 'PENDING'",
        webhook_id,
        now(),
    )


async def _hurry_waiting(webhook_id: int, at: datetime) -> None:
    """Let whatever waits for a webhook be due."""
    await database.execute(
        "UPDATE posting SET not_before = $2 WHERE webhook_id = $1 AND state = 'PENDING' AND not_before > $2",
        webhook_id,
        at,
    )


async def of_shop(shop_id: int, webhook_id: int) -> Webhook | None:
    """The shop's webhook with this id."""
    return await Webhook.get_or_none(id=webhook_id, shop_id=shop_id)


async def hold(shop_id: int, webhook_id: int) -> Webhook:
    """The shop's webhook, which nobody else changes or forgets until the transaction ends. Refused when there is none."""
    own = await Webhook.filter(id=webhook_id, shop_id=shop_id).select_for_update(no_key=True).first()
    if own is None:
        raise refuse("id", "There is no such webhook.", ErrorCode.NOT_FOUND)
    return own


def _checked(wish: Wish, targets: Targets) -> dict[str, Any]:
    """The columns that a wish sets. Raises Refused with everything that is wrong in it."""
    columns: dict[str, Any] = {}
    problems: list[Problem] = []
    if wish.url is not None:
        try:
            columns["url"] = check_url(wish.url, targets=targets)
        except Refused as refused:
            problems += refused.problems
    if wish.facts is not None:
        problems += _wrong_facts(wish.facts)
        columns["facts"] = _in_order(wish.facts)
    if wish.description is not None:
        columns["description"] = wish.description.strip() or None
        if len(wish.description) > MOST_DESCRIPTION:
            message = f"A description has at most {MOST_DESCRIPTION} characters."
            problems.append(Problem(("description",), message, ErrorCode.TOO_LONG))
    if problems:
        raise Refused(problems)
    return columns


def _standing(own: Webhook, wish: Wish, columns: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """What becomes of its being disabled, and of its days of failing, which only what is new about it begins anew."""
    if wish.is_enabled is False and own.disabled_at is None:
        return {"disabled_at": at, "disabled_reason": BY_SELLER}
    if wish.is_enabled is True and own.disabled_at is not None:
        return {"disabled_at": None, "disabled_reason": None, "failing_since": None}
    return {"failing_since": None} if columns.get("url", own.url) != own.url else {}


def _wrong_facts(facts: Collection[WebhookFact]) -> list[Problem]:
    if not facts:
        return [Problem(("facts",), "A webhook is for one fact at least.")]
    if WebhookFact.TEST in facts:
        return [Problem(("facts",), "A test comes when it is asked for; it cannot be waited for.")]
    return []


def _in_order(facts: Collection[WebhookFact]) -> Sequence[str]:
    return [fact.value for fact in WANTED if fact in facts]
