"""Plans, as their sellers see them."""

from datetime import datetime, time
from typing import Any

import strawberry

from models import plan as models
from models.plan.draft import PlanChannel
from models.plan.status import PlanAction, PlanKind, PlanStatus
from models.scenario import Destination
from models.trigger import TriggerCode
from resolvers import coupon as coupons
from resolvers import experiment, lift, metric, trial
from resolvers import export as exports
from resolvers import plan as resolvers
from resolvers import trigger as triggers
from schema.connection import Connection
from schema.coupon import Coupon
from schema.enums import describe
from schema.experiment import PlanExperiment
from schema.export import ExportLink
from schema.lift import PlanLift
from schema.metric import PlanFigures
from schema.node import Node
from schema.plan_text import PlanText, texts_of
from schema.product import Product
from schema.progress import PlanProgress
from schema.segment import Segment
from schema.trial import Trial
from schema.trigger import PlanParameters

describe(
    PlanKind,
    "What makes a plan send.",
    {
        "ONE_TIME": "It goes out once, to an audience.",
        "AUTOMATED": "It answers what customers do, for as long as it runs.",
    },
)
describe(
    PlanChannel,
    "How a plan reaches its audience.",
    {
        "CHAT": "Into the inbox of the shopper's app.",
        "EMAIL": "By email, to addresses that consented.",
        "CHAT_THEN_EMAIL": "One message per customer, by the first of the two that may reach them.",
    },
)
describe(
    PlanStatus,
    "Where a plan stands.",
    {
        "DRAFT": "It can be edited, and is not sent.",
        "SCHEDULED": "Submitted; it starts at its time.",
        "ONGOING": "It is going out.",
        "PAUSED": "Nothing goes out until it is resumed; statusReason says why.",
        "SENT": "One-time: nothing is left to send.",
        "ENDED": "Automated: its time is over.",
        "CANCELLING": "Nothing new goes out; what is in flight is awaited.",
        "CANCELLED": "Nothing goes out any more.",
        "DELETED": "Kept in the audit trail only.",
    },
)
describe(
    Destination,
    "Where a button leads: nowhere but into the shop.",
    {
        "STORE": "The shop's page.",
        "PRODUCTS": "Its list of products.",
        "PRODUCT": "The product that the message is about.",
        "CART": "The customer's cart.",
        "LIVE": "The LIVE that the message is about.",
    },
)


describe(
    PlanAction,
    "What can be done to a plan.",
    {
        "CREATE": "Kept as a new draft.",
        "EDIT": "Changed, as a draft.",
        "SUBMIT": "Sent, or scheduled.",
        "DUPLICATE": "Drafted again as a plan of its own.",
        "PAUSE": "Held.",
        "RESUME": "Let go on.",
        "CANCEL": "Stopped.",
        "DELETE": "Put out of sight.",
        "START": "Begun at its time, by the server.",
        "FINISH": "Found to have nothing left to send, by the server.",
        "END": "Found to be over, by the server.",
        "RETRY": "What failed of it tried again.",
        "STOP": "Found to have nothing in flight after it was cancelled, by the server.",
        "REVOKE": "Deleted by the server, because the shop's access was revoked.",
        "DECIDE": "Found the better variant, which the reason names, by the server; the rest gets it.",
    },
)


@strawberry.type(description="Something that happened to a plan.")
class PlanHistoryEntry:
    """One entry of the audit trail."""

    action: PlanAction = strawberry.field(description="What was done.")
    status_from: PlanStatus | None = strawberry.field(description="The status before; null at its beginning.")
    status_to: PlanStatus = strawberry.field(description="The status after.")
    actor: str = strawberry.field(description="Who did it: ROLE:shop:user, a colon in the shop's id as %3A; or SYSTEM.")
    reason: str | None = strawberry.field(description="Why, where there is a reason: a code.")
    happened_at: datetime = strawberry.field(description="When.")


def _texts(root: strawberry.Parent[models.Plan]) -> list[PlanText]:
    return texts_of(root.content)


@strawberry.type(description="What goes to whom, when, and by which channel.")
class Plan(Node):
    """One plan of the caller's shop."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    kind: PlanKind = strawberry.field(description="What makes it send.")
    name: str = strawberry.field(description="What sellers call it.")
    channel: PlanChannel = strawberry.field(description="How it reaches its audience.")
    status: PlanStatus = strawberry.field(description="Where it stands.")
    status_reason: str | None = strawberry.field(description="Why it is paused, where there is a reason.")
    segment = strawberry.field(
        resolver=resolvers.segment,
        graphql_type=Segment | None,
        description="The segment it goes to, null for everybody; its condition is pinned when the plan is submitted.",
    )
    template: str | None = strawberry.field(description="The template its texts were made from; null for none.")
    texts: list[PlanText] = strawberry.field(resolver=_texts, description="What it says, per language.")
    products = strawberry.field(
        resolver=resolvers.products, graphql_type=list[Product], description="The products it shows."
    )
    image_url: str | None = strawberry.field(
        description="Where its image is, the same in all languages, if it has one; shown above the text."
    )
    coupon = strawberry.field(
        resolver=coupons.of_plan,
        graphql_type=Coupon | None,
        description="The coupon that comes with it; null when none does, or each customer's own (smartCoupon).",
    )
    button: Destination | None = strawberry.field(description="Where its button leads, if it has one.")
    holdout_percent: int | None = strawberry.field(
        description="Percent of its audience that get nothing, for comparison; null: it holds nobody out at all."
    )
    experiment = strawberry.field(
        resolver=experiment.of_plan,
        graphql_type=PlanExperiment | None,
        description="The variants that are tried on a part of its audience; null when there is only one.",
    )
    trigger: TriggerCode | None = strawberry.field(
        description="What an automated plan answers; null for a one-time plan."
    )
    parameters = strawberry.field(
        resolver=triggers.parameters,
        graphql_type=PlanParameters | None,
        description="When an automated plan sends, exactly; null for a one-time plan.",
    )
    smart_coupon: bool = strawberry.field(
        description="Whether each customer gets the best coupon that they could use, if there is one."
    )
    ends_at: datetime | None = strawberry.field(description="When an automated plan's timeframe ends, if it does.")
    quiet_from: time | None = strawberry.field(
        description="From when on, on the customer's clock, an automated plan is quiet; null when it has no such hours.",
    )
    quiet_until: time | None = strawberry.field(description="Until when it is quiet; null as quietFrom is.")
    send_at: datetime | None = strawberry.field(
        description="When it starts, or started; null for a draft that begins when it is submitted."
    )
    local_time: time | None = strawberry.field(
        description="The hour of each customer's own day at which it goes to them; null when all get it at once."
    )
    deadline: datetime | None = strawberry.field(
        description="When what still waits expires; null for a draft, and an automated plan without end."
    )
    created_at: datetime = strawberry.field(description="When it was drafted.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    submitted_at: datetime | None = strawberry.field(description="When it was submitted; null until then.")
    started_at: datetime | None = strawberry.field(description="When it began to go out; null until then.")
    finished_at: datetime | None = strawberry.field(
        description="When nothing was left to send, or it was cancelled; null until then."
    )
    export = strawberry.field(
        resolver=exports.link,
        graphql_type=ExportLink,
        description="A link to its ledger or figures as a file; it holds for ten minutes.",
    )
    progress = strawberry.field(
        resolver=resolvers.progress_of,
        graphql_type=PlanProgress | None,
        description="How far it has come; null only beside an error.",
    )
    figures = strawberry.field(
        resolver=metric.of_plan,
        graphql_type=PlanFigures | None,
        description="What it brought, as of now; null only beside an error.",
    )
    lift = strawberry.field(
        resolver=lift.of_plan,
        graphql_type=PlanLift | None,
        description="What it brought beyond what would have been bought anyway; null when it holds nobody out.",
    )
    allowed_actions = strawberry.field(
        resolver=resolvers.allowed_actions,
        graphql_type=list[PlanAction],
        description="What the caller may do to it now.",
    )
    history = strawberry.field(
        resolver=resolvers.history,
        graphql_type=Connection[PlanHistoryEntry],
        description="What happened to it, the newest first.",
    )
    trials = strawberry.field(
        resolver=trial.trials_of,
        graphql_type=list[Trial],
        description="Its latest trials, the newest first, at most 50.",
    )

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Plan)
