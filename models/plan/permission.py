"""What a shop's score and GMV let it do to plans (R1, R2)."""

from collections.abc import Mapping
from decimal import Decimal

from models.access import ELIGIBLE_FROM, AccessState, Standing, access, may_email
from models.content.check import EMAIL_CHANNELS
from models.errors import ErrorCode, Problem, Refused
from models.plan.status import PlanAction

NEEDS_ELIGIBLE = frozenset(
    {PlanAction.CREATE, PlanAction.EDIT, PlanAction.SUBMIT, PlanAction.DUPLICATE, PlanAction.RESUME, PlanAction.RETRY}
)
"""What only an ELIGIBLE shop may do; pausing, cancelling and deleting are always allowed (R1, R10)."""

REFUSALS: Mapping[AccessState, ErrorCode] = {
    AccessState.FROZEN: ErrorCode.ACCESS_FROZEN,
    AccessState.REVOKED: ErrorCode.ACCESS_REVOKED,
}


def refusals(action: PlanAction, channel: str | None, score: Decimal | None, gmv: int | None) -> list[Problem]:
    """What keeps a shop of this score and GMV from `action` on a plan of `channel`; nothing when it may."""
    if action not in NEEDS_ELIGIBLE:
        return []
    state = access(score).state
    if state is not AccessState.ELIGIBLE:
        has = "has no score yet" if score is None else f"has a score of {score}"
        message = f"The shop {has}, so it is {state}: to {action} a plan it needs a score of {ELIGIBLE_FROM} or more."
        return [Problem((), message, REFUSALS[state], "R1")]
    if channel in EMAIL_CHANNELS and not may_email(score, gmv):
        message = "Email needs a GMV above zero, and the shop has none; CHAT is open to it."
        return [Problem(("channel",), message, ErrorCode.EMAIL_NOT_ALLOWED, "R2")]
    return []


def require(standing: Standing, action: PlanAction, channel: str | None = None) -> None:
    """Refuse `action` on a plan of `channel` when the shop's standing does not allow it."""
    problems = refusals(action, channel, standing.score, standing.gmv)
    if problems:
        raise Refused(problems)
