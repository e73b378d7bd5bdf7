"""What sellers ask for: queries, and a plan to be watched."""

from models.caller import Role
from tests.isolation.case import Case
from tests.selections import (
    ANY_NODE,
    CONVERSATION,
    COUPON,
    CUSTOMER,
    ERRORS,
    EXPERIMENT,
    FIGURES,
    INSIGHT,
    LIFT,
    OVERVIEW,
    PERFORMANCE,
    PLAN,
    PRODUCT,
    PROGRESS,
    RECOMMENDATION,
    SCENARIO,
    SEGMENT,
    SHOP,
    SHOP_LIFT,
    TIMELINE,
    TRIGGERS,
    WEBHOOK,
    connection,
)

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
    "Subscription.planProgress": Case(
        Role.OWNER,
        f"subscription ($id: ID!) {{ planProgress(planId: $id) {{ {PROGRESS} }} }}",
        lambda ids: {"id": ids["Plan"]},
        mentions_owner=False,
    ),
}
