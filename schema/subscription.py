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
        description=(
            "Sellers: a plan's figures: now, then whenever they change, until the plan is over. A plan that is unknown or "
            "not yours is refused at the beginning: BAD_USER_INPUT, with NOT_FOUND in its userErrors."
        ),
    )
    inbox_message = strawberry.subscription(
        resolver=resolvers.message.watch,
        graphql_type=InboxEvent,
        description="Shoppers: their inbox: its newest messages, then those that arrive.",
    )
