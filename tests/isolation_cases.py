"""How each root field of the schema is asked by its owner: the cases of test_isolation.py, and what they select."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.caller import Role
from tests.factories import TEXTS

TEXT_LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]

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
    f" texts {{ language text subject preheader }} products {{ {PRODUCT} }} imageUrl coupon {{ id name }} button holdoutPercent sendAt localTime deadline createdAt updatedAt"
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
    f"{MESSAGE_ALONE} imageUrl button {{ destination label url }}"
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
        f" channel language subject preheader text html imageUrl button links products {{ {PRODUCT} }}"
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
    "Query.products": Case(Role.OWNER, f'{{ products(search: "SOAP", first: 5) {connection(PRODUCT)} }}'),
    "Query.customer": Case(
        Role.OWNER,
        f"query ($id: String!) {{ customer(externalId: $id) {{ {CUSTOMER} }} }}",
        lambda ids: {"id": ids["ExternalId"]},
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
        lambda ids: {"input": {"id": ids["Draft"], "template": "WIN_BACK"}},
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
        lambda ids: {"input": {"id": ids["Automated"], "template": "WIN_BACK"}},
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
    # Any shopper may block any shop, so for these only what they end is held apart, in tests of its own.
    "Mutation.emailUnsubscribe": Case(
        Role.CUSTOMER, mutation("emailUnsubscribe", "unsubscription { sender { id name isBlocked } mayStillArrive }")
    ),
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
