"""Erasing a customer: what tells who they are goes, what was counted stays, and nothing brings them back.

First, in one transaction, nothing new can concern them: their profile and all relationships are gone, what waits to
be sent is withdrawn, and later rows about them are refused. What is in flight just then is awaited. Then, in another,
what figures are counted from (messages, orders, claims, touches, unsubscriptions) goes to a random id, without any id
of the platform's and with times to a quarter of an hour, so that all sums stay as they are; everything else is deleted.
A digest under SECRET_KEY of who was erased stays, and one of their address, so that neither comes back by mistake.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from models import consent, customer_rows, database, delivery
from models.advisory_lock import AdvisoryLock
from models.bugs import Bugs
from models.clock import now
from models.delivery import Reason
from models.errors import ErrorCode, Problem, refuse
from models.experiment import winner
from models.identifier import customer_id
from models.keyed_digest import keyed_digest

STEP = "15 minutes"
"""What times are coarsened to: all time zones differ by multiples of it, so what happened stays on its day."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was asked for; it is done, or will be as soon as the last message in flight is answered."""

    asked_at: datetime
    done_at: datetime | None


async def erase(external_id: str, *, secret: bytes, actor: str) -> Erasure:
    """Erase the customer with this external id. Refused when nothing is known of them; repeating changes nothing.

    While a message to them is in flight it is not done: `finish_waiting` does it later.
    """
    person = customer_id(external_id)
    key = customer_key(person, secret)
    await database.despite_deadlocks(lambda: _close(external_id, key, actor))
    await database.despite_deadlocks(lambda: _finish(person, key))
    found = await of_key(key)
    assert found is not None
    return found


async def finish_waiting() -> int:
    """Finish what waits for messages in flight, as far as they are answered; how many are done.

    A bug met at one customer is raised once all others have had their turn.
    """
    done, bugs = 0, Bugs()
    for person, key in await database.fetch("SELECT customer_id, customer_key FROM erasure WHERE done_at IS NULL"):
        with bugs.kept():
            done += await database.despite_deadlocks(partial(_finish, person, key))
    bugs.check()
    return done


async def is_waiting() -> bool:
    """Whether somebody's erasing is not done yet."""
    found: bool = await database.fetch_value("SELECT EXISTS (SELECT FROM erasure WHERE done_at IS NULL)")
    return found


def customer_key(person: UUID, secret: bytes) -> bytes:
    """What stands for an erased customer: nobody without the secret can tell whom."""
    return keyed_digest(secret, "erased", person.bytes)


async def of_key(key: bytes) -> Erasure | None:
    """The erasure of a customer, if there was one."""
    row = await database.fetch_one("SELECT asked_at, done_at FROM erasure WHERE customer_key = $1", key)
    return Erasure(*row) if row else None


async def hold() -> None:
    """Let nobody begin to be erased until this transaction ends. Call it before any row is locked."""
    await database.hold(AdvisoryLock.ERASURE, shared=True)


async def among(people: Callable[[], Iterable[UUID]], *, secret: bytes) -> Collection[UUID]:
    """Which of these customers were erased. Holds off further erasing until this transaction ends."""
    await hold()
    if not await database.fetch_value("SELECT EXISTS (SELECT FROM erasure)"):
        return ()
    keys = {customer_key(person, secret): person for person in set(people())}
    rows = await database.fetch("SELECT customer_key FROM erasure WHERE customer_key = ANY($1::bytea[])", list(keys))
    return {keys[row["customer_key"]] for row in rows}


def problem(field: str) -> Problem:
    """Why a row about an erased customer is refused."""
    return Problem((field,), "this customer was erased; who comes back is a new customer", ErrorCode.ERASED)


async def _close(external_id: str, key: bytes, actor: str) -> None:
    """Let nothing new concern the customer from here on."""
    person = customer_id(external_id)
    async with database.transaction():
        await database.hold(AdvisoryLock.ERASURE)
        if await of_key(key) is not None:
            return
        shops = await database.fetch(_SHOPS, person)
        if not shops and not await database.fetch_value(_IS_KNOWN, person):
            raise refuse("externalId", "There is no such customer.", ErrorCode.NOT_FOUND)
        for shop in shops:
            await consent.hold_exclusively(shop["shop_id"])
        await database.execute(
            "INSERT INTO erasure (customer_key, customer_id, actor, asked_at) VALUES ($1, $2, $3, $4)",
            key, person, actor, now(),
        )  # fmt: skip
        await delivery.withdraw_customer(person, Reason.ERASED)
        await database.execute(_SUPPRESS, person, now())
        await database.execute(_FORGET_TRIALS, person)
        await database.execute("DELETE FROM idempotency WHERE actor = $1", f"CUSTOMER::{external_id}")
        await database.execute(_FORGET_ANSWERS, str(person))
        await _delete("customer", person)
        await _delete("relationship", person)


async def _finish(person: UUID, key: bytes) -> bool:
    """Make anonymous what is counted and delete the rest, unless a message is in flight; whether it is done."""
    async with database.transaction():
        waiting = await database.fetch_value(
            "SELECT EXISTS (SELECT FROM erasure WHERE customer_key = $1 AND done_at IS NULL FOR UPDATE)", key
        )
        if not waiting:
            return True
        messages = await database.fetch(_MESSAGES, person)
        if await database.fetch_value(_IN_FLIGHT, person):
            return False
        # What was in flight and is refused for now waits again, and so does what its seller retried meanwhile.
        await delivery.withdraw_customer(person, Reason.ERASED)
        await _anonymise(person, uuid4(), messages)
        for table in await customer_rows.tables(but=COUNTED):
            await _delete(table, person)
        await database.execute(
            "UPDATE erasure SET customer_id = NULL, done_at = $2 WHERE customer_key = $1", key, now()
        )
    return True


async def _anonymise(person: UUID, nobody: UUID, messages: Sequence[database.Record]) -> None:
    """Let the rows that are counted be nobody's, in an order in which no figure of a day changes on the way.

    What comes of messages is known by the ledger's key (`metric_fact`), so the ledger itself comes last.
    """
    orders = [row["id"] for row in await database.fetch("SELECT id FROM orders WHERE customer_id = $1", person)]
    renamed = (
        orders, [uuid4() for _ in orders],
        [row["plan_id"] for row in messages], [row["reference"] for row in messages],
        [uuid4().hex if row["reference"] else "" for row in messages],
    )  # fmt: skip
    for statement in _RENAMES:
        await database.execute(statement, person, nobody, *renamed)
    for statement in _POSTINGS:
        await database.execute(statement, str(person))


async def _delete(table: str, person: UUID) -> None:
    await database.execute(f'DELETE FROM "{table}" WHERE {customer_rows.way(table)}', person)


COUNTED = ["attribution", "orders", "touch", "unsubscription", "claim", "delivery", "erasure"]
"""Tables whose rows stay, as nobody's; of all others with a `customer_id` the customer's rows go."""

_SHOPS = f"SELECT shop_id FROM relationship WHERE {customer_rows.way('relationship')} ORDER BY shop_id"

_IS_KNOWN = """
SELECT EXISTS (SELECT FROM customer WHERE id = $1) OR EXISTS (SELECT FROM orders WHERE customer_id = $1)
    OR EXISTS (SELECT FROM event WHERE customer_id = $1) OR EXISTS (SELECT FROM claim WHERE customer_id = $1)
"""

# Also an address that was not suppressed: who is imported again under another id is not written to.
_SUPPRESS = """
INSERT INTO suppression (email_key, reason, created_at)
SELECT email_key, 'ERASED', $2 FROM customer WHERE id = $1 AND email_key IS NOT NULL ON CONFLICT DO NOTHING
"""

# As a seller typed it.
_FORGET_TRIALS = "DELETE FROM trial WHERE lower(address) = (SELECT lower(email) FROM customer WHERE id = $1)"

# Kept answers to others' calls that name customer $1; to the platform's writing all, since it has ids of orders and
# events in it, too. (The first condition is an index's.)
_FORGET_ANSWERS = """
DELETE FROM idempotency
WHERE mutation IN ('customersUpsert', 'ordersUpsert', 'eventsUpsert', 'couponRedeem', 'conversationAnswer')
  AND CASE mutation WHEN 'couponRedeem' THEN response ->> 0 = $1 WHEN 'conversationAnswer' THEN response ->> 1 = $1 ELSE true END
"""

_IN_FLIGHT = """
SELECT EXISTS (SELECT FROM delivery WHERE customer_id = $1 AND slice IS NOT NULL AND state = 'COMMITTING')
"""

# Locked, so that a touch, a report or a retry that is being noted is waited for, and what it writes goes along; a later
# one finds no such message.
_MESSAGES = (
    f"SELECT plan_id, reference FROM delivery WHERE {customer_rows.DELIVERIES} ORDER BY plan_id, reference FOR UPDATE"
)

_ORDER = "(SELECT o.new FROM unnest($3::uuid[], $4::uuid[]) AS o(old, new) WHERE o.old = {0}.order_id)"
_REFERENCE = (
    "(SELECT m.new FROM unnest($5::int[], $6::text[], $7::text[]) AS m(plan_id, old, new)"
    " WHERE m.plan_id = {0}.plan_id AND m.old = {0}.reference)"
)


def _coarse(column: str) -> str:
    return f"date_bin('{STEP}', {column}, 'epoch'::timestamptz)"


def _set(*columns: str) -> str:
    return ", ".join(f"{column} = {_coarse(column)}" for column in columns)


# Each takes the person ($1), nobody ($2), orders before and after, and messages: plans, references before and after.
# Without a slice a message is not tried again (models/plan/retry.py); one that was withdrawn never is, and keeps it, since
# by it lift knows that the customer had been chosen. Whom an experiment was tried on their id tells, which goes. What was
# decided after a control group was drawn stays after it.
_USED = "(SELECT $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[]) AS used"
_RENAMES = (
    f"""
UPDATE attribution a SET customer_id = $2, order_id = {_ORDER.format("a")}, {_set("touched_at", "decided_at")},
    reference = coalesce({_REFERENCE.format("a")}, '')
WHERE a.customer_id = $1""",
    f"""
UPDATE orders SET customer_id = $2, id = o.new, external_id = o.new::text,
    {_set("ordered_at", "cancelled_at", "arrived_at")}
FROM unnest($3::uuid[], $4::uuid[]) AS o(old, new), {_USED} WHERE orders.customer_id = $1 AND orders.id = o.old""",
    f"""
UPDATE touch t SET customer_id = $2, {_set("touched_at")}, reference = coalesce({_REFERENCE.format("t")}, '')
FROM {_USED} WHERE t.plan_id = ANY($5::int[]) AND t.customer_id = $1""",
    f"UPDATE unsubscription SET customer_id = $2 FROM {_USED} WHERE customer_id = $1",
    f"""
WITH gone AS (DELETE FROM claim WHERE customer_id = $1 RETURNING *)
INSERT INTO claim (customer_id, coupon_id, number, shop_id, code, claimed_at, plan_id, reference, order_id, redeemed_at, discount)
SELECT $2, coupon_id, number, shop_id, upper(replace(gen_random_uuid()::text, '-', '')), {_coarse("claimed_at")}, plan_id,
    CASE WHEN reference IS NOT NULL THEN coalesce({_REFERENCE.format("gone")}, '') END,
    CASE WHEN order_id IS NOT NULL THEN coalesce({_ORDER.format("gone")}, gen_random_uuid()) END,
    {_coarse("redeemed_at")}, discount FROM gone""",
    f"""
UPDATE delivery d SET customer_id = $2, reference = m.new, frozen = NULL, contact_day = NULL,
    slice = CASE WHEN d.state = 'SUPPRESSED' THEN d.slice END,
    was_tried = (SELECT {winner.IS_TRIED} FROM plan p WHERE p.id = d.plan_id AND p.experiment IS NOT NULL),
    created_at = greatest({_coarse("d.created_at")}, (
        SELECT control_since FROM holdout h WHERE h.shop_id = d.shop_id AND h.control_since <= d.created_at)),
    {_set("sent_at", "read_at", "clicked_at", "replied_at", "machine_read_at", "machine_clicked_at")}
FROM unnest($5::int[], $6::text[], $7::text[]) AS m(plan_id, old, new), {_USED}
WHERE d.plan_id = m.plan_id AND d.customer_id = $1 AND d.reference = m.old""",
)

# What shops' webhooks are still to be told of: facts about the person alone, and messages among those of others.
_TOLD = "state = 'PENDING' AND posting_customers(data) @> ARRAY[$1::text]"
_POSTINGS = (
    f"DELETE FROM posting WHERE {_TOLD} AND posting_customers(data) <@ ARRAY[$1::text]",
    f"""
UPDATE posting SET data = jsonb_set(data, '{{messages}}',
    (SELECT jsonb_agg(message) FROM jsonb_array_elements(data -> 'messages') AS message WHERE message ->> 1 <> $1))
WHERE {_TOLD}""",
)
