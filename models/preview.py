"""Previews: a plan's message exactly as one customer, or a sample one, would get it, and what to think of it (R11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from models import content, customer, enclosure, experiment, language, occasion
from models.clock import now
from models.content import Localised
from models.content.layout import Frame
from models.content.variable import VARIABLES
from models.coupon.smart import Considered
from models.coupon.terms import CouponTerms
from models.customer import Customer
from models.delivery import MessageChannel
from models.enclosure import Enclosure
from models.errors import ErrorCode, refuse
from models.estimate import Estimate
from models.plan import Plan, wording
from models.product import Product
from models.segment import Segment
from models.shop import Shop

LONG_SUBJECT = 60
"""Characters of a subject that most mail programs show; phones show fewer."""

NO_LINK = "https://preview.invalid/"
"""Stands for links that only a real message has: a preview lets nobody unsubscribe anybody (RFC 2606 §2)."""


class AdviceCode(StrEnum):
    """What may be better about a plan, though it may be submitted."""

    MISSING_TRANSLATION = "MISSING_TRANSLATION"
    LONG_SUBJECT = "LONG_SUBJECT"
    FEW_CONDITIONS = "FEW_CONDITIONS"
    EMPTY_AUDIENCE = "EMPTY_AUDIENCE"
    NO_STORE_URL = "NO_STORE_URL"
    COUPON_NOT_RUNNING = "COUPON_NOT_RUNNING"


@dataclass(frozen=True, slots=True)
class Advice:
    """One advice, for people and for programs."""

    code: AdviceCode
    message: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would arrive: in which channel and language, with its image, button, links, products and coupon."""

    channel: MessageChannel
    language: str
    subject: str | None
    preheader: str | None
    text: str
    html: str | None
    image_url: str | None
    button: str | None
    links: Sequence[str]
    products: Sequence[Product]
    coupon: CouponTerms | None
    coupon_gives: str | None
    considered: Sequence[Considered] = ()
    """Every coupon that a smart one was chosen from, the best first (R16)."""


async def preview(
    shop: Shop, plan: Plan, *, channel: MessageChannel | None = None, tag: str | None = None, customer_id: UUID | None = None,
    variant: str | None = None,
) -> Preview:  # fmt: skip
    """How the plan's message looks in a channel, to a customer of the shop or a sample one.

    In the language `tag`, or else the customer's; as R14 chooses among the plan's texts. Of an experiment in the
    variant of this name, or else the customer's (B7). Refused when the plan does not take the channel or has no such
    variant, the customer is not the shop's, or no text would be there.
    """
    channel = _channel(plan, channel)
    reader = await _reader(shop, customer_id)
    wanted = language.canonical(tag) if tag else reader.language if reader else None
    chosen = language.choose(wanted, list(plan.content.get("texts") or {}), plan.default_language(shop))
    number = variant_number(plan, variant) if variant else _variant_of(plan, customer_id)
    enclosed = await enclosed_with(plan, number)
    text = await localised(plan, channel, chosen, enclosed, number)
    name = reader.name if reader else str(VARIABLES["name"].sample)
    spoken = await occasion.spoken(shop, plan, customer_id, chosen, now()) if plan.trigger else None
    values = spoken.values if spoken else {}
    filled = content.fill(text, {"name": name, "link": NO_LINK, "unsubscribeUrl": NO_LINK, **values})
    coupon = spoken.coupon if spoken and spoken.coupon else enclosed.coupon
    return Preview(
        channel=channel, language=chosen,
        subject=filled.subject, preheader=filled.preheader, text=filled.text, html=filled.html,
        image_url=enclosed.image_url, button=enclosed.label(chosen), links=_links(enclosed, channel),
        products=(spoken.products if spoken else ()) or enclosed.products,
        coupon=coupon, coupon_gives=coupon.gives(shop.currency, chosen) if coupon else None,
        considered=spoken.considered if spoken else (),
    )  # fmt: skip


async def advice(shop: Shop, plan: Plan, estimated: Estimate, shown: Preview) -> list[Advice]:
    """What may be better about the plan, seeing its audience and its message."""
    enclosed = await enclosure.of_plan(plan.id)
    return [
        *_about_audience(estimated),
        *_about_translations(shop, plan, estimated),
        *await _about_conditions(plan),
        *_about_subject(shown),
        *_about_links(shown, enclosed),
        *await _about_coupon(plan),
    ]


def _channel(plan: Plan, channel: MessageChannel | None) -> MessageChannel:
    if channel is None:
        return plan.channel.channels[0]
    if channel not in plan.channel.channels:
        message = f"This plan goes by {plan.channel}, so it can be seen as {' or '.join(plan.channel.channels)}."
        raise refuse("channel", message, rule="R11")
    return channel


async def _reader(shop: Shop, customer_id: UUID | None) -> Customer | None:
    if customer_id is None:
        return None
    found = (await customer.of_shop(shop.id, [customer_id])).get(customer_id)
    if found is None:
        raise refuse("customerId", "There is no such customer.", ErrorCode.NOT_FOUND)
    return found


def variant_number(plan: Plan, name: str) -> int:
    """The number of the plan's variant with this name; refused when it has none."""
    tried = plan.decided.experiment
    number = experiment.number_of(name, tried)
    if number is None:
        there_are = ", ".join(experiment.names(tried))
        raise refuse("variant", f"There is no such variant; this plan has {there_are}.", ErrorCode.NOT_FOUND, rule="B7")
    return number


def _variant_of(plan: Plan, customer_id: UUID | None) -> int:
    """The variant that a customer gets, as far as it is known; else the first."""
    drawn = experiment.variant_of(plan.id, plan.decided.experiment, customer_id) if customer_id else None
    return drawn if drawn is not None else plan.winner or 0


async def enclosed_with(plan: Plan, number: int) -> Enclosure:
    """What comes with a variant of the plan."""
    decided = plan.decided
    return (await enclosure.with_coupons(plan.id, experiment.coupon_ids(decided.coupon_id, decided.experiment)))[number]


async def localised(plan: Plan, channel: str, chosen: str, enclosed: Enclosure, number: int) -> Localised:
    """The text of a variant that was pinned when the plan started; before, as it would be."""
    key = (plan.id, channel, chosen, number)
    if plan.localised_at is not None:
        return (await wording.load([key]))[key]
    frame: Frame = enclosed.frame(chosen)
    said = experiment.contents(plan.content, plan.decided.experiment)[number]
    return content.localise(said, channel=channel, language=chosen, constants=enclosed.constants(chosen), frame=frame)


def _links(enclosed: Enclosure, channel: str) -> list[str]:
    """Where the message leads, in the order it stands in it; a chat's links are the app's own."""
    if channel != "EMAIL":
        return []
    shown = [enclosed.page(each) for each in enclosed.products]
    button = enclosed.address(enclosed.button) if enclosed.button else None
    return [link for link in (*shown, button) if link]


def _about_audience(estimated: Estimate) -> list[Advice]:
    if estimated.audience:
        return []
    return [Advice(AdviceCode.EMPTY_AUDIENCE, "Nobody is in the segment now, so nobody would get the message.")]


def _about_translations(shop: Shop, plan: Plan, estimated: Estimate) -> list[Advice]:
    texts = list(plan.content.get("texts") or {})
    untranslated = [
        (tag, count) for tag, count in estimated.languages if tag and not language.choose(tag, texts, default="")
    ]
    return [
        Advice(
            AdviceCode.MISSING_TRANSLATION,
            f"{count} customers read {tag}; without a text for it they get {plan.default_language(shop)}.",
        )
        for tag, count in untranslated
    ]


async def _about_conditions(plan: Plan) -> list[Advice]:
    if plan.segment_id is None:
        return []
    segment = await Segment.get(id=plan.segment_id)
    return [Advice(AdviceCode.FEW_CONDITIONS, message) for message in segment.advice()]


def _about_subject(shown: Preview) -> list[Advice]:
    length = len(shown.subject or "")
    if length <= LONG_SUBJECT:
        return []
    message = f"The subject has {length} characters; many mail programs show {LONG_SUBJECT}."
    return [Advice(AdviceCode.LONG_SUBJECT, message)]


def _about_links(shown: Preview, enclosed: Enclosure) -> list[Advice]:
    if shown.channel != "EMAIL" or enclosed.store_url or not (enclosed.products or enclosed.button):
        return []
    message = "The platform has told of no store page, so the email shows neither products nor the button."
    return [Advice(AdviceCode.NO_STORE_URL, message)]


async def _about_coupon(plan: Plan) -> list[Advice]:
    await plan.fetch_related("coupon")
    at = max(plan.send_at or now(), now())
    problems = plan.coupon.not_running(at) if plan.coupon else []
    return [Advice(AdviceCode.COUPON_NOT_RUNNING, problem.message) for problem in problems]
