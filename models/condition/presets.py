"""The seven segments that every shop has (R4), in the language that custom ones use."""

from enum import StrEnum

from models.condition.tree import (
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Did,
    Follows,
    Moment,
    MomentIn,
    OrderCount,
)


class SegmentPreset(StrEnum):
    """Code of a preset segment."""

    POTENTIAL_NEW = "POTENTIAL_NEW"
    RECENT = "RECENT"
    REPEAT = "REPEAT"
    FREQUENT = "FREQUENT"
    LAPSED = "LAPSED"
    NEW_FOLLOWERS = "NEW_FOLLOWERS"
    ACTIVE_FOLLOWERS = "ACTIVE_FOLLOWERS"


PRESETS: dict[SegmentPreset, tuple[str, Condition]] = {
    SegmentPreset.POTENTIAL_NEW: (
        "Potential new customers",
        AllOf((OrderCount(most=0), AnyOf((Did(Deed.CARTED, within_days=30), Did(Deed.FAVOURITED, within_days=30))))),
    ),
    SegmentPreset.RECENT: ("Recent customers", MomentIn(Moment.FIRST_ORDER, within_days=30)),
    SegmentPreset.REPEAT: (
        "Repeat customers",
        AllOf((OrderCount(least=2), MomentIn(Moment.LAST_ORDER, within_days=30))),
    ),
    SegmentPreset.FREQUENT: ("Frequent customers", OrderCount(within_days=90, least=2)),
    SegmentPreset.LAPSED: (
        "Lapsed customers",
        AllOf((OrderCount(within_days=365, least=1), OrderCount(within_days=90, most=0))),
    ),
    SegmentPreset.NEW_FOLLOWERS: (
        "New followers",
        AllOf((MomentIn(Moment.FOLLOWED, within_days=30), Follows(value=True))),
    ),
    SegmentPreset.ACTIVE_FOLLOWERS: (
        "Active followers",
        AllOf((Follows(value=True), Did(Deed.ENGAGED, within_days=30))),
    ),
}
"""Name and condition of each."""
