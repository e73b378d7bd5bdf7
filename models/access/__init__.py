"""Access: what a shop's Shop Performance Score lets it do (R1), and whether it may send email (R2).

What a shop may do is decided by its score at that very moment, under a lock on the shop. What was decided last
is kept too (decision.py), so that a change has its consequences.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from models import database

ELIGIBLE_FROM = Decimal("3.5")
FROZEN_FROM = Decimal(3)
"""Scores from which a shop may do everything with plans, and from which it keeps those that it has (R1)."""


class AccessState(StrEnum):
    """What a shop may do with plans (R1)."""

    ELIGIBLE = "ELIGIBLE"
    FROZEN = "FROZEN"
    REVOKED = "REVOKED"


class AccessReason(StrEnum):
    """Why a shop is in its state."""

    SCORE_AT_LEAST_3_5 = "SCORE_AT_LEAST_3_5"
    SCORE_BELOW_3_5 = "SCORE_BELOW_3_5"
    SCORE_BELOW_3 = "SCORE_BELOW_3"
    NO_SCORE = "NO_SCORE"


@dataclass(frozen=True, slots=True)
class Access:
    """A state and its reason."""

    state: AccessState
    reason: AccessReason


def access(score: Decimal | None) -> Access:
    """R1: what a score (0–5) allows. A shop that has none yet is FROZEN: nothing speaks for it, nothing against."""
    if score is None:
        return Access(AccessState.FROZEN, AccessReason.NO_SCORE)
    if score >= ELIGIBLE_FROM:
        return Access(AccessState.ELIGIBLE, AccessReason.SCORE_AT_LEAST_3_5)
    if score >= FROZEN_FROM:
        return Access(AccessState.FROZEN, AccessReason.SCORE_BELOW_3_5)
    return Access(AccessState.REVOKED, AccessReason.SCORE_BELOW_3)


def may_email(score: Decimal | None, gmv: int | None) -> bool:
    """R2: email needs a score of 3.5 or more and a GMV above zero."""
    return access(score).state is AccessState.ELIGIBLE and gmv is not None and gmv > 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A shop's score and GMV (minor units), which cannot change before the transaction that read them ends."""

    score: Decimal | None
    gmv: int | None


async def hold(shop_id: int) -> Standing:
    """Lock the shop's score against being written until the transaction ends. Call before locking its plans."""
    row = await database.fetch_one("SELECT score, gmv FROM shop WHERE id = $1 FOR SHARE", shop_id)
    assert row is not None
    return Standing(row["score"], row["gmv"])
