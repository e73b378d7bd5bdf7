"""Who is in a segment, as sellers see it."""

import strawberry

from resolvers.long import Long


@strawberry.type(description="Members within a range of numbers.")
class ProfileBand:
    """Part of a distribution over numbers."""

    least: Long | None = strawberry.field(description="From this on; null where it is not known.")
    below: Long | None = strawberry.field(description="Up to, without, this; null where it is open.")
    count: int = strawberry.field(description="How many members.")


@strawberry.type(description="Members with one value.")
class ProfileShare:
    """Part of a distribution over values."""

    value: str | None = strawberry.field(description="The value; null where it is not known.")
    count: int = strawberry.field(description="How many members.")


@strawberry.type(description="Who is in a segment, as distributions over the same members.")
class SegmentProfile:
    """R27's six distributions."""

    size: int = strawberry.field(description="How many members there are.")
    ages: list[ProfileBand] = strawberry.field(description="By age in whole years, today in the shop's time zone.")
    genders: list[ProfileShare] = strawberry.field(description="By gender, the largest first.")
    regions: list[ProfileShare] = strawberry.field(description="By region (ISO 3166-2), the 50 largest.")
    languages: list[ProfileShare] = strawberry.field(description="By language (BCP 47), the 50 largest.")
    orders: list[ProfileBand] = strawberry.field(description="By number of orders ever.")
    lifetime_values: list[ProfileBand] = strawberry.field(
        description="By total of their orders ever, in minor units of the shop's currency."
    )
