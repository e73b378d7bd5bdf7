"""What becomes of mutations of plans, as their sellers see it."""

import strawberry

from schema.plan import Plan
from schema.user_error import UserError


@strawberry.type(description="What became of planCreate.")
class PlanCreatePayload:
    """The draft, or why there is none."""

    plan: Plan | None = strawberry.field(description="The new draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was kept.")


@strawberry.type(description="What became of planUpdate.")
class PlanUpdatePayload:
    """The draft, or why it did not change."""

    plan: Plan | None = strawberry.field(description="The changed draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")


@strawberry.type(description="What became of planSubmit.")
class PlanSubmitPayload:
    """The plan on its way, or why it is not."""

    plan: Plan | None = strawberry.field(description="The plan, scheduled or ongoing; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was submitted.")


@strawberry.type(description="What became of planPause.")
class PlanPausePayload:
    """The plan being held, or why it is not."""

    plan: Plan | None = strawberry.field(description="The paused plan; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was paused.")


@strawberry.type(description="What became of planResume.")
class PlanResumePayload:
    """The plan going on, or why it is not."""

    plan: Plan | None = strawberry.field(description="The plan, scheduled or ongoing; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it goes on.")


@strawberry.type(description="What became of planCancel.")
class PlanCancelPayload:
    """The plan being stopped, or why it is not."""

    plan: Plan | None = strawberry.field(
        description="The plan, cancelling or, once nothing goes out any more, cancelled; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it is being stopped.")


@strawberry.type(description="What became of planRetryFailed.")
class PlanRetryFailedPayload:
    """The plan going on, or why it does not."""

    plan: Plan | None = strawberry.field(description="The plan, ongoing again; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it goes on.")


@strawberry.type(description="What became of planDuplicate.")
class PlanDuplicatePayload:
    """The new draft, or why there is none."""

    plan: Plan | None = strawberry.field(description="The new draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was drafted.")


@strawberry.type(description="What became of planDelete.")
class PlanDeletePayload:
    """The deleted plan, or why it is not."""

    plan: Plan | None = strawberry.field(
        description="The plan, which is kept in the audit trail only; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was deleted.")


@strawberry.type(description="What became of planCreateFromCoupon.")
class PlanCreateFromCouponPayload:
    """The new draft, or why there is none."""

    plan: Plan | None = strawberry.field(description="The new draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was drafted.")


@strawberry.type(description="What became of automatedPlanCreate.")
class AutomatedPlanCreatePayload:
    """The draft, or why it is not drafted."""

    plan: Plan | None = strawberry.field(description="The draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was drafted.")


@strawberry.type(description="What became of automatedPlanUpdate.")
class AutomatedPlanUpdatePayload:
    """The draft, or why it is not changed."""

    plan: Plan | None = strawberry.field(description="The draft; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")
