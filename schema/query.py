"""The root of all queries, one line per field."""

import strawberry

import resolvers.conversation
import resolvers.coupon
import resolvers.customer
import resolvers.dry_run
import resolvers.estimate
import resolvers.lift
import resolvers.member
import resolvers.message
import resolvers.node
import resolvers.offer
import resolvers.overview
import resolvers.plan
import resolvers.preview
import resolvers.product
import resolvers.recommendation
import resolvers.scenario
import resolvers.segment
import resolvers.sending
import resolvers.shop
import resolvers.timeline
import resolvers.trigger
import resolvers.violation
import resolvers.webhook
from schema.connection import Connection
from schema.conversation import Conversation
from schema.coupon import Coupon
from schema.customer import Customer
from schema.dry_run import AutomatedPlanDryRunPayload
from schema.estimate import PlanEstimatePayload
from schema.lift import ShopLift
from schema.message import Message
from schema.node import Node
from schema.offer import Claim, Offer
from schema.overview import Overview
from schema.plan import Plan
from schema.preview import PlanPreviewPayload
from schema.product import Product
from schema.recommendation import Recommendation
from schema.scenario import Scenario
from schema.segment import Segment, SegmentOverlap, SegmentPreview
from schema.sending import Sending
from schema.shop import Shop
from schema.timeline import TimelineEntry
from schema.trigger import Trigger
from schema.violation import Violation
from schema.webhook import Webhook


@strawberry.type(description="What can be asked.")
class Query:
    """Every query."""

    node = strawberry.field(
        resolver=resolvers.node.node,
        graphql_type=Node | None,
        description="An object by its global id; null when it is unknown or not yours, FORBIDDEN to another role.",
    )
    nodes = strawberry.field(
        resolver=resolvers.node.nodes,
        graphql_type=list[Node | None],
        description=(
            "Up to 250 objects by their global ids, in their order; null where one is unknown or not yours, with an "
            "error at its place (FORBIDDEN) where it is for another role."
        ),
    )
    shop = strawberry.field(
        resolver=resolvers.shop.shop, graphql_type=Shop, description="Sellers: the shop of the caller's token."
    )
    segments = strawberry.field(
        resolver=resolvers.segment.segments,
        graphql_type=Connection[Segment],
        description="Sellers: the shop's segments, the presets first.",
    )
    segment = strawberry.field(
        resolver=resolvers.segment.segment,
        graphql_type=Segment | None,
        description="Sellers: one of the shop's segments; null when it is unknown or not yours.",
    )
    segment_preview = strawberry.field(
        resolver=resolvers.member.preview,
        graphql_type=SegmentPreview,
        description="Sellers: how many and who would be in a segment, without keeping it.",
    )
    segment_overlap = strawberry.field(
        resolver=resolvers.member.overlap,
        graphql_type=SegmentOverlap | None,
        description="Sellers: how many customers two segments share; null when either is unknown or not yours.",
    )
    plans = strawberry.field(
        resolver=resolvers.plan.plans,
        graphql_type=Connection[Plan],
        description="Sellers: the shop's plans, the newest first.",
    )
    plan = strawberry.field(
        resolver=resolvers.plan.plan,
        graphql_type=Plan | None,
        description="Sellers: one of the shop's plans; null when it is unknown or not yours.",
    )
    automated_plan_dry_run = strawberry.field(
        resolver=resolvers.dry_run.dry_run,
        graphql_type=AutomatedPlanDryRunPayload,
        description="Sellers: what an automated plan would have sent over the last days, from what is stored.",
    )
    triggers = strawberry.field(
        resolver=resolvers.trigger.triggers,
        graphql_type=list[Trigger],
        description="Sellers: what automated plans can answer, with what to ask for in a form.",
    )
    scenarios = strawberry.field(
        resolver=resolvers.scenario.scenarios,
        graphql_type=list[Scenario],
        description="Sellers: what plans may be for, with ready texts in every language.",
    )
    plan_preview = strawberry.field(
        resolver=resolvers.preview.preview,
        graphql_type=PlanPreviewPayload,
        description="Sellers: a plan's message exactly as one customer would get it, with advice.",
    )
    plan_estimate = strawberry.field(
        resolver=resolvers.estimate.estimate,
        graphql_type=PlanEstimatePayload,
        description="Sellers: whom a plan would reach if it started now, and whom not, and why.",
    )
    overview = strawberry.field(
        resolver=resolvers.overview.overview,
        graphql_type=Overview,
        description="Sellers: the shop's outreach over a period of up to 366 days.",
    )
    lift_overview = strawberry.field(
        resolver=resolvers.lift.overview,
        graphql_type=ShopLift,
        description="Sellers: what the shop's outreach of up to 366 days brought, against customers held out.",
    )
    conversations = strawberry.field(
        resolver=resolvers.conversation.conversations,
        graphql_type=Connection[Conversation],
        description="Sellers: the shop's conversations with shoppers who replied, the last word first.",
    )
    conversation = strawberry.field(
        resolver=resolvers.conversation.conversation,
        graphql_type=Conversation | None,
        description="Sellers: one of the shop's conversations; null when it is unknown or not yours.",
    )
    recommendations = strawberry.field(
        resolver=resolvers.recommendation.recommendations,
        graphql_type=list[Recommendation],
        description="Sellers: what the shop may do better, the most important first, at most 100.",
    )
    coupons = strawberry.field(
        resolver=resolvers.coupon.coupons,
        graphql_type=Connection[Coupon],
        description="Sellers: the shop's coupons, the newest first.",
    )
    coupon = strawberry.field(
        resolver=resolvers.coupon.coupon,
        graphql_type=Coupon | None,
        description="Sellers: one of the shop's coupons; null when it is unknown or not yours.",
    )
    products = strawberry.field(
        resolver=resolvers.product.products,
        graphql_type=Connection[Product],
        description="Sellers: the shop's products, in the order of their external ids.",
    )
    customer = strawberry.field(
        resolver=resolvers.customer.of_external_id,
        graphql_type=Customer | None,
        description="Sellers: the customer with this external id; null for who never interacted with the shop.",
    )
    customer_timeline = strawberry.field(
        resolver=resolvers.timeline.of_customer,
        graphql_type=Connection[TimelineEntry],
        description="Sellers: what happened between the shop and one customer, the newest first; empty when unknown.",
    )
    webhooks = strawberry.field(
        resolver=resolvers.webhook.webhooks,
        graphql_type=Connection[Webhook],
        description="Administrators: the shop's webhooks, the newest first.",
    )
    webhook = strawberry.field(
        resolver=resolvers.webhook.one,
        graphql_type=Webhook | None,
        description="Administrators: one of the shop's webhooks; null when it is unknown or not yours.",
    )
    violations = strawberry.field(
        resolver=resolvers.violation.listed,
        graphql_type=Connection[Violation],
        description="Platform: texts that content rules refused, those met last first.",
    )
    offers = strawberry.field(
        resolver=resolvers.offer.offers,
        graphql_type=Connection[Offer],
        description="Shoppers: the coupons of a shop that they can see now, the newest first.",
    )
    claims = strawberry.field(
        resolver=resolvers.offer.claims,
        graphql_type=Connection[Claim],
        description="Shoppers: the coupons they have claimed, the newest first.",
    )
    inbox = strawberry.field(
        resolver=resolvers.message.inbox,
        graphql_type=Connection[Message],
        description="Shoppers: their messages, the newest first.",
    )
    message = strawberry.field(
        resolver=resolvers.message.message,
        graphql_type=Message | None,
        description="Shoppers: one of their messages; null when it is unknown or not theirs.",
    )
    sending = strawberry.field(
        resolver=resolvers.sending.read,
        graphql_type=Sending,
        description="Platform: whether anything leaves, of any shop.",
    )
