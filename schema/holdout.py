"""What a shop holds out for comparison, as its sellers see it."""

from datetime import datetime

import strawberry

from schema.user_error import UserError


@strawberry.type(description="Who gets nothing on purpose, so that it can be seen what outreach brings.")
class Holdout:
    """A shop's two shares."""

    plan_percent: int = strawberry.field(
        description="Percent of each new plan's audience that it holds out, unless the plan says otherwise."
    )
    control_percent: int = strawberry.field(
        description="Percent of the shop's customers whom no plan writes to, order confirmations aside."
    )
    control_since: datetime | None = strawberry.field(
        description="When this share was decided; null while the shop never said. Each quarter has other customers."
    )


@strawberry.type(description="What became of holdoutUpdate.")
class HoldoutUpdatePayload:
    """The new shares, or why they did not change."""

    holdout: Holdout | None = strawberry.field(description="What holds from now on; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")
