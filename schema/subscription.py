"""The root of all subscriptions, one line per field."""

import strawberry

import resolvers.message
import resolvers.plan
from schema.message import InboxEvent
from schema.progress import PlanProgress


@strawberry.type(description="What can be watched: first how it stands, then each change, with a rising version.")
class Subscription:
    """Every subscription."""

    plan_progress = strawberry.subscription(
        resolver=resolvers.plan.watch,
        graphql_type=PlanProgress,
        description="A plan's figures: now, then whenever they change, until the plan is over.",
    )
    inbox_message = strawberry.subscription(
        resolver=resolvers.message.watch,
        graphql_type=InboxEvent,
        description="The shopper's inbox: its newest messages, then those that arrive.",
    )
