"""A chat plan to everyone, against a bare INSERT … SELECT of the same rows into the same table.

Ours is the whole way, by a worker process: the texts pinned in six languages, the segment evaluated, each
customer's language chosen, consent looked at, the contact limit reserved, and the message in the inbox. Before
each round the ledger is made to hold as many rows as the plan has recipients: yesterday's, with their contacts.

Cases: how many recipients, in rows per second; theirs is the yardstick `insert`. The most memory is that of a worker
that did nothing else.
"""

from bench.place import redis_server, scratch_database
from bench.recipients import shop_with_recipients, submitted
from bench.report import Case, Machine, Report, measured_on
from bench.rounds import interleaved
from bench.working import Working, worker
from models import database
from models.plan import PlanChannel
from models.shop import Shop

SIZES = {
    "small": ((200, 1_000), 1),
    "full": ((10_000, 100_000, 1_000_000), 3),
}
"""Recipients, and rounds."""


async def measure(size: str) -> Report:
    """Every size, in a database of its own."""
    recipients, rounds = SIZES[size]
    cases: list[Case] = []
    memory: dict[str, int] = {}
    for count in recipients:
        case, megabytes, machine = await _measured(count, rounds)
        cases.append(case)
        memory[f"worker, {count} recipients"] = megabytes
    return Report("chat", {"recipients": recipients[-1], "rounds": rounds}, cases, machine, memory)


async def _measured(count: int, rounds: int) -> tuple[Case, int, Machine]:
    async with scratch_database() as url, redis_server() as redis_url, worker(url, redis_url) as working:
        shop = await shop_with_recipients(count)
        async with database.connection() as raw:
            machine = await measured_on(raw)
        await _prepare(working, shop)
        works = {
            "ours": lambda: _send(working, shop),
            "insert": lambda: database.execute("INSERT INTO delivery SELECT * FROM made ORDER BY customer_id"),
        }
        seconds = await interleaved(rounds, works, before=_yesterday)
        rates = {side: count / taken for side, taken in seconds.items()}
        return (
            Case(str(count), "insert", rates["ours"], rates["insert"], "rows/s"),
            working.program.megabytes(),
            machine,
        )


async def _prepare(working: Working, shop: Shop) -> None:
    """Send once unmeasured: what it wrote is what is copied, and what the ledger held before."""
    await _send(working, shop)
    await database.execute("CREATE TABLE made AS SELECT * FROM delivery")
    await database.execute("CREATE TABLE taken AS SELECT * FROM contact")
    await database.execute("UPDATE made SET plan_id = 0")


async def _send(working: Working, shop: Shop) -> None:
    plan = await submitted(shop, PlanChannel.CHAT)
    await working.send(plan)


async def _yesterday() -> None:
    """The ledger holds a plan that everyone got yesterday, and nothing else; nothing waits to be written."""
    await database.execute("TRUNCATE delivery, contact")
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, contact_day,"
        " created_at, sent_at, frozen) SELECT -1, customer_id, reference, shop_id, state, channel, language,"
        " contact_day - 1, created_at - interval '1 day', sent_at - interval '1 day', frozen FROM made"
    )
    await database.execute("INSERT INTO contact SELECT customer_id, day - 1, slot, -1, reference FROM taken")
    await database.execute("TRUNCATE quota_week")
    await database.execute("VACUUM (ANALYZE) delivery")
    await database.execute("VACUUM (ANALYZE) contact")
    await database.execute("CHECKPOINT")
