"""A shop's quiet hours, as its sellers see them."""

from datetime import time

import strawberry

from models.quiet_hours import Hours as HoursRoot
from models.quiet_hours import QuietHours as Root
from schema.user_error import UserError


@strawberry.type(description="From when until when, on the customer's own clock.")
class Hours:
    """Over midnight when the end lies before the beginning."""

    since: time = strawberry.field(description="When they begin.")
    until: time = strawberry.field(description="When they end.")


@strawberry.type(description="Where other quiet hours hold than everywhere else.")
class QuietRegion:
    """An exception."""

    region: str = strawberry.field(description="A region (ISO 3166-2) or a country.")
    hours: Hours | None = strawberry.field(description="The hours there; null when there is no quiet time.")


def _hours(hours: HoursRoot | None) -> Hours | None:
    return Hours(since=hours.since, until=hours.until) if hours else None


def _exceptions(root: strawberry.Parent[Root]) -> list[QuietRegion]:
    return [QuietRegion(region=region, hours=_hours(hours)) for region, hours in sorted(root.exceptions.items())]


def _everywhere(root: strawberry.Parent[Root]) -> Hours | None:
    return _hours(root.hours)


@strawberry.type(description="When a shop's marketing reaches nobody; what would fall into it waits for its end.")
class QuietHours:
    """A shop's setting."""

    hours: Hours | None = strawberry.field(resolver=_everywhere, description="Everywhere else; null: no quiet time.")
    exceptions: list[QuietRegion] = strawberry.field(resolver=_exceptions, description="Where others hold, by region.")


@strawberry.type(description="What became of quietHoursUpdate.")
class QuietHoursUpdatePayload:
    """The new quiet hours, or why they did not change."""

    quiet_hours: QuietHours | None = strawberry.field(description="What holds from now on; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")
