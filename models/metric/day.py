"""Figures rolled up by day: one row per shop, day, plan, channel, language and product (R23).

What counts is said once, by the view `metric_fact`. Triggers write every change of it to `metric_delta` in the very
commit that makes it, without touching a row that another writer may hold; `fold` adds those up into `metric_day`.
Whoever reads takes both together (the view `metric`), so figures are of this moment and equal the ledger, whether
much or little has been folded. `rebuild` makes a shop's rows anew from the ledger; the result is the same.
"""

from uuid import UUID

from models import database
from models.advisory_lock import AdvisoryLock

WHOLE = UUID(int=0)
"""The `product_id` of what belongs to a message as a whole."""

FACTS = (
    "sent", "read", "clicked", "machine_read", "machine_clicked", "replied", "unsubscribed", "claimed", "redeemed",
    "orders", "gmv",
)  # fmt: skip
"""What is counted; columns of `metric_day` and of the view `metric`."""

FOLD_SIZE = 100_000
"""Changes that one transaction folds."""


async def is_due() -> bool:
    """Whether there are changes to fold, or a shop whose rows are to be made anew."""
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM metric_delta) OR EXISTS (SELECT FROM metric_rebuild)"
    )
    return found


async def fold(size: int = FOLD_SIZE) -> int:
    """Add up to `size` changes to the days they belong to; how many there were."""
    async with database.transaction():
        await database.hold(AdvisoryLock.FIGURES)
        folded: int = await database.fetch_value(_FOLD, size)
    return folded


async def fold_all() -> None:
    """Fold until nothing is left that was there before."""
    while await fold() == FOLD_SIZE:
        pass


async def rebuild(shop_id: int) -> None:
    """Make the shop's rows anew from the ledger, from one snapshot. Others write meanwhile."""
    async with database.transaction():
        await database.hold(AdvisoryLock.FIGURES)
        await database.execute(_BY_WHOLE_KEYS)
        await database.execute(_REBUILD, shop_id)


async def rebuild_due() -> list[int]:
    """Rebuild the shops that need it, once all transactions have ended that were under way at the change; which they were."""
    await database.execute(_SEE, _UNSEEN)
    rows = await database.fetch(
        "SELECT shop_id, since::text FROM metric_rebuild WHERE since < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY 1"
    )
    for row in rows:
        await rebuild(row["shop_id"])
        await database.execute(
            "DELETE FROM metric_rebuild WHERE shop_id = $1 AND since = $2::text::xid8", row["shop_id"], row["since"]
        )
    return [row["shop_id"] for row in rows]


_UNSEEN = "18446744073709551615"
"""What `metric_rebuild.since` is until somebody has seen that the change is committed."""

# Who wrote by what was before had begun to write before the change was committed, so its number is a lower one.
_SEE = "UPDATE metric_rebuild SET since = pg_current_xact_id() WHERE since = $1::text::xid8"

_KEY = "shop_id, day, plan_id, channel, language, product_id"
_SAME = " AND ".join(f"f.{column} = d.{column}" for column in _KEY.split(", "))
_COLUMNS = f"{_KEY}, {', '.join(FACTS)}"
_SUMS = ", ".join(f"coalesce(sum(amount) FILTER (WHERE fact = '{fact}'), 0)" for fact in FACTS)

_FOLD = f"""
WITH taken AS (
    DELETE FROM metric_delta WHERE ctid IN (SELECT ctid FROM metric_delta LIMIT $1) RETURNING *
),
folded AS (
    INSERT INTO metric_day AS known ({_COLUMNS})
    SELECT {_KEY}, {_SUMS} FROM taken GROUP BY {_KEY}
    ON CONFLICT (shop_id, day, product_id, plan_id, channel, language)
    DO UPDATE SET {", ".join(f"{fact} = known.{fact} + excluded.{fact}" for fact in FACTS)}
)
SELECT count(*) FROM taken
"""

# How many facts there will be the planner does not know. Merged by plan and day alone, each product that a plan led to on
# a day would be held against all others.
_BY_WHOLE_KEYS = "SET LOCAL enable_mergejoin = off"

# One statement is one snapshot: a change that it does not see has its row in metric_delta still to come. No column of
# the key is ever NULL. (By NOT IN, each old row would be held against all new ones once these do not fit into work_mem.)
_REBUILD = f"""
WITH known AS (DELETE FROM metric_delta WHERE shop_id = $1),
fact AS MATERIALIZED (SELECT {_KEY}, {_SUMS} FROM metric_fact WHERE shop_id = $1 GROUP BY {_KEY}),
gone AS (
    DELETE FROM metric_day d WHERE d.shop_id = $1 AND NOT EXISTS (SELECT FROM fact f WHERE {_SAME})
)
INSERT INTO metric_day ({_COLUMNS}) SELECT * FROM fact
ON CONFLICT (shop_id, day, product_id, plan_id, channel, language)
DO UPDATE SET {", ".join(f"{fact} = excluded.{fact}" for fact in FACTS)}
"""
