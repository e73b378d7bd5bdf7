"""What must be true of the delivery ledger at any moment, whatever happened (docs/reliability.md)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from models import database as db
from models.delivery import DeliveryCount, DeliveryState
from models.progress import progress_of
from tests.receiver import Accepted

WAITING = {"PENDING", "COMMITTING"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the oracle counted: recipients by state, and what a relay accepted."""

    states: Counter[str]
    accepted: int


async def check(accepted: Iterable[Accepted] = (), *, at_rest: bool = True, channel: str = "EMAIL") -> Verdict:
    """Hold the ledger against what a relay accepted, or a chat platform (`channel` CHAT). `at_rest`: nobody works.

    Nobody got a message twice, unless somebody asked for that and it is marked; what the ledger calls sent was
    accepted; what was accepted is sent, or unknown; every contact belongs to a message that went or may go today, and
    nobody has more than two a day.
    """
    ids = [message.message_id for message in accepted]
    rows = await db.fetch(
        "SELECT plan_id, customer_id, state, channel, contact_day, slice, attempt, may_repeat FROM delivery"
    )
    by_id = {f"{row['plan_id']}.{row['customer_id'].hex}@rekindle.localhost": row for row in rows}
    assert set(ids) <= by_id.keys(), "something was accepted that is not in the ledger"
    repeated = [each for each, count in Counter(ids).items() if count > 1 and not by_id[each]["may_repeat"]]
    assert repeated == [], "a message was accepted twice"
    states = Counter(row["state"] for row in rows)
    if at_rest:
        assert states["COMMITTING"] == 0, "something is in flight though nobody works"
    _check_states(set(ids), by_id, channel)
    await check_contacts()
    await _check_plans()
    if at_rest:
        await check_progress()
    return Verdict(states, len(ids))


def _check_states(ids: set[str], by_id: dict[str, db.Record], channel: str) -> None:
    mail = {name: row for name, row in by_id.items() if row["channel"] == channel}
    lost = [name for name, row in mail.items() if row["state"] == "SENT" and name not in ids]
    assert lost == [], "the ledger says sent, and no relay accepted it"
    extra = {row["state"] for name, row in mail.items() if name in ids and not row["may_repeat"]} - {
        "SENT",
        "UNKNOWN",
        "COMMITTING",
    }
    assert extra == set(), "a relay accepted what the ledger does not call sent or unknown"


async def check_contacts() -> None:
    """Nobody is written to more than twice a day, and contacts and messages belong together."""
    worst = await db.fetch_value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM delivery"
        " WHERE state IN ('SENT', 'UNKNOWN', 'COMMITTING') GROUP BY customer_id, contact_day) AS t"
    )
    assert (worst or 0) <= 2, "a customer was written to more than twice a day"
    loose = await db.fetch(
        "SELECT c.* FROM contact c LEFT JOIN delivery d"
        " ON d.plan_id = c.plan_id AND d.customer_id = c.customer_id AND d.reference = c.reference"
        " AND d.contact_day = c.day AND (d.may_repeat OR d.state IN ('SENT', 'UNKNOWN', 'COMMITTING', 'PENDING'))"
        " WHERE d.plan_id IS NULL"
    )
    assert loose == [], "a contact is taken by a message that did not go"
    missing = await db.fetch(
        "SELECT d.* FROM delivery d LEFT JOIN contact c"
        " ON d.plan_id = c.plan_id AND d.customer_id = c.customer_id AND d.reference = c.reference"
        " AND d.contact_day = c.day"
        " WHERE d.state IN ('SENT', 'UNKNOWN', 'COMMITTING') AND c.plan_id IS NULL"
    )
    assert missing == [], "a message went without a contact"


async def _check_plans() -> None:
    stranded = await db.fetch(
        "SELECT d.plan_id, d.state, p.status FROM delivery d JOIN plan p ON p.id = d.plan_id"
        " WHERE d.state IN ('PENDING', 'COMMITTING') AND (p.status IN ('SENT', 'ENDED', 'CANCELLED', 'DELETED')"
        " OR EXISTS (SELECT FROM slice s WHERE s.plan_id = d.plan_id AND s.number = d.slice AND s.done_at IS NOT NULL"
        "            AND p.status <> 'CANCELLING'))"
    )
    assert stranded == [], "a message waits where nobody will look for it"


async def check_progress() -> None:
    """What is told of plans without counting what was sent equals the ledger, counted row by row. Nobody writes meanwhile."""
    ids = [row["id"] for row in await db.fetch("SELECT id FROM plan ORDER BY id")]
    told = await progress_of(ids)
    rows = await db.fetch(
        "SELECT plan_id, state, reason, channel, language, count(*) AS count, count(*) FILTER (WHERE may_repeat) AS repeats"
        " FROM delivery GROUP BY plan_id, state, reason, channel, language"
    )
    counted = {plan_id: Counter[tuple[str | None, ...]]() for plan_id in ids}
    repeats = Counter[int]()
    for plan_id, *key, count, repeated in rows:
        counted[plan_id][tuple(key)] += count
        repeats[plan_id] += repeated
    for plan_id in ids:
        one = told[plan_id]
        sums = {(each.state.value, each.reason, each.channel, each.language): each.count for each in one.counts}
        assert sums == counted[plan_id], "a plan's progress is not what its ledger says"
        assert one.may_repeat == repeats[plan_id], "a plan's progress does not tell what may repeat"


async def breakdown(plan_id: int) -> list[DeliveryCount]:
    """A plan's recipients by state, reason, channel and language, counted row by row."""
    rows = await db.fetch(
        "SELECT state, reason, channel, language, count(*) AS count FROM delivery WHERE plan_id = $1"
        " GROUP BY state, reason, channel, language ORDER BY count(*) DESC, state, reason, channel, language",
        plan_id,
    )
    return [DeliveryCount(DeliveryState(row["state"]), *list(row)[1:]) for row in rows]
