"""Nobody reaches another's data: the whole schema, walked with two shops and two shoppers.

Each root field has a case. It is asked by its owner, who gets their own; then by the other one with the
owner's ids, who gets exactly what unknown ids get; then by every other role and by nobody, who are
refused. Nothing of the owner's appears in what others get, and nothing of theirs changes. A field of the
schema without a case, or that no case selects, fails.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    visit,
)
from starlette.applications import Starlette

from models import chat_platform, conversation, violation, webhook
from models import database as databases
from models.caller import Role, caller_of
from models.clock import now
from models.content_rule import Way
from models.content_rule.violation import Violation as Breach
from models.coupon import Coupon
from models.coupon.claim import claim
from models.coupon.terms import Visibility
from models.identifier import product_id
from models.message import MessageKey
from models.plan import Plan
from models.segment import Segment
from models.segment import size as segment_size
from models.segment.definition import define
from models.shop import Shop
from models.webhook import Wish, posting
from models.webhook.fact import Fact
from resolvers import global_id
from resolvers.context import Context
from schema import schema
from schema.operation import Engine, Operation, Ready
from settings import Settings
from tests.api import Api, seller, shopper, token_of
from tests.automation import welcome
from tests.factories import TEXTS, make_coupon, make_customers, make_draft, make_resolved, make_shop

BUILT = build_schema(schema.as_str())
NOTHING: UUID = uuid4()
TEXT_LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]


@dataclass(frozen=True)
class Side:
    """One shop with one shopper, and everything of theirs; `mark` is in all their texts."""

    mark: str
    shop: Shop
    customer: UUID
    segment: Segment
    own: Segment
    draft: Plan
    automated: Plan
    running: Plan
    paused: Plan
    product: UUID
    coupon: Coupon
    webhook: int

    @property
    def shopper(self) -> str:
        """The shopper's external id."""
        return f"{self.mark}-0"

    @property
    def ids(self) -> dict[str, str]:
        """A global id of each type."""
        return {
            "Shop": global_id.encode("Shop", self.shop.id),
            "Segment": global_id.encode("Segment", self.segment.id),
            "Own": global_id.encode("Segment", self.own.id),
            "Plan": global_id.encode("Plan", self.running.id),
            "Draft": global_id.encode("Plan", self.draft.id),
            "Automated": global_id.encode("Plan", self.automated.id),
            "Paused": global_id.encode("Plan", self.paused.id),
            "Customer": global_id.encode("Customer", self.customer),
            "Product": global_id.encode("Product", self.product),
            "Message": global_id.encode("Message", self.running.id, self.customer, ""),
            "Conversation": global_id.encode("Conversation", self.shop.id, self.customer),
            "Coupon": global_id.encode("Coupon", self.coupon.id),
            "Offer": global_id.encode("Offer", self.coupon.id),
            "Recommendation": global_id.encode("Recommendation", self.shop.id, "HOLDOUT_OFF", ""),
            "Webhook": global_id.encode("Webhook", self.webhook),
        }


async def make_side(mark: str) -> Side:
    shop = await make_shop(f"{mark}-shop", name=f"{mark} store")
    (customer,) = await make_customers(shop, 1, prefix=f"{mark}-")
    product = product_id(shop.external_id, "p")
    await databases.execute(
        "INSERT INTO product (id, shop_id, external_id, title, category, price, created_at, updated_at)"
        " VALUES ($1, $2, $3, $3, $3, 100, $4, $4)",
        product,
        shop.id,
        f"{mark} soap",
        now(),
    )
    texts = {"en": {"text": f"{mark} greetings to {{name}}"}}
    coupon = await make_coupon(
        shop, name=f"{mark} coupon", visibility=Visibility.PRIVATE, customer_limit=2, product_ids=[product]
    )
    running = await make_resolved(
        shop, name=f"{mark} plan", content={"texts": texts}, product_ids=[product], coupon_id=coupon.id
    )
    await claim(customer, coupon.id)
    await conversation.reply(MessageKey(running.id, customer), f"{mark} asks", actor="test")
    paused = await make_resolved(shop, name=f"{mark} pause")
    await paused.pause()
    draft = await make_draft(shop, name=f"{mark} draft")
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    automated = await make_draft(
        shop, name=f"{mark} welcome", segment_id=segment.id, content={"texts": texts}, automation=welcome()
    )
    own = await Segment.make(shop, f"{mark} segment", define(shop, text="orders >= 2"), actor="test")
    await segment_size.measure([segment])
    await chat_platform.connect(shop, f"https://chat.example/{mark}", targets="public", key=b"key")
    hook = Wish(url=f"https://{mark}.example/hook", facts=[Fact.MESSAGE_READ], description=f"{mark} hook")
    told = await webhook.create(shop, hook, targets="public", key=b"key", actor="test")
    await posting.ask_test(told)
    refused = Breach(("texts", "en", "text"), Way.LINK, f"{mark}.example").problem(f"See {mark}.example")
    await violation.note(shop.id, running.id, [refused], actor="test")
    return Side(mark, shop, customer, segment, own, draft, automated, running, paused, product, coupon, told.id)


UNKNOWN = {
    "Shop": global_id.encode("Shop", 2_000_000_000),
    "Segment": global_id.encode("Segment", 2_000_000_000),
    "Own": global_id.encode("Segment", 2_000_000_000),
    "Plan": global_id.encode("Plan", 2_000_000_000),
    "Draft": global_id.encode("Plan", 2_000_000_000),
    "Automated": global_id.encode("Plan", 2_000_000_000),
    "Paused": global_id.encode("Plan", 2_000_000_000),
    "Customer": global_id.encode("Customer", NOTHING),
    "Product": global_id.encode("Product", NOTHING),
    "Message": global_id.encode("Message", 2_000_000_000, NOTHING, ""),
    "Conversation": global_id.encode("Conversation", 2_000_000_000, NOTHING),
    "Coupon": global_id.encode("Coupon", 2_000_000_000),
    "Offer": global_id.encode("Offer", 2_000_000_000),
    "Recommendation": global_id.encode("Recommendation", 2_000_000_000, "HOLDOUT_OFF", ""),
    "Webhook": global_id.encode("Webhook", 2_000_000_000),
}

Ids = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """How one root field is asked, by which role, with variables made of someone's ids."""

    role: Role
    document: str
    variables: Callable[[Ids], dict[str, Any]] = lambda _: {}
    mentions_owner: bool = True
    """Whether the owner's own answer has the owner's mark in it: the proof that the case reaches data at all."""


CUSTOMER = (
    "id externalId name language timeZone country region emailConsent { state source at } isSuppressed chatBlockedAt"
)
PRODUCT = "id externalId title category price { amount currency } imageUrl"
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
ACCESS_CHANGE = "stateFrom stateTo mayEmail reason score gmv changedAt"
CHAT_PLATFORM = "url secret rotatedAt createdAt updatedAt"
SHOP = (
    "id externalId name currency timeZone defaultLanguage country score gmv { amount currency } gmvDays storeUrl mailTracking"
    " emailSender { address replyTo postalAddress unmet domain { domain state checkedAt findings { check passes message } } }"
    " quota { week tier basic readReward unsubscribeReward total used left refreshesAt"
    " comparison { peers sent read unsubscribed readBeaten unsubscribeBeaten } }"
    " holdout { planPercent controlPercent controlSince } messagesPerMinute quietHours { hours { since until } exceptions { region hours { since until } } }"
    f" access {{ state reason mayEmail since history(first: 1) {{ edges {{ cursor node {{ {ACCESS_CHANGE} }} }}"
    f" nodes {{ {ACCESS_CHANGE} }} {PAGE_INFO} }} }}"
    f" chatPlatform {{ {CHAT_PLATFORM} }} createdAt"
)
COUPON = (
    "id name code visibility status segment { id } percentage amount { amount currency }"
    " minimumSpend { amount currency } products { id title } startsAt endsAt totalLimit customerLimit claimed endedAt"
    " createdAt updatedAt"
)
OFFER = (
    "id name gives percentage amount { amount currency } minimumSpend { amount currency } startsAt endsAt status"
    " claimsLeft"
)
CLAIM = f"id code offer {{ {OFFER} }} claimedAt redeemedAt discount {{ amount currency }}"
ENTRY = "action statusFrom statusTo actor reason happenedAt"
TRIAL = "address language variant state reason createdAt settledAt"
SEGMENT = (
    f"id name preset version conditions text advice size archivedAt createdAt updatedAt"
    f" members(first: 5) {{ edges {{ cursor node {{ {CUSTOMER} }} }} nodes {{ {CUSTOMER} }} {PAGE_INFO} }}"
)
INSIGHT = (
    "membership(customerId: $customer) { isMember hasInteracted reasons { path text holds found decides } }"
    " profile { size ages { least below count } genders { value count } regions { value count }"
    " languages { value count } orders { least below count } lifetimeValues { least below count } }"
    " sizeHistory { day size version measuredAt } versions { version conditions text changedAt }"
)
PROGRESS = (
    "planId version status statusReason isStopped isResolved recipients pending inFlight sent failed unknown mayRepeat"
    " breakdown { state reason channel language count }"
)
PLAN = (
    f"id kind name channel status statusReason segment {{ {SEGMENT} }} template"
    f" texts {{ language text subject preheader }} products {{ {PRODUCT} }} coupon {{ id name }} button holdoutPercent sendAt localTime deadline createdAt updatedAt"
    " trigger smartCoupon endsAt quietFrom quietUntil"
    " parameters { steps watchedDays minimumDropPercent watchedBy followersOnly useProductCycle }"
    f" submittedAt startedAt finishedAt progress {{ {PROGRESS} }} allowedActions trials {{ {TRIAL} }}"
    f" history(first: 1) {{ edges {{ cursor node {{ {ENTRY} }} }} nodes {{ {ENTRY} }} {PAGE_INFO} }}"
)
OUTCOME = "state reason count"
ACTIVITY = (
    "sent read clicked readByMachines clickedByMachines replied unsubscribed couponsClaimed couponsRedeemed orders gmv"
)
PART = f"key activity {{ {ACTIVITY} }} readRate clickRate orderRate"
OF_PRODUCT = f"product {{ id title }} activity {{ {ACTIVITY} }}"
FIGURES = (
    f"recipients delivered unknown toGo failed {{ {OUTCOME} }} heldBack {{ {OUTCOME} }} waiting {{ {OUTCOME} }}"
    " read clicked readByMachines clickedByMachines replied unsubscribed couponsClaimed couponsRedeemed orders buyers"
    " gmv { amount currency } ordersTakenBack gmvTakenBack { amount currency }"
    " deliveryRate readRate clickRate replyRate unsubscribeRate orderRate funnel { touched viewed carted ordered }"
    f" parts {{ channels {{ {PART} }} languages {{ {PART} }} products {{ {OF_PRODUCT} }} }}"
)
EXPERIMENT = (
    "percent metric hours decidesAt decidedAt winner verdict { best pValue isSignificant }"
    " variants { name texts { language text } coupon { id name } result { delivered read clicked buyers gmv } }"
)
LIFT_GROUP = "customers buyers orders gmv"
LIFT_DIFFERENCE = "treated heldOut difference low high isSure extra extraLow extraHigh"
COMPARISON = (
    f"comparison {{ treated {{ {LIFT_GROUP} }} heldOut {{ {LIFT_GROUP} }} buyers {{ {LIFT_DIFFERENCE} }}"
    f" gmv {{ {LIFT_DIFFERENCE} }} shortage }}"
)
LIFT = f"currency days since until isComplete {COMPARISON}"
SHOP_LIFT = (
    f"first last currency days plans isComplete {COMPARISON}"
    f" controlGroups {{ beginsAt endsAt currency isComplete {COMPARISON} }}"
)
RECOMMENDATION = (
    "id kind priority message numbers { name value } segment { id name } coupon { id name } timeZone language"
)
PERFORMANCE = "until plans delivered read clicked orders gmv { amount currency } readRate clickRate orderRate"
OVERVIEW = (
    f"first last currency days {{ day activity {{ {ACTIVITY} }} }} total {{ {ACTIVITY} }} before {{ {ACTIVITY} }}"
    f" channels {{ key activity {{ {ACTIVITY} }} }} languages {{ key activity {{ {ACTIVITY} }} }}"
    f" plans {{ plan {{ id name }} activity {{ {ACTIVITY} }} }} products {{ {OF_PRODUCT} }}"
)
SCENARIO = (
    "code name kind destination variables { name kind meaning sample }"
    " templates { language { tag name reviewedByNativeSpeaker } title text subject preheader button }"
)
MESSAGE_ALONE = "id sender { id name isBlocked } text language sentAt readAt clickedAt conversation { id size }"
MESSAGE = (
    f"{MESSAGE_ALONE} button {{ destination label url }}"
    f" products {{ externalId title price {{ amount currency }} imageUrl url }} coupon {{ {OFFER} }}"
)
VIOLATION = "shopId shopExternalId planId way words field text actor count firstAt lastAt"
REMARK = "number author text plan { id name } writtenAt"
CONVERSATION = (
    f"id customer {{ {CUSTOMER} }} openedAt lastAt lastAuthor size"
    f" remarks(first: 5) {{ edges {{ cursor node {{ {REMARK} }} }} nodes {{ {REMARK} }} {PAGE_INFO} }}"
)
WEBHOOK_POSTING = "messageId fact state attempts answer happenedAt triedAt notBefore settledAt"
SENDING = "isStopped reason stoppedAt stoppedBy inFlight"
TRIGGERS = (
    "{ triggers { code title description parameters { name kind description default least greatest most options }"
    " variables button hasProducts isMarketing } }"
)
ERRORS = "userErrors { field message code rule }"
ROWS = "results { index id errors { field message code } }"


def connection(node: str) -> str:
    return f"{{ edges {{ cursor node {{ {node} }} }} nodes {{ {node} }} {PAGE_INFO} }}"


def mutation(name: str, payload: str) -> str:
    capital = name[0].upper() + name[1:]
    return f"mutation ($input: {capital}Input!) {{ {name}(input: $input) {{ {payload} {ERRORS} }} }}"


def rows(row: dict[str, Any]) -> Callable[[Ids], dict[str, Any]]:
    return lambda _: {"input": {"shop": "alpha-shop", "rows": [row]}}


TIMELINE = (
    "at kind what reason channel language messageId plan { id name } coupon { id name } product { id title } order"
    " amount { amount currency } seconds considered { couponId verdict saving }"
)
WEBHOOK = (
    "id url description facts secret isEnabled disabledAt disabledReason failingSince rotatedAt createdAt updatedAt"
    f" postings(first: 2) {connection(WEBHOOK_POSTING)}"
)
AT = "2026-01-10T00:00:00Z"
ANY_NODE = f"""... on Shop {{ {SHOP} }} ... on Segment {{ {SEGMENT} }} ... on Plan {{ {PLAN} }}
  ... on Conversation {{ conversationSize: size lastAuthor }}
  ... on Coupon {{ couponName: name couponStatus: status }} ... on Customer {{ customerExternalId: externalId customerName: name }} ... on Product {{ {PRODUCT} }} ... on Message {{ {MESSAGE_ALONE} }}"""

CASES: dict[str, Case] = {
    "Query.node": Case(
        Role.OWNER, f"query ($id: ID!) {{ node(id: $id) {{ id {ANY_NODE} }} }}", lambda ids: {"id": ids["Plan"]}
    ),
    "Query.nodes": Case(
        Role.OWNER,
        f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id {ANY_NODE} }} }}",
        lambda ids: {
            "ids": [ids[kind] for kind in ("Shop", "Segment", "Plan", "Draft", "Coupon", "Customer", "Product")]
        },
    ),
    "Query.shop": Case(Role.OWNER, f"{{ shop {{ {SHOP} }} }}"),
    "Query.segments": Case(Role.OWNER, f"{{ segments(first: 7) {connection(SEGMENT)} }}"),
    "Query.segment": Case(
        Role.OWNER,
        f"query ($id: ID!, $customer: ID!) {{ segment(id: $id) {{ {SEGMENT} {INSIGHT} performance {{ {PERFORMANCE} }} }} }}",
        lambda ids: {"id": ids["Segment"], "customer": ids["Customer"]},
    ),
    "Query.segmentPreview": Case(
        Role.OWNER,
        "query ($plan: ID!) { segmentPreview(conditions: {any: [{orders: {min: 1}}, {messageRead: {plan: $plan}}]})"
        f" {{ size members {connection(CUSTOMER)} conditions text advice {ERRORS} }} }}",
        lambda ids: {"plan": ids["Plan"]},
    ),
    "Query.segmentOverlap": Case(
        Role.OWNER,
        "query ($one: ID!, $other: ID!) { segmentOverlap(one: $one, other: $other) { one other both } }",
        lambda ids: {"one": ids["Segment"], "other": ids["Segment"]},
        mentions_owner=False,
    ),
    "Query.plans": Case(Role.OWNER, f"{{ plans(first: 5) {connection(PLAN)} }}"),
    "Query.plan": Case(
        Role.OWNER,
        f"query ($id: ID!) {{ plan(id: $id) {{ {PLAN} figures {{ {FIGURES} }} lift {{ {LIFT} }} experiment {{ {EXPERIMENT} }}"
        " export { url expiresAt } } }",
        lambda ids: {"id": ids["Plan"]},
    ),
    "Query.planPreview": Case(
        Role.OWNER,
        "query ($plan: ID!, $customer: ID!) { planPreview(planId: $plan, customerId: $customer) { preview {"
        f" channel language subject preheader text html button links products {{ {PRODUCT} }}"
        " coupon { name gives startsAt endsAt } considered { couponId verdict saving } } advice { code message }"
        f" {ERRORS} }} }}",
        lambda ids: {"plan": ids["Plan"], "customer": ids["Customer"]},
    ),
    "Query.automatedPlanDryRun": Case(
        Role.OWNER,
        "query ($plan: ID!) { automatedPlanDryRun(planId: $plan) { dryRun { days messages heldOut blocked leavesOut customers hours isComplete"
        f" segments {{ segment {{ id }} customers }} }} {ERRORS} }} }}",
        lambda ids: {"plan": ids["Automated"]},
        mentions_owner=False,
    ),
    "Query.triggers": Case(
        Role.OWNER,
        TRIGGERS,
        mentions_owner=False,
    ),
    "Query.planEstimate": Case(
        Role.OWNER,
        "query ($plan: ID!) { planEstimate(planId: $plan) { estimate { audience reachable heldOut cappedToday withoutConsent"
        f" reach {{ channel language count }} refusals {{ reason count }} }} {ERRORS} }} }}",
        lambda ids: {"plan": ids["Plan"]},
        mentions_owner=False,
    ),
    "Query.overview": Case(
        Role.OWNER,
        f'{{ overview(from: "2026-01-01", to: "2026-01-31") {{ {OVERVIEW} }} }}',
    ),
    "Query.liftOverview": Case(
        Role.OWNER,
        f'{{ liftOverview(from: "2026-01-01", to: "2026-01-31") {{ {SHOP_LIFT} }} }}',
        mentions_owner=False,
    ),
    "Query.conversations": Case(Role.OWNER, f"{{ conversations(first: 5) {connection(CONVERSATION)} }}"),
    "Query.conversation": Case(
        Role.OWNER,
        f"query ($id: ID!) {{ conversation(id: $id) {{ {CONVERSATION} }} }}",
        lambda ids: {"id": ids["Conversation"]},
    ),
    "Query.recommendations": Case(Role.OWNER, f"{{ recommendations {{ {RECOMMENDATION} }} }}", mentions_owner=False),
    "Query.coupons": Case(Role.OWNER, f"{{ coupons(first: 5) {connection(COUPON)} }}"),
    "Query.coupon": Case(
        Role.OWNER, f"query ($id: ID!) {{ coupon(id: $id) {{ {COUPON} }} }}", lambda ids: {"id": ids["Coupon"]}
    ),
    "Query.scenarios": Case(Role.OWNER, f"{{ scenarios {{ {SCENARIO} }} }}", mentions_owner=False),
    "Query.violations": Case(
        Role.PLATFORM,
        f"query ($shop: ID!) {{ violations(shopId: $shop) {connection(VIOLATION)} }}",
        lambda ids: {"shop": ids["Shop"]},
    ),
    "Query.customerTimeline": Case(
        Role.OWNER,
        f"query ($id: ID!) {{ customerTimeline(customerId: $id, first: 10) {connection(TIMELINE)} }}",
        lambda ids: {"id": ids["Customer"]},
    ),
    "Query.webhooks": Case(Role.OWNER, f"{{ webhooks(first: 5) {connection(WEBHOOK)} }}"),
    "Query.webhook": Case(
        Role.OWNER, f"query ($id: ID!) {{ webhook(id: $id) {{ {WEBHOOK} }} }}", lambda ids: {"id": ids["Webhook"]}
    ),
    "Query.offers": Case(
        Role.CUSTOMER,
        f"query ($shop: ID!) {{ offers(shopId: $shop) {connection(OFFER)} }}",
        lambda ids: {"shop": ids["Shop"]},
    ),
    "Query.claims": Case(Role.CUSTOMER, f"{{ claims(first: 5) {connection(CLAIM)} }}"),
    "Query.inbox": Case(Role.CUSTOMER, f"{{ inbox {connection(MESSAGE)} }}"),
    "Query.message": Case(
        Role.CUSTOMER, f"query ($id: ID!) {{ message(id: $id) {{ {MESSAGE} }} }}", lambda ids: {"id": ids["Message"]}
    ),
    "Query.sending": Case(Role.PLATFORM, f"{{ sending {{ {SENDING} }} }}", mentions_owner=False),
    "Mutation.shopsUpsert": Case(
        Role.PLATFORM,
        mutation("shopsUpsert", ROWS),
        lambda _: {
            "input": {
                "rows": [
                    {
                        "externalId": "alpha-shop",
                        "name": "alpha store",
                        "currency": "USD",
                        "timeZone": "UTC",
                        "defaultLanguage": "en",
                    }
                ]
            }
        },
        mentions_owner=False,
    ),
    "Mutation.customersUpsert": Case(
        Role.PLATFORM, mutation("customersUpsert", ROWS), rows({"externalId": "alpha-0"}), mentions_owner=False
    ),
    "Mutation.productsUpsert": Case(
        Role.PLATFORM,
        mutation("productsUpsert", ROWS),
        rows({"externalId": "p", "title": "Soap"}),
        mentions_owner=False,
    ),
    "Mutation.ordersUpsert": Case(
        Role.PLATFORM,
        mutation("ordersUpsert", ROWS),
        rows({"externalId": "o", "customer": "alpha-0", "orderedAt": AT, "amount": 1, "currency": "USD"}),
        mentions_owner=False,
    ),
    "Mutation.eventsUpsert": Case(
        Role.PLATFORM,
        mutation("eventsUpsert", ROWS),
        rows({"externalId": "e", "customer": "alpha-0", "kind": "FOLLOWED", "occurredAt": AT}),
        mentions_owner=False,
    ),
    "Mutation.livesUpsert": Case(
        Role.PLATFORM,
        mutation("livesUpsert", ROWS),
        rows({"externalId": "l", "title": "LIVE", "startsAt": AT}),
        mentions_owner=False,
    ),
    "Mutation.priceChangesUpsert": Case(
        Role.PLATFORM,
        mutation("priceChangesUpsert", ROWS),
        rows({"product": "p", "changedAt": AT, "price": 1, "currency": "USD"}),
        mentions_owner=False,
    ),
    "Mutation.quietHoursUpdate": Case(
        Role.OWNER,
        mutation(
            "quietHoursUpdate", "quietHours { hours { since until } exceptions { region hours { since until } } }"
        ),
        lambda _: {
            "input": {
                "hours": {"since": "21:00", "until": "09:00"},
                "exceptions": [{"region": "MX-JAL"}, {"region": "MX"}],
            }
        },
        mentions_owner=False,
    ),
    "Mutation.sendRateUpdate": Case(
        Role.PLATFORM,
        mutation("sendRateUpdate", "messagesPerMinute"),
        lambda _: {"input": {"shop": "alpha-shop", "messagesPerMinute": 60}},
        mentions_owner=False,
    ),
    "Mutation.sendingStop": Case(
        Role.PLATFORM,
        mutation("sendingStop", f"sending {{ {SENDING} }}"),
        lambda _: {"input": {"reason": "drill"}},
        mentions_owner=False,
    ),
    "Mutation.sendingResume": Case(
        Role.PLATFORM,
        mutation("sendingResume", f"sending {{ {SENDING} }}"),
        lambda _: {"input": {}},
        mentions_owner=False,
    ),
    "Mutation.segmentCreate": Case(
        Role.OWNER,
        mutation("segmentCreate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "conditions": {"any": [{"orders": {"min": 1}}, {"messageRead": {"plan": ids["Plan"]}}]},
            }
        },
    ),
    "Mutation.segmentUpdate": Case(
        Role.OWNER,
        mutation("segmentUpdate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Own"], "text": "orders >= 1"}},
    ),
    "Mutation.segmentDuplicate": Case(
        Role.OWNER,
        mutation("segmentDuplicate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Segment"]}},
    ),
    "Mutation.segmentArchive": Case(
        Role.OWNER,
        mutation("segmentArchive", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Own"]}},
    ),
    "Mutation.planCreate": Case(
        Role.OWNER,
        mutation("planCreate", f"plan {{ {PLAN} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "channel": "CHAT",
                "segmentId": ids["Segment"],
                "texts": TEXT_LIST,
                "productIds": [ids["Product"]],
                "couponId": ids["Coupon"],
                "experiment": {"variants": [{"couponId": ids["Coupon"]}]},
            }
        },
    ),
    "Mutation.planUpdate": Case(
        Role.OWNER,
        mutation("planUpdate", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Draft"], "template": "none"}},
    ),
    "Mutation.automatedPlanCreate": Case(
        Role.OWNER,
        mutation("automatedPlanCreate", f"plan {{ {PLAN} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "trigger": "WELCOME_FOLLOWER",
                "segmentId": ids["Segment"],
                "productIds": [ids["Product"]],
                "couponId": ids["Coupon"],
            }
        },
    ),
    "Mutation.automatedPlanUpdate": Case(
        Role.OWNER,
        mutation("automatedPlanUpdate", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Automated"], "template": "none"}},
    ),
    "Mutation.planSubmit": Case(
        Role.OWNER, mutation("planSubmit", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Draft"]}}
    ),
    "Mutation.planCancel": Case(
        Role.OWNER, mutation("planCancel", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planPause": Case(
        Role.OWNER, mutation("planPause", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planResume": Case(
        Role.OWNER, mutation("planResume", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Paused"]}}
    ),
    "Mutation.planRetryFailed": Case(
        Role.OWNER,
        mutation("planRetryFailed", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Plan"], "includeUnknown": True}},
        mentions_owner=False,
    ),
    "Mutation.planDuplicate": Case(
        Role.OWNER, mutation("planDuplicate", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planDelete": Case(
        Role.OWNER, mutation("planDelete", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Draft"]}}
    ),
    "Mutation.planCreateFromCoupon": Case(
        Role.OWNER,
        mutation("planCreateFromCoupon", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"couponId": ids["Coupon"]}},
    ),
    "Mutation.planTestSend": Case(
        Role.OWNER,
        mutation("planTestSend", f"trials {{ {TRIAL} }}"),
        lambda ids: {"input": {"id": ids["Draft"], "addresses": ["someone@example.com"]}},
        mentions_owner=False,
    ),
    "Mutation.holdoutUpdate": Case(
        Role.OWNER,
        mutation("holdoutUpdate", "holdout { planPercent controlPercent controlSince }"),
        lambda _: {"input": {"planPercent": 5, "controlPercent": 1}},
        mentions_owner=False,
    ),
    "Mutation.chatPlatformConnect": Case(
        Role.OWNER,
        mutation("chatPlatformConnect", f"chatPlatform {{ {CHAT_PLATFORM} }}"),
        lambda _: {"input": {"url": "https://chat.example/next"}},
        mentions_owner=False,
    ),
    "Mutation.chatPlatformRotateSecret": Case(
        Role.OWNER,
        mutation("chatPlatformRotateSecret", f"chatPlatform {{ {CHAT_PLATFORM} }}"),
        lambda _: {"input": {}},
    ),
    "Mutation.chatPlatformDisconnect": Case(
        Role.OWNER, mutation("chatPlatformDisconnect", f"shop {{ {SHOP} }}"), lambda _: {"input": {}}
    ),
    "Mutation.customerExport": Case(
        Role.PLATFORM,
        mutation("customerExport", "export { document cut }"),
        lambda _: {"input": {"externalId": "nobody"}},
        mentions_owner=False,
    ),
    "Mutation.customerErase": Case(
        Role.PLATFORM,
        mutation("customerErase", "erasure { askedAt doneAt }"),
        lambda _: {"input": {"externalId": "nobody"}},
        mentions_owner=False,
    ),
    "Mutation.senderCheck": Case(
        Role.OWNER,
        mutation("senderCheck", "domain { domain state checkedAt findings { check passes message } }"),
        lambda _: {"input": {}},
        mentions_owner=False,
    ),
    "Mutation.webhookCreate": Case(
        Role.OWNER,
        mutation("webhookCreate", "webhook { url facts secret }"),
        lambda _: {"input": {"url": "https://hook.example/next", "facts": ["COUPON_CLAIMED"]}},
        mentions_owner=False,
    ),
    "Mutation.webhookUpdate": Case(
        Role.OWNER,
        mutation("webhookUpdate", f"webhook {{ {WEBHOOK} }}"),
        lambda ids: {"input": {"id": ids["Webhook"], "isEnabled": False}},
    ),
    "Mutation.webhookRotateSecret": Case(
        Role.OWNER,
        mutation("webhookRotateSecret", f"webhook {{ {WEBHOOK} }}"),
        lambda ids: {"input": {"id": ids["Webhook"]}},
    ),
    "Mutation.webhookTest": Case(
        Role.OWNER,
        mutation("webhookTest", f"posting {{ {WEBHOOK_POSTING} }}"),
        lambda ids: {"input": {"id": ids["Webhook"]}},
        mentions_owner=False,
    ),
    "Mutation.webhookDelete": Case(
        Role.OWNER, mutation("webhookDelete", "webhookId"), lambda ids: {"input": {"id": ids["Webhook"]}}
    ),
    "Mutation.recommendationDismiss": Case(
        Role.OWNER,
        mutation("recommendationDismiss", "id"),
        lambda ids: {"input": {"id": ids["Recommendation"]}},
        mentions_owner=False,
    ),
    "Mutation.couponCreate": Case(
        Role.OWNER,
        mutation("couponCreate", f"coupon {{ {COUPON} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "visibility": "TARGETED",
                "discount": {"percentage": 5},
                "startsAt": AT,
                "endsAt": "2026-02-10T00:00:00Z",
                "totalLimit": 5,
                "segmentId": ids["Segment"],
                "productIds": [ids["Product"]],
            }
        },
    ),
    "Mutation.couponUpdate": Case(
        Role.OWNER,
        mutation("couponUpdate", f"coupon {{ {COUPON} }}"),
        lambda ids: {"input": {"id": ids["Coupon"], "totalLimit": 500}},
    ),
    "Mutation.couponEnd": Case(
        Role.OWNER, mutation("couponEnd", f"coupon {{ {COUPON} }}"), lambda ids: {"input": {"id": ids["Coupon"]}}
    ),
    "Mutation.couponClaim": Case(
        Role.CUSTOMER,
        mutation("couponClaim", f"claim {{ {CLAIM} }}"),
        lambda ids: {"input": {"id": ids["Offer"], "messageId": ids["Message"]}},
    ),
    "Mutation.couponRedeem": Case(
        Role.PLATFORM,
        mutation("couponRedeem", f"claim {{ {CLAIM} }}"),
        lambda _: {
            "input": {
                "shop": "alpha-shop",
                "customer": "alpha-0",
                "code": "NONE",
                "order": "o",
                "discount": {"amount": 1, "currency": "USD"},
            }
        },
        mentions_owner=False,
    ),
    "Mutation.messageReply": Case(
        Role.CUSTOMER,
        mutation("messageReply", f"conversation {{ {CONVERSATION} }}"),
        lambda ids: {"input": {"id": ids["Message"], "text": "Is it warm?"}},
    ),
    "Mutation.conversationAnswer": Case(
        Role.OWNER,
        mutation("conversationAnswer", f"conversation {{ {CONVERSATION} }}"),
        lambda ids: {"input": {"id": ids["Conversation"], "text": "Very."}},
    ),
    "Mutation.messageMarkRead": Case(
        Role.CUSTOMER,
        mutation("messageMarkRead", f"message {{ {MESSAGE} }}"),
        lambda ids: {"input": {"id": ids["Message"]}},
    ),
    "Mutation.messageClick": Case(
        Role.CUSTOMER,
        mutation("messageClick", f"message {{ {MESSAGE} }}"),
        lambda ids: {"input": {"id": ids["Message"]}},
    ),
    # Any shopper may block any shop, so for these only what they block is held apart, in a test of its own.
    "Mutation.shopBlock": Case(Role.CUSTOMER, mutation("shopBlock", "sender { id name isBlocked }")),
    "Mutation.shopUnblock": Case(Role.CUSTOMER, mutation("shopUnblock", "sender { id name isBlocked }")),
    "Subscription.planProgress": Case(
        Role.OWNER,
        f"subscription ($id: ID!) {{ planProgress(planId: $id) {{ {PROGRESS} }} }}",
        lambda ids: {"id": ids["Plan"]},
        mentions_owner=False,
    ),
    "Subscription.inboxMessage": Case(
        Role.CUSTOMER, f"subscription {{ inboxMessage {{ version unreadCount messages {{ {MESSAGE} }} }} }}"
    ),
}

ROLES = {"seller": Role.OWNER, "shopper": Role.CUSTOMER, "platform": Role.PLATFORM}


def token(role: Role, side: Side) -> str:
    if role is Role.OWNER:
        return seller(side.shop)
    return shopper(side.shopper) if role is Role.CUSTOMER else token_of(Role.PLATFORM, "cron")


@dataclass(frozen=True)
class World:
    """Two of everything, and a way to ask."""

    alpha: Side
    omega: Side
    api: Api
    app: Starlette
    settings: Settings

    async def ask(self, document: str, variables: dict[str, Any], role: Role | None, side: Side) -> dict[str, Any]:
        """The answer that a caller of this role and side gets; of a subscription the first."""
        if document.startswith("subscription"):
            return await self._first_event(document, variables, role, side)
        return await self.api.answer(document, token(role, side) if role else None, **variables)

    async def _first_event(
        self, document: str, variables: dict[str, Any], role: Role | None, side: Side
    ) -> dict[str, Any]:
        claims = {
            "sub": side.shopper if role is Role.CUSTOMER else "u1",
            "role": role,
            "shop": side.shop.external_id,
            "exp": now().timestamp() + 60,
        }
        caller = caller_of(claims, now()) if role else None
        engine = Engine(schema)
        ready = engine.prepare(Operation(document, variables=variables))
        assert isinstance(ready, Ready)
        context = Context(caller, self.settings, self.app.state.queue, self.app.state.listener)
        async with aclosing(engine.stream(ready, context)) as answers:  # type: ignore[type-var]
            return (await anext(answers)).payload()


@pytest.fixture
async def world(api: Api, app: Starlette, settings: Settings) -> World:
    return World(await make_side("alpha"), await make_side("omega"), api, app, settings)


OWNED = {
    "shop": "id", "segment": "shop_id", "plan": "shop_id", "product": "shop_id", "delivery": "shop_id",
    "coupon": "shop_id", "claim": "shop_id", "trial": "shop_id", "relationship": "shop_id", "orders": "shop_id", "event": "shop_id",
    "holdout": "shop_id", "recommendation_dismissal": "shop_id", "conversation": "shop_id", "remark": "shop_id", "webhook": "shop_id", "chat_platform": "shop_id", "quiet_hours": "shop_id", "send_rate": "shop_id",
}  # fmt: skip


async def everything_of(side: Side) -> list[str]:
    """All rows of a shop, as text."""
    return [
        row[0]
        for table, column in OWNED.items()
        for row in await databases.fetch(
            f"SELECT '{table} ' || t::text FROM {table} t WHERE {column} = $1 ORDER BY 1", side.shop.id
        )
    ]


def marks(answer: dict[str, Any], side: Side) -> list[str]:
    """What of a side's is in an answer: its texts and its global ids."""
    text = orjson.dumps(answer).decode()
    return [mark for mark in (side.mark, *side.ids.values()) if mark in text]


def test_every_root_field_has_a_case():
    roots = (BUILT.query_type, BUILT.mutation_type, BUILT.subscription_type)
    fields = {f"{root.name}.{field}" for root in roots if root for field in root.fields}

    print("visited:", ", ".join(sorted(CASES)))
    assert fields == set(CASES)


def test_every_field_of_every_type_is_asked_for_by_a_case():
    selected: set[str] = set()
    for case in CASES.values():
        selected |= set(selections(case.document))
    fields = {
        f"{kind.name}.{field}"
        for kind in BUILT.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for field in kind.fields
    }

    print(f"visited {len(fields)} fields:", ", ".join(sorted(fields)))
    assert fields - selected == set()


def selections(document: str) -> Iterator[str]:
    """The fields that a document selects, by their types."""
    info = TypeInfo(BUILT)
    found: set[str] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                found.add(f"{get_named_type(parent).name}.{node.name.value}")

    visit(parse(document), TypeInfoVisitor(info, Collect()))
    yield from found


SCOPED = [
    name for name, case in CASES.items() if case.role is not Role.PLATFORM and not name.startswith("Mutation.shop")
]


@pytest.mark.parametrize("name", SCOPED)
async def test_another_s_ids_read_exactly_like_unknown_ones(world: World, name: str):
    case = CASES[name]
    before = await everything_of(world.alpha)
    foreign = await world.ask(case.document, case.variables(world.alpha.ids), case.role, world.omega)
    unknown = await world.ask(case.document, case.variables(UNKNOWN), case.role, world.omega)

    assert marks(foreign, world.alpha) == []
    assert without_version(foreign) == without_version(unknown)
    assert await everything_of(world.alpha) == before

    own = await world.ask(case.document, case.variables(world.alpha.ids), case.role, world.alpha)
    assert "errors" not in own
    assert bool(marks(own, world.alpha)) or not case.mentions_owner
    assert marks(own, world.omega) == []


def without_version(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for what is never the same twice: versions rise with any transaction of the server."""
    answer.get("extensions", {}).get("cost", {}).pop("throttleStatus", None)  # it refills with time
    return {**answer, "data": steady(answer.get("data"))}


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in ("version", "secret")}
    return [steady(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", CASES)
async def test_every_other_role_is_refused_and_changes_nothing(world: World, name: str):
    case = CASES[name]
    variables = case.variables(world.alpha.ids)
    if name.startswith("Mutation.shop") and case.role is Role.CUSTOMER:
        variables = {"input": {"shopId": world.alpha.ids["Shop"]}}
    before = await everything_of(world.alpha) + await everything_of(world.omega)
    for role in (Role.OWNER, Role.CUSTOMER, Role.PLATFORM, None):
        if role is case.role or (name in ("Query.node", "Query.nodes") and role is Role.CUSTOMER):
            continue
        answer = await world.ask(case.document, variables, role, world.alpha)
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"FORBIDDEN" if role else "UNAUTHENTICATED"}
        assert marks(answer, world.alpha) == []

    assert await everything_of(world.alpha) + await everything_of(world.omega) == before


async def test_a_shopper_reaches_no_seller_s_object_by_its_id(world: World):
    ids = world.alpha.ids
    document = f"query ($id: ID!) {{ node(id: $id) {{ id {ANY_NODE} }} }}"
    for kind in ("Shop", "Segment", "Plan", "Draft", "Coupon", "Customer", "Product"):
        answer = await world.ask(document, {"id": ids[kind]}, Role.CUSTOMER, world.alpha)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert marks(answer, world.alpha) == []

    own = await world.ask(document, {"id": ids["Message"]}, Role.CUSTOMER, world.alpha)
    foreign = await world.ask(document, {"id": ids["Message"]}, Role.CUSTOMER, world.omega)
    assert own["data"]["node"]["text"] == "alpha greetings to alpha-0"
    assert foreign["data"] == {"node": None}


async def test_a_block_is_the_shopper_s_own(world: World):
    block, unblock = (CASES[f"Mutation.{name}"].document for name in ("shopBlock", "shopUnblock"))
    shop = {"input": {"shopId": world.alpha.ids["Shop"]}}
    await world.ask(block, shop, Role.CUSTOMER, world.omega)
    after = await databases.fetch("SELECT customer_id FROM relationship WHERE chat_blocked_at IS NOT NULL")
    await world.ask(block, shop, Role.CUSTOMER, world.alpha)
    await world.ask(unblock, shop, Role.CUSTOMER, world.omega)
    at_last = await databases.fetch("SELECT customer_id FROM relationship WHERE chat_blocked_at IS NOT NULL")

    assert [row["customer_id"] for row in after] == [world.omega.customer]
    assert [row["customer_id"] for row in at_last] == [world.alpha.customer]


async def test_a_token_of_a_shop_that_is_not_here_is_refused(world: World):
    answer = await world.api.answer("{ plans { totalCount } }", seller("nowhere"))

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
