"""A shop's outreach over a period, as its sellers see it."""

from datetime import date

import strawberry

from resolvers import overview as resolvers
from schema.activity import Activity, ProductActivity
from schema.plan import Plan


@strawberry.type(description="What happened on one day.")
class OverviewDay:
    """One point of the series."""

    day: date = strawberry.field(description="The day, in the shop's time zone.")
    activity: Activity = strawberry.field(description="What happened on it.")


@strawberry.type(description="What happened through one channel, or in one language.")
class OverviewPart:
    """One slice of the period."""

    key: str = strawberry.field(description="CHAT or EMAIL, or a BCP 47 tag.")
    activity: Activity = strawberry.field(description="What happened through it.")


@strawberry.type(description="What happened with the messages of one plan.")
class OverviewPlan:
    """One plan's slice of the period."""

    plan = strawberry.field(
        resolver=resolvers.plan_of, graphql_type=Plan | None, description="The plan; null only beside an error."
    )
    activity: Activity = strawberry.field(description="What its messages did.")


@strawberry.type(description="A shop's outreach over a period, as of now, day by day in its own time zone.")
class Overview:
    """A period of up to 366 days."""

    first: date = strawberry.field(description="The first day.")
    last: date = strawberry.field(description="The last day.")
    currency: str = strawberry.field(description="ISO 4217 code of its amounts.")
    days: list[OverviewDay] = strawberry.field(description="Every day of the period, the first one first.")
    total: Activity = strawberry.field(description="The sum of the period.")
    before: Activity = strawberry.field(description="The sum of as many days right before it, to compare with.")
    channels: list[OverviewPart] = strawberry.field(description="The period by channel, the most sent first.")
    languages: list[OverviewPart] = strawberry.field(description="The period by language, the most sent first.")
    plans: list[OverviewPlan] = strawberry.field(description="The up to 20 plans that sent or earned most in it.")
    products: list[ProductActivity] = strawberry.field(
        description="The up to 20 products that earned most in it, or were clicked most."
    )
