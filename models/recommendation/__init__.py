"""Recommendations: what a seller may do better, from the shop's own figures, until they dismiss it (R25).

The rules are pure (rule.py), their thresholds are data (thresholds.toml), what they look at is gathered in figure.py.
A dismissal is remembered with how severe the matter was: it comes back when that has clearly grown, or after a while.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models import database
from models.clock import now
from models.errors import ErrorCode, refuse
from models.recommendation.figure import gather
from models.recommendation.rule import Finding, findings
from models.recommendation.threshold import RecommendationKind, Thresholds, thresholds
from models.shop import Shop

__all__ = ["Recommendation", "RecommendationKind", "dismiss", "of_shop"]

MOST = 100
"""So many are told at most."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommendation to one shop; `priority` 1 is done first."""

    shop_id: int
    priority: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Dismissal:
    """That a seller does not want to hear of something, and how severe it was then."""

    severity: float
    at: datetime


async def of_shop(shop: Shop) -> list[Recommendation]:
    """What is recommended to the shop now, the most important first, without what its sellers dismissed."""
    limits, at = thresholds(), now()
    found = findings(await gather(shop, at, limits.window), limits)
    gone = await _dismissals(shop.id)
    open_ = [each for each in found if is_open(each, gone.get((each.kind, each.subject)), limits, at)]
    return [Recommendation(shop.id, limits.priorities[each.kind], each) for each in open_[:MOST]]


def is_open(finding: Finding, dismissal: Dismissal | None, limits: Thresholds, at: datetime) -> bool:
    """Whether a finding is told: it was never dismissed, long ago, or has clearly grown since."""
    if dismissal is None or at >= dismissal.at + limits.back_after:
        return True
    return finding.severity >= dismissal.severity * limits.back_when_worse


async def dismiss(shop: Shop, kind: str, subject: str, *, actor: str) -> Recommendation:
    """Remember that the shop's sellers do not want to hear of this for a while; refused when nothing says so now."""
    told = await of_shop(shop)
    one = next((each for each in told if (each.finding.kind, each.finding.subject) == (kind, subject)), None)
    if one is None:
        raise refuse("id", "There is no such recommendation.", ErrorCode.NOT_FOUND, rule="R25")
    await database.execute(_DISMISS, shop.id, one.finding.kind, subject, one.finding.severity, actor, now())
    return one


async def _dismissals(shop_id: int) -> Mapping[tuple[RecommendationKind, str], Dismissal]:
    rows = await database.fetch(
        "SELECT kind, subject, severity, dismissed_at FROM recommendation_dismissal WHERE shop_id = $1", shop_id
    )
    return {
        (RecommendationKind(row["kind"]), row["subject"]): Dismissal(row["severity"], row["dismissed_at"])
        for row in rows
        if row["kind"] in RecommendationKind.__members__
    }


_DISMISS = """
INSERT INTO recommendation_dismissal (shop_id, kind, subject, severity, dismissed_by, dismissed_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shop_id, kind, subject) DO UPDATE SET
    severity = excluded.severity, dismissed_by = excluded.dismissed_by, dismissed_at = excluded.dismissed_at
"""
