"""Weekly quota of one-time plans (R17): a basic amount by tier, and a reward for each of two rates.

The week begins on Monday at 00:00 UTC−4, all year round. A submit takes one place in the transaction that
submits, by a conditional update; a plan that is cancelled before anything left gives its place back to
the week it was taken from.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction

from models import database, tier
from models.clock import readable
from models.errors import ErrorCode, refuse
from models.tier import Tier

ZONE = timezone(timedelta(hours=-4))
"""Where days and weeks of access and quota begin; it has no summer time."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """What a shop sent within the window, how much was read, and how many customers left, each once."""

    shop_id: int
    tier: str
    sent: int
    read: int
    unsubscribed: int


@dataclass(frozen=True, slots=True)
class Reward:
    """How a shop compares with its `peers`, the other shops of its tier with enough sent messages.

    `read_beaten` of them have a lower read rate, `unsubscribe_beaten` a higher unsubscribe rate.
    """

    peers: int
    sent: int
    read: int
    unsubscribed: int
    read_beaten: int
    unsubscribe_beaten: int

    @property
    def for_reading(self) -> int:
        """1 when its read rate beats enough peers, else 0."""
        return self._earned(self.read_beaten)

    @property
    def for_staying(self) -> int:
        """1 when its unsubscribe rate is lower than that of enough peers, else 0."""
        return self._earned(self.unsubscribe_beaten)

    def _earned(self, beaten: int) -> int:
        enough = self.peers >= tier.terms().least_shops - 1 and self.peers > 0
        return int(enough and 100 * beaten >= tier.terms().beaten_percent * self.peers)


NO_REWARD = Reward(peers=0, sent=0, read=0, unsubscribed=0, read_beaten=0, unsubscribe_beaten=0)


@dataclass(frozen=True, slots=True)
class Quota:
    """A shop's quota in one week (its Monday). When a tier falls mid-week, more may be used than there is."""

    week: date
    tier: Tier
    reward: Reward
    used: int

    @property
    def total(self) -> int:
        """How many one-time plans may be submitted in the week."""
        return self.tier.basic + self.reward.for_reading + self.reward.for_staying

    @property
    def left(self) -> int:
        """How many more may be submitted in the week."""
        return max(0, self.total - self.used)

    @property
    def refreshes_at(self) -> datetime:
        """When the next week begins."""
        return start_of(self.week + timedelta(days=7))


def day_of(at: datetime) -> date:
    """The day of quotas and access at an instant: the calendar's at UTC−4."""
    return at.astimezone(ZONE).date()


def week_of(at: datetime) -> date:
    """The Monday of the week that an instant lies in.

    >>> week_of(datetime(2026, 1, 19, 3, 59, tzinfo=UTC)), week_of(datetime(2026, 1, 19, 4, tzinfo=UTC))
    (datetime.date(2026, 1, 12), datetime.date(2026, 1, 19))
    """
    day = day_of(at)
    return day - timedelta(days=day.weekday())


def start_of(day: date) -> datetime:
    """The instant at which a day of quotas begins."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def rewards(engagements: Sequence[Engagement]) -> dict[int, Reward]:
    """Each shop's comparison with its peers. Shops with too few sent messages have none, and are nobody's peers.

    Rates are compared as exact fractions, and a tie beats nobody.
    """
    tiers: dict[str, list[Engagement]] = defaultdict(list)
    for each in engagements:
        if each.sent >= max(1, tier.terms().least_sent):
            tiers[each.tier].append(each)
    return {shop_id: reward for shops in tiers.values() for shop_id, reward in _compared(shops).items()}


def _compared(shops: Sequence[Engagement]) -> dict[int, Reward]:
    read = sorted(Fraction(each.read, each.sent) for each in shops)
    stayed = sorted(Fraction(-each.unsubscribed, each.sent) for each in shops)
    return {
        each.shop_id: Reward(
            peers=len(shops) - 1,
            sent=each.sent,
            read=each.read,
            unsubscribed=each.unsubscribed,
            read_beaten=bisect_left(read, Fraction(each.read, each.sent)),
            unsubscribe_beaten=bisect_left(stayed, Fraction(-each.unsubscribed, each.sent)),
        )
        for each in shops
    }


async def quota(shop_id: int, at: datetime) -> Quota:
    """The shop's quota in the week of `at`. Inside a transaction that locks the shop it cannot change."""
    row = await database.fetch_one(_QUOTA, shop_id, week_of(at))
    assert row is not None
    own = tier.tier_of(row["gmv"], row["currency"], row["written"])
    # Another tier has other peers: a reward earned among the old ones holds only until the shop changes tier.
    reward = _reward(row) if row["reward_tier"] == own.name else NO_REWARD
    return Quota(week_of(at), own, reward, row["used"] or 0)


async def take(shop_id: int, at: datetime) -> date:
    """Take one place in the week of `at`; that week. Refused when none is left. Call inside a transaction."""
    now_is = await quota(shop_id, at)
    taken = await database.fetch_value(_TAKE, shop_id, now_is.week, now_is.total)
    if taken is None:
        raise refuse(
            "id",
            f"This week's {now_is.total} one-time plans are used up; there will be {now_is.tier.basic} or more again"
            f" from {readable(now_is.refreshes_at)} on.",
            ErrorCode.QUOTA_EXHAUSTED,
            rule="R17",
        )
    return now_is.week


async def give_back(plan_id: int) -> bool:
    """Give a plan's place back to the week it came from, once, if nothing of it ever left; whether it was.

    Call in the transaction that makes the plan CANCELLED, when nothing can leave any more.
    """
    return bool(await database.execute(_GIVE_BACK, plan_id))


async def recompute(at: datetime) -> None:
    """Compute every shop's reward of the day afresh; those that sent nothing have none. Repeating it is harmless."""
    since = at - timedelta(days=tier.terms().window_days)
    rows = await database.fetch(_ENGAGEMENTS, since, at)
    tiers = {row["shop_id"]: tier.tier_of(row["gmv"], row["currency"], row["tier"]).name for row in rows}
    found = rewards(
        [
            Engagement(row["shop_id"], tiers[row["shop_id"]], row["sent"], row["read"], row["unsubscribed"])
            for row in rows
        ]
    )
    async with database.transaction():
        await database.execute("DELETE FROM quota_reward WHERE NOT shop_id = ANY($1::int[])", list(found))
        await database.execute_many(
            _STORE,
            [
                (
                    shop_id, day_of(at), tiers[shop_id], reward.peers, reward.sent, reward.read, reward.unsubscribed,
                    reward.read_beaten, reward.unsubscribe_beaten,
                )
                for shop_id, reward in sorted(found.items())
            ],
        )  # fmt: skip


def _reward(row: database.Record) -> Reward:
    return Reward(
        row["peers"], row["sent"], row["read"], row["unsubscribed"], row["read_beaten"], row["unsubscribe_beaten"]
    )


_QUOTA = """
SELECT s.gmv, s.currency, s.tier AS written, w.used,
    r.tier AS reward_tier, r.peers, r.sent, r.read, r.unsubscribed, r.read_beaten, r.unsubscribe_beaten
FROM shop s
LEFT JOIN quota_week w ON w.shop_id = s.id AND w.week = $2
LEFT JOIN quota_reward r ON r.shop_id = s.id
WHERE s.id = $1
"""

_TAKE = """
INSERT INTO quota_week AS taken (shop_id, week, used)
SELECT $1, $2, 1 WHERE $3::integer > 0
ON CONFLICT (shop_id, week) DO UPDATE SET used = taken.used + 1 WHERE taken.used < $3
RETURNING used
"""

# What ever left: sent, on its way, of unknown outcome, returned after it was sent, or tried again though it may have left.
_GIVE_BACK = """
WITH held AS (
    SELECT id, shop_id, quota_week FROM plan WHERE id = $1 AND quota_week IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM delivery WHERE plan_id = $1
          AND (state IN ('SENT', 'COMMITTING', 'UNKNOWN') OR sent_at IS NOT NULL OR may_repeat))
    FOR NO KEY UPDATE
),
freed AS (UPDATE plan p SET quota_week = NULL FROM held WHERE p.id = held.id)
UPDATE quota_week w SET used = used - 1 FROM held WHERE w.shop_id = held.shop_id AND w.week = held.quota_week
"""

_ENGAGEMENTS = """
SELECT s.id AS shop_id, s.gmv, s.currency, s.tier, m.sent, m.read, coalesce(u.count, 0) AS unsubscribed
FROM shop s
JOIN (
    SELECT d.shop_id, count(*) AS sent, count(d.read_at) AS read
    FROM plan p JOIN delivery d ON d.plan_id = p.id
    WHERE p.started_at <= $2 AND (p.finished_at IS NULL OR p.finished_at > $1)
      AND d.state = 'SENT' AND d.sent_at > $1 AND d.sent_at <= $2
    GROUP BY d.shop_id
) m ON m.shop_id = s.id
LEFT JOIN (
    SELECT shop_id, count(DISTINCT customer_id) AS count FROM unsubscription
    WHERE happened_at > $1 AND happened_at <= $2 GROUP BY shop_id
) u ON u.shop_id = s.id
"""

_STORE = """
INSERT INTO quota_reward (shop_id, computed_on, tier, peers, sent, read, unsubscribed, read_beaten, unsubscribe_beaten)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (shop_id) DO UPDATE SET (computed_on, tier, peers, sent, read, unsubscribed, read_beaten, unsubscribe_beaten)
    = (excluded.computed_on, excluded.tier, excluded.peers, excluded.sent, excluded.read, excluded.unsubscribed,
       excluded.read_beaten, excluded.unsubscribe_beaten)
"""
