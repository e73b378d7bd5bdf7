"""Where plans stand and how they move: one table of every legal move (R10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PlanKind(StrEnum):
    """ONE_TIME goes out once to an audience; AUTOMATED answers what customers do."""

    ONE_TIME = "ONE_TIME"
    AUTOMATED = "AUTOMATED"


class PlanStatus(StrEnum):
    """Where a plan stands (R10)."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    ONGOING = "ONGOING"
    PAUSED = "PAUSED"
    SENT = "SENT"
    ENDED = "ENDED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"


class PlanAction(StrEnum):
    """What is done to a plan; the value reads well after "cannot"."""

    CREATE = "create"
    EDIT = "edit"
    SUBMIT = "submit"
    DUPLICATE = "duplicate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DELETE = "delete"
    START = "start"
    FINISH = "finish"
    END = "end"
    RETRY = "retry"
    STOP = "stop"
    REVOKE = "revoke"
    DECIDE = "decide"


SELLERS_ACTIONS = (
    PlanAction.EDIT, PlanAction.SUBMIT, PlanAction.DUPLICATE, PlanAction.PAUSE, PlanAction.RESUME, PlanAction.CANCEL,
    PlanAction.RETRY, PlanAction.DELETE,
)  # fmt: skip
"""What a seller may do to a plan that is there; the other actions are the server's own."""

EVERY_KIND = frozenset(PlanKind)


@dataclass(frozen=True, slots=True)
class Move:
    """Plans of these kinds in one of `sources` get to one of `targets` by `action`."""

    action: PlanAction
    sources: frozenset[PlanStatus]
    targets: frozenset[PlanStatus]
    kinds: frozenset[PlanKind] = EVERY_KIND


def _move(action: PlanAction, sources: str, targets: str, kinds: frozenset[PlanKind] = EVERY_KIND) -> Move:
    return Move(action, frozenset(map(PlanStatus, sources.split())), frozenset(map(PlanStatus, targets.split())), kinds)


_ONE_TIME = frozenset({PlanKind.ONE_TIME})
_AUTOMATED = frozenset({PlanKind.AUTOMATED})

MOVES = (
    _move(PlanAction.EDIT, "DRAFT", "DRAFT"),
    _move(PlanAction.SUBMIT, "DRAFT", "SCHEDULED ONGOING"),
    _move(PlanAction.START, "SCHEDULED", "ONGOING"),
    _move(PlanAction.PAUSE, "SCHEDULED ONGOING", "PAUSED"),
    _move(PlanAction.RESUME, "PAUSED", "SCHEDULED ONGOING"),
    _move(PlanAction.FINISH, "ONGOING", "SENT", _ONE_TIME),
    _move(PlanAction.RETRY, "SENT", "ONGOING", _ONE_TIME),
    _move(PlanAction.END, "ONGOING", "ENDED", _AUTOMATED),
    _move(PlanAction.DECIDE, "ONGOING", "ONGOING", _ONE_TIME),
    _move(PlanAction.DECIDE, "SENT", "SENT", _ONE_TIME),
    _move(PlanAction.CANCEL, "SCHEDULED ONGOING PAUSED", "CANCELLING"),
    _move(PlanAction.STOP, "CANCELLING", "CANCELLED"),
    _move(PlanAction.DELETE, "DRAFT", "DELETED"),
    _move(PlanAction.DELETE, "CANCELLED", "DELETED", _ONE_TIME),
    _move(PlanAction.REVOKE, "DRAFT SCHEDULED ONGOING PAUSED", "DELETED", _AUTOMATED),
)
"""Every legal move; what is not here is refused with what would be allowed. (A plan is born a DRAFT.)"""

TRANSITIONS: Mapping[PlanStatus, frozenset[PlanStatus]] = {
    status: frozenset(target for move in MOVES if status in move.sources for target in move.targets) - {status}
    for status in PlanStatus
}
"""Where each status can lead, by whatever action."""


def sources(action: PlanAction) -> list[tuple[PlanKind, PlanStatus]]:
    """Kinds and statuses from which `action` is legal."""
    return sorted(
        (kind, status) for move in MOVES if move.action is action for kind in move.kinds for status in move.sources
    )


def allowed(kind: PlanKind, status: PlanStatus) -> list[PlanAction]:
    """What a seller may do to a plan of this kind in this status, were the shop ELIGIBLE."""
    legal = {move.action for move in MOVES if kind in move.kinds and status in move.sources} | {PlanAction.DUPLICATE}
    return [action for action in SELLERS_ACTIONS if action in legal]
