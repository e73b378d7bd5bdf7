"""Estimates: whom a plan would reach if it started now, by channel and language, and whom not, and why (R11).

It asks what resolving the audience asks, and writes nothing; tests hold the two equal.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models import contact, database, language, reach
from models.clock import now
from models.condition import compile_condition
from models.experiment import holdout
from models.plan import Plan
from models.relationship import everybody
from models.segment import Segment
from models.shop import Shop


@dataclass(frozen=True, slots=True)
class ReachCount:
    """How many members share a channel, a language, today's contact limit, and why they would get nothing.

    `refusal`: they cannot be reached; `held_out`: they could be, and would be held out (B4).
    """

    channel: str
    language: str
    refusal: str | None
    held_out: str | None
    is_capped: bool
    count: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A plan's audience as it stands at this moment; the counts add up to it.

    `languages` are the members by the language of their app (None: not known), however the plan's texts serve them.
    """

    counts: Sequence[ReachCount]
    languages: Sequence[tuple[str | None, int]]

    @property
    def audience(self) -> int:
        """Members of the segment."""
        return sum(each.count for each in self.counts)

    @property
    def reachable(self) -> int:
        """Members whom the plan would write to, today or (those over the contact limit) tomorrow."""
        return sum(each.count for each in self._written_to())

    @property
    def held_out(self) -> int:
        """Members whom the plan could write to and would hold out (B4)."""
        return sum(each.count for each in self.counts if each.refusal is None and each.held_out is not None)

    @property
    def capped_today(self) -> int:
        """Reachable members who have had two marketing messages today, so that theirs would wait (R18)."""
        return sum(each.count for each in self._written_to() if each.is_capped)

    @property
    def without_consent(self) -> int:
        """Members who have blocked the chat, or do not subscribe to email, and cannot be reached otherwise (R19)."""
        refusals = ("BLOCKED", "NO_CONSENT", "UNREACHABLE")
        return sum(each.count for each in self.counts if each.refusal in refusals)

    def reach(self) -> dict[tuple[str, str], int]:
        """Reachable members by (channel, language of the text they would get)."""
        sums: Counter[tuple[str, str]] = Counter()
        for each in self._written_to():
            sums[each.channel, each.language] += each.count
        return dict(sums)

    def refusals(self) -> dict[str, int]:
        """Members who cannot be reached, by reason."""
        sums: Counter[str] = Counter()
        for each in self.counts:
            if each.refusal is not None:
                sums[each.refusal] += each.count
        return dict(sums)

    def _written_to(self) -> list[ReachCount]:
        return [each for each in self.counts if each.refusal is None and each.held_out is None]


async def estimate(shop: Shop, plan: Plan) -> Estimate:
    """The estimate of a plan of the shop: by its segment as it is now, or as it was pinned."""
    at = now()
    rows = await _ask(shop, plan, await _definition(plan), at)
    texts = list(plan.content.get("texts") or {})
    counts: Counter[tuple[str, str, str | None, str | None, bool]] = Counter()
    languages: Counter[str | None] = Counter()
    for row in rows:
        read = language.choose(row["language"], texts, plan.default_language(shop))
        counts[row["channel"], read, row["refusal"], row["held_out"], row["is_capped"]] += row["count"]
        languages[row["language"]] += row["count"]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return Estimate([ReachCount(*key, count) for key, count in ordered], languages.most_common())


async def _definition(plan: Plan) -> dict[str, Any] | None:
    if plan.definition is not None:
        return dict(plan.definition)
    if plan.segment_id is None:
        return None
    return dict((await Segment.get(id=plan.segment_id)).definition)


async def _ask(shop: Shop, plan: Plan, definition: dict[str, Any] | None, at: datetime) -> list[database.Record]:
    arguments: list[Any] = [shop.id, at, plan.channel.value, plan.id]
    if definition is None:
        return await database.fetch_planned(_REACH.format(members=everybody("$1")), *arguments)
    members = compile_condition(definition, shop_id=shop.id, now=at, first_parameter=len(arguments) + 1)
    return await database.fetch_planned(_REACH.format(members=members.sql), *arguments, *members.arguments)


_REACH = (
    """
WITH reach AS (
    SELECT c.language, """
    + holdout.reason_of_plan("m.customer_id", "$2")
    + """ AS held_out, """
    + f"{reach.IS_BLOCKED} AS is_blocked, {reach.EMAIL_REFUSAL} AS email_refusal"
    + """, first.slot IS NOT NULL AS is_capped
    FROM ({members}) m
    JOIN plan p ON p.id = $4 LEFT JOIN holdout h ON h.shop_id = p.shop_id
    JOIN relationship r ON r.shop_id = $1 AND r.customer_id = m.customer_id
    LEFT JOIN customer c ON c.id = m.customer_id
    """
    + contact.both_slots("m.customer_id", "$2")
    + """
    LEFT JOIN suppression u ON u.email_key = c.email_key
)
SELECT language, is_capped, held_out, count(*) AS count,
    """
    + f"{reach.chosen('$3')} AS channel, {reach.refusal('$3')} AS refusal"
    + """
FROM reach GROUP BY 1, 2, 3, 5, 6
"""
)
