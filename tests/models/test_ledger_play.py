"""Random plays on the real ledger: workers, relays, sellers and customers do what they like, in any order.

After every step the oracle must find the ledger true. What a worker does here with intents and dots is what the mail
channel does, but for the wire.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import consent, delivery, intent, mail_report, worker
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.errors import Refused
from models.intent import Settlement
from models.mail.bounce import next_try
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.metric import day
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.shop import Shop
from models.slice import Slice, Waiting
from tests import oracle
from tests.conftest import NOON, empty
from tests.factories import make_customers, make_resolved, make_shop
from tests.receiver import Accepted

LEASE = timedelta(minutes=1)
PLANS, CUSTOMERS, WORKERS = 3, 4, 2


@dataclass
class Letter:
    """A message in a worker's hands: waiting, granted (with the try's number), or its dot has left."""

    message: Waiting
    owner: int
    attempt: int | None = None
    stored: bool | None = None


@dataclass
class Play:
    """The players and what they hold."""

    clock: Clock
    shop: Shop
    customers: list[UUID]
    plans: list[Plan]
    workers: list[UUID] = field(default_factory=list)
    held: list[tuple[int, Slice]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)

    async def step(self, name: str, which: int, flag: bool) -> None:
        """Do one thing, if it can be done."""
        await getattr(self, name)(which, flag)
        await oracle.check(self.accepted, at_rest=False)
        await oracle.check_progress()

    def _letter(self, which: int, *, granted: bool, dotted: bool = False) -> Letter | None:
        found = [
            each for each in self.letters
            if (each.attempt is not None) is granted and (each.stored is not None) is dotted
        ]  # fmt: skip
        return found[which % len(found)] if found else None

    async def acquire(self, which: int, flag: bool) -> None:
        owner, plan = which % WORKERS, self.plans[which % PLANS]
        held = await slices.acquire(plan.id, 1, self.workers[owner], uuid4())
        if held is not None:
            self.held.append((owner, held))
            self.letters += [Letter(message, owner) for message in await slices.load(held)]

    async def intend(self, which: int, flag: bool) -> None:
        letter = self._letter(which, granted=False)
        if letter is None:
            return
        [letter.attempt] = await intent.commit([], [letter.message])
        if letter.attempt is None:
            self.letters.remove(letter)

    async def dot(self, which: int, flag: bool) -> None:
        letter = self._letter(which, granted=True)
        if letter is None:
            return
        message, letter.stored = letter.message, flag
        assert (await Plan.get(id=message.plan_id)).status is not PlanStatus.CANCELLED
        assert now() < message.goes_until
        if flag:
            name = f"{message.plan_id}.{message.customer_id.hex}@rekindle.localhost"
            self.accepted.append(Accepted(0, name, ""))

    async def reply(self, which: int, flag: bool) -> None:
        """The relay's answer to a dot, which tells the truth, or none."""
        letter = self._letter(which, granted=True, dotted=True)
        if letter is None:
            return
        assert letter.attempt is not None
        if which % 4 == 0:
            settlement = Settlement(letter.message, letter.attempt, DeliveryState.UNKNOWN, "CONNECTION_LOST")
        elif letter.stored:
            settlement = Settlement(letter.message, letter.attempt, DeliveryState.SENT)
        elif flag:
            later = next_try(letter.message.attempt, now())
            settlement = Settlement(letter.message, letter.attempt, DeliveryState.PENDING, "4.2.1", not_before=later)
        else:
            settlement = Settlement(letter.message, letter.attempt, DeliveryState.FAILED, "5.6.0")
        await self._settle(letter, settlement)

    async def refuse(self, which: int, flag: bool) -> None:
        """The relay refuses an envelope."""
        letter = self._letter(which, granted=False)
        if letter is not None:
            attempt = letter.message.attempt + 1
            state = DeliveryState.FAILED if flag else DeliveryState.PENDING
            later = None if flag else next_try(attempt, now())
            await self._settle(
                letter,
                Settlement(letter.message, attempt, state, "5.1.1" if flag else "4.2.1", later, intended=False,
                           suppresses=flag),
            )  # fmt: skip

    async def _settle(self, letter: Letter, settlement: Settlement) -> None:
        self.letters.remove(letter)
        await intent.commit([settlement], [])
        if flag_of(settlement):
            await intent.commit([settlement], [])  # an answer that was stored, and stored again

    async def _take_back(self, owner: int) -> None:
        """Grants that were not used in time are given back: the dot never left."""
        for letter in [each for each in self.letters if each.owner == owner and each.stored is None]:
            if letter.attempt is not None:
                await self._settle(letter, Settlement(letter.message, letter.attempt, DeliveryState.PENDING))
            else:
                self.letters.remove(letter)

    async def release(self, which: int, flag: bool) -> None:
        if self.held:
            owner, held = self.held.pop(which % len(self.held))
            await self._take_back(owner)
            await slices.release(held)

    async def crash(self, which: int, flag: bool) -> None:
        owner = which % WORKERS
        self.letters = [each for each in self.letters if each.owner != owner]
        self.held = [each for each in self.held if each[0] != owner]
        await self._expire_lease(owner)

    async def stall(self, which: int, flag: bool) -> None:
        """A worker stands still longer than its lease: answers may still come, new dots may not go."""
        owner = which % WORKERS
        await self._expire_lease(owner)
        if flag:
            await self.reap(which, flag)
        for letter in [each for each in self.letters if each.owner == owner and each.attempt and each.stored is None]:
            assert letter.attempt is not None
            await self._settle(letter, Settlement(letter.message, letter.attempt, DeliveryState.PENDING))
        self.held = [each for each in self.held if each[0] != owner]

    async def _expire_lease(self, owner: int) -> None:
        await db.execute("UPDATE worker SET lease_until = clock_timestamp() WHERE id = $1", self.workers[owner])
        self.workers[owner] = uuid4()
        await worker.register(self.workers[owner], "player", LEASE)

    async def reap(self, which: int, flag: bool) -> None:
        await slices.give_up_lost()

    async def pause(self, which: int, flag: bool) -> None:
        await advance.pause(self.plans[which % PLANS].id, "BY_SELLER")

    async def resume(self, which: int, flag: bool) -> None:
        try:
            await (await Plan.get(id=self.plans[which % PLANS].id)).resume(self.shop)
        except Refused:
            return

    async def cancel(self, which: int, flag: bool) -> None:
        try:
            await (await Plan.get(id=self.plans[which % PLANS].id)).cancel()
        except Refused:
            return

    async def retry(self, which: int, flag: bool) -> None:
        try:
            plan = await Plan.get(id=self.plans[which % PLANS].id)
            await plan.retry_failed(self.shop, include_unknown=flag, deadline_after=timedelta(hours=72))
        except Refused:
            return

    async def finish(self, which: int, flag: bool) -> None:
        plan = self.plans[which % PLANS]
        await delivery.expire(plan.id, now())
        await advance.finish(plan.id)
        await advance.finish_cancelling(plan.id)

    async def unsubscribe(self, which: int, flag: bool) -> None:
        await consent.unsubscribe(self.shop.id, self.customers[which % CUSTOMERS], source="mail")

    async def report(self, which: int, flag: bool) -> None:
        """A mail that was accepted comes back, or is said to have arrived; what came back is with nobody any more."""
        if not self.accepted:
            return
        mail = self.accepted[which % len(self.accepted)]
        plan, person = mail.message_id.partition("@")[0].split(".")
        about = ReturnKey(int(plan), UUID(hex=person), "")
        if which % 3 == 0:
            await mail_report.take(Report(about, Outcome.DELIVERED))
            return
        told = Report(about, Outcome.FAILED, "5.1.1" if flag else "5.2.2")
        assert await mail_report.take(told)
        assert not await mail_report.take(told)
        self.accepted.remove(mail)

    async def fold(self, which: int, flag: bool) -> None:
        """Some of what changed is added up by day, or all is made anew from the ledger."""
        if flag:
            await day.fold(size=which + 1)
        else:
            await day.rebuild(self.shop.id)

    async def midnight(self, which: int, flag: bool) -> None:
        """A day passes: what was loaded before may not go any more."""
        self.clock.move(timedelta(days=1))
        for owner in range(WORKERS):
            await self._take_back(owner)


def flag_of(settlement: Settlement) -> bool:
    """Whether this settlement is stored twice: decided by what it is about, so that a play can be repeated."""
    return settlement.message.customer_id.int % 2 == 0


STEPS = (
    ["acquire"] * 4 + ["intend"] * 8 + ["dot"] * 6 + ["reply"] * 6 + ["refuse"] * 2 + ["release"] * 3
    + ["crash", "stall", "reap", "reap", "pause", "resume", "resume", "cancel", "finish", "finish", "retry", "retry",
       "unsubscribe", "midnight", "report", "report", "fold", "fold"]
)  # fmt: skip

PROGRAM = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 11), st.booleans()), min_size=5, max_size=40)


@settings(suppress_health_check=list(HealthCheck))
@given(PROGRAM)
async def test_whatever_happens_the_ledger_is_true(
    database: None, migrated: str, clock: Clock, program: list[tuple[str, int, bool]]
):
    await empty(migrated)
    clock.freeze(NOON)
    play = await _begin(clock)

    for step in program:
        await play.step(*step)
    for owner in range(WORKERS):
        await play.crash(owner, flag=False)
    await slices.give_up_lost()

    await oracle.check(play.accepted)


async def _begin(clock: Clock) -> Play:
    """Three e-mail plans to the same four customers, all resolved."""
    shop = await make_shop()
    customers = await make_customers(shop, CUSTOMERS)
    plans: list[Any] = [await make_resolved(shop, channel=PlanChannel.EMAIL) for _ in range(PLANS)]
    play = Play(clock, shop, customers, plans)
    for _ in range(WORKERS):
        play.workers.append(uuid4())
        await worker.register(play.workers[-1], "player", LEASE)
    return play
