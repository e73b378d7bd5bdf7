"""A plan's texts as pinned when it starts: a row per (plan, channel, language, variant), never changed again."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from models import content, database, enclosure, experiment
from models.clock import now
from models.content import Localised
from models.enclosure import Enclosure
from models.plan.draft import PlanChannel

Key = tuple[int, str, str, int]
"""(plan, channel, language, variant)."""

Text = tuple[str, int]
"""Which of a plan's texts for a channel: (language, variant)."""


async def pin(plan_id: int, *, tracked: bool = False) -> bool:
    """Localise a running plan's texts into rows; False when the plan does not run. Repeating it changes nothing.

    `tracked`: emails get links of their own and a pixel, unless the shop wants none (models/touch).
    """
    async with database.transaction():
        plan = await database.fetch_one(
            "SELECT channel, content, experiment, coupon_id, localised_at FROM plan"
            " WHERE id = $1 AND status = 'ONGOING' FOR NO KEY UPDATE",
            plan_id,
        )
        if plan is None:
            return False
        if plan["localised_at"] is None:
            await _pin(plan_id, plan, tracked=tracked)
    return True


async def _pin(plan_id: int, plan: database.Record, *, tracked: bool) -> None:
    """Store every variant's texts. From here on an experiment has its hours."""
    at = now()
    tried = experiment.read(database.decode(plan["experiment"]))
    said = experiment.contents(database.decode(plan["content"]), tried)
    enclosed = await enclosure.with_coupons(plan_id, experiment.coupon_ids(plan["coupon_id"], tried))
    channels = PlanChannel(plan["channel"]).channels
    for number, (texts, inside) in enumerate(zip(said, enclosed, strict=True)):
        await _store(plan_id, number, _localise(texts, channels, inside, tracked=tracked))
    decides_at = at + timedelta(hours=tried.hours) if tried else None
    await database.execute("UPDATE plan SET localised_at = $2, decides_at = $3 WHERE id = $1", plan_id, at, decides_at)


async def load(keys: Collection[Key]) -> dict[Key, Localised]:
    """The pinned texts of these keys; in a language without one the plan's own fallback, or what there is (R14).

    So a text may be in another language than its key says. A key is missing where its plan has pinned nothing.
    """
    found = await _load(_PINNED, keys)
    missing = set(keys) - found.keys()
    return {**found, **await _load(_INSTEAD, missing)} if missing else found


async def of_plan(plan_id: int, channel: str, texts: Collection[Text]) -> dict[Text, Localised]:
    """Those of a plan's pinned texts for one channel, in another language where `load` finds no other."""
    found = await load({(plan_id, channel, language, variant) for language, variant in texts})
    return {(language, variant): said for (_, _, language, variant), said in found.items()}


async def _load(sql: str, keys: Collection[Key]) -> dict[Key, Localised]:
    if not keys:
        return {}
    rows = await database.fetch(sql, *(list(column) for column in zip(*keys, strict=True)))
    return {(row["plan_id"], row["channel"], row["wanted"], row["variant"]): _localised(row) for row in rows}


def _localise(
    texts: Mapping[str, Any], channels: Collection[str], enclosed: Enclosure, *, tracked: bool
) -> list[Localised]:
    return [
        content.localise(
            texts,
            channel=channel,
            language=language,
            constants=enclosed.constants(language),
            frame=enclosed.frame(language, tracked=tracked and enclosed.is_tracked),
        )
        for channel in channels
        for language in texts["texts"]
    ]


async def _store(plan_id: int, variant: int, texts: Collection[Localised]) -> None:
    await database.execute_many(
        "INSERT INTO plan_content (plan_id, variant, channel, language, subject, preheader, text, html, variables)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        [
            (plan_id, variant, t.channel, t.language, t.subject, t.preheader, t.text, t.html, list(t.variables))
            for t in texts
        ],
    )


def _localised(row: database.Record) -> Localised:
    return Localised(
        row["channel"], row["language"], row["subject"], row["preheader"], row["text"], row["html"],
        tuple(row["variables"]),
    )  # fmt: skip


_COLUMNS = "c.plan_id, c.channel, c.language, c.variant, c.subject, c.preheader, c.text, c.html, c.variables"

_PINNED = (
    f"SELECT {_COLUMNS}, c.language AS wanted FROM unnest($1::int[], $2::text[], $3::text[], $4::smallint[])"
    " AS k(plan_id, channel, language, variant) JOIN plan_content c USING (plan_id, channel, language, variant)"
)

# A row of the ledger may have a language without a text: it was written when the shop's default was another than the
# plan was checked for. Whoever reads it had better read something than nothing at all.
_INSTEAD = f"""
SELECT {_COLUMNS}, k.wanted FROM unnest($1::int[], $2::text[], $3::text[], $4::smallint[]) AS k(plan_id, channel, wanted, variant)
JOIN plan p ON p.id = k.plan_id
CROSS JOIN LATERAL (
    SELECT * FROM plan_content c WHERE c.plan_id = k.plan_id AND c.channel = k.channel AND c.variant = k.variant
    ORDER BY c.language = p.fallback_language DESC NULLS LAST, c.language LIMIT 1
) AS c
"""
