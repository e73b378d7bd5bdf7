"""Whether what a seller decides about a plan can be: in part when a draft is kept, completely at submit (R8)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import content, coupon, experiment, product
from models.clock import TOLERANCE, now, readable
from models.content_rule import violation
from models.content_rule.disguise import is_blank
from models.errors import ErrorCode, Problem, Refused
from models.experiment import holdout
from models.plan import automation
from models.plan.draft import PlanDraft
from models.plan.image import check_image
from models.product import MOST_SHOWN
from models.scenario import SCENARIOS, Destination
from models.segment import Segment
from models.shop import Shop

MAX_NAME_WORDS = 100
MAX_NAME_LENGTH = 1000
MAX_SCHEDULE = timedelta(days=366)
"""Words and characters of a plan's name, and how far ahead it may be scheduled, at most (R8)."""


def check_name(name: str) -> list[Problem]:
    """R8: a plan's name has 1–100 words, of each of which something can be seen."""
    words = sum(not is_blank(word) for word in name.split())
    if 1 <= words <= MAX_NAME_WORDS and len(name) <= MAX_NAME_LENGTH:
        return []
    message = (
        f"A name has 1–{MAX_NAME_WORDS} words and at most {MAX_NAME_LENGTH} characters,"
        f" not {words} words and {len(name)} characters."
    )
    return [Problem(("name",), message, ErrorCode.TOO_LONG if words else ErrorCode.INVALID, "R8")]


def check_template(code: str | None) -> list[Problem]:
    """R8: what a plan's texts were made from is one of the templates there are."""
    if code is None or code in SCENARIOS:
        return []
    message = f"There is no such template; there are: {', '.join(SCENARIOS)}."
    return [Problem(("template",), message, ErrorCode.NOT_FOUND, "R8")]


async def check(
    shop: Shop, draft: PlanDraft, *, complete_at: datetime | None = None, kept: PlanDraft | None = None
) -> None:
    """Refuse a draft in which something cannot be.

    With `complete_at`, the time it would start, it must also be fit to be sent then: with every text
    that anyone would get (R14), and with a coupon that runs. `kept` is what the plan said already: its time may
    have come while it was a draft, its template may be gone, and its segment archived, which matters at the submit.
    """
    problems = [
        *check_name(draft.name),
        *_check_changed(draft, kept),
        *await _check_audience(shop, draft, kept, is_complete=complete_at is not None),
        *_check_automation(draft, complete_at),
        *holdout.check_share(draft.holdout_percent, is_marketing=draft.is_marketing),
        *await _check_products(shop, draft.product_ids),
        *check_image(draft.image_url),
        *await _check_coupon(shop, draft.coupon_id, complete_at),
        *experiment.check(draft.experiment),
        *_check_button(draft),
        *await _check_said(
            shop, draft, draft.content, _coupons_of_own_texts(draft), is_complete=complete_at is not None
        ),
        *await _check_variants(shop, draft, complete_at),
    ]
    if complete_at is not None and not problems:
        problems += experiment.check_languages(draft.content, draft.experiment)
    if problems:
        raise Refused(problems)


def _check_changed(draft: PlanDraft, kept: PlanDraft | None) -> list[Problem]:
    """What is wrong with the template and the time, of each only when it is not what the plan said already."""
    problems = []
    if kept is None or draft.template != kept.template:
        problems += check_template(draft.template)
    if kept is None or draft.send_at != kept.send_at:
        problems += check_not_past(draft.send_at, now(), "startAt" if draft.automation else "sendAt")
    return problems


async def _check_audience(shop: Shop, draft: PlanDraft, kept: PlanDraft | None, *, is_complete: bool) -> list[Problem]:
    """R9: only an automated plan may go to everybody. A segment archived since the draft was made matters at its submit."""
    if draft.automation and draft.segment_id is None:
        return []
    if kept is not None and draft.segment_id == kept.segment_id and not is_complete:
        return []
    if await Segment.exists(id=draft.segment_id or 0, shop_id=shop.id, archived_at=None):
        return []
    return [Problem(("segmentId",), "There is no such segment.", ErrorCode.NOT_FOUND)]


def _check_automation(draft: PlanDraft, complete_at: datetime | None) -> list[Problem]:
    if draft.automation is None:
        return []
    return automation.check(
        draft.automation, channel=draft.channel, segment_id=draft.segment_id, product_ids=draft.product_ids,
        coupon_id=draft.coupon_id, starts_at=complete_at or draft.send_at,
        has_experiment=draft.experiment is not None, has_local_time=draft.local_time is not None,
    )  # fmt: skip


def _check_button(draft: PlanDraft) -> list[Problem]:
    """R8: a button to the product needs one, the plan's own or its occasion's."""
    shows_products = draft.product_ids or (draft.automation and draft.automation.trigger.has_products)
    if draft.button is not Destination.PRODUCT or shows_products:
        return []
    return [Problem(("button",), "A button to the product needs a product; PRODUCTS needs none.", rule="R8")]


async def _check_said(
    shop: Shop, draft: PlanDraft, said: Mapping[str, Any], coupon_ids: Collection[int | None], *, is_complete: bool
) -> list[Problem]:
    """What is wrong with what the plan, or one of its variants, says with each of these coupons, None being no coupon.

    While it is a draft it may say nothing yet.
    """
    if not is_complete and not said.get("texts"):
        return []
    return content.validate(
        said,
        channel=draft.channel,
        default_language=shop.default_language,
        variables=draft.variables,
        coupons=_have_coupon(draft, coupon_ids) if is_complete else (),
        complete=is_complete,
    ) + await violation.problems(said, {"shop": shop.name})


def _coupons_of_own_texts(draft: PlanDraft) -> list[int | None]:
    """The coupons that come with the plan's own texts: its own, and those of variants that say the same."""
    variants = draft.experiment.variants if draft.experiment else ()
    return [draft.coupon_id, *(each.coupon_id for each in variants if each.content is None and each.has_own_coupon)]


def _have_coupon(draft: PlanDraft, coupon_ids: Collection[int | None]) -> set[bool]:
    """Whether a coupon comes with a message: with some, where each customer gets their own best one or none."""
    if draft.automation and draft.automation.has_smart_coupon:
        return {True, False}
    return {coupon_id is not None for coupon_id in coupon_ids}


async def _check_variants(shop: Shop, draft: PlanDraft, complete_at: datetime | None) -> list[Problem]:
    """What is wrong with the texts and coupons of variants B, C and D."""
    problems = []
    for place, variant in enumerate(draft.experiment.variants[: experiment.MOST_VARIANTS] if draft.experiment else ()):
        found = await _check_coupon(shop, variant.coupon_id, complete_at)
        if variant.content is not None:
            coupon_id = variant.coupon_id if variant.has_own_coupon else draft.coupon_id
            found += await _check_said(shop, draft, variant.content, [coupon_id], is_complete=complete_at is not None)
        problems += [replace(each, field=("experiment", "variants", str(place), *each.field)) for each in found]
    return problems


def check_schedule(send_at: datetime | None, at: datetime) -> list[Problem]:
    """A plan is scheduled at most a year ahead, and for no time that is past."""
    if send_at is None or send_at <= at + MAX_SCHEDULE:
        return check_not_past(send_at, at, "sendAt")
    latest = readable(at + MAX_SCHEDULE)
    return [Problem(("sendAt",), f"A plan can be scheduled up to {latest}, {MAX_SCHEDULE.days} days ahead.")]


def check_not_past(send_at: datetime | None, at: datetime, field: str) -> list[Problem]:
    """A time that is past, by more than clocks differ, is a mistake: a mistyped year must not write to everybody now."""
    if send_at is None or send_at >= at - TOLERANCE:
        return []
    message = (
        f"{readable(send_at)} is past: it is {readable(at)} now. Without a time the plan begins when it is submitted."
    )
    return [Problem((field,), message, ErrorCode.IN_PAST)]


async def _check_products(shop: Shop, product_ids: Sequence[UUID]) -> list[Problem]:
    if len(product_ids) > MOST_SHOWN:
        message = f"A plan shows at most {MOST_SHOWN} products, not {len(product_ids)}."
        return [Problem(("productIds",), message, ErrorCode.TOO_MANY, "R8")]
    known = await product.of_shop(shop.id, product_ids)
    problems: list[Problem] = []
    for position, product_id in enumerate(product_ids):
        field = ("productIds", str(position))
        if product_id not in known:
            problems.append(Problem(field, "There is no such product.", ErrorCode.NOT_FOUND))
        elif product_id in product_ids[:position]:
            problems.append(Problem(field, "A plan shows a product once.", ErrorCode.CONFLICT, "R8"))
        else:
            problems += violation.problems_of(field, known[product_id].title)
    return problems


async def _check_coupon(shop: Shop, coupon_id: int | None, complete_at: datetime | None) -> list[Problem]:
    if coupon_id is None:
        return []
    found = await coupon.of_shop(shop.id, coupon_id)
    if found is None:
        return [Problem(("couponId",), "There is no such coupon.", ErrorCode.NOT_FOUND)]
    return found.not_running(complete_at) if complete_at is not None else []
