"""Group commit: what gathers is committed together, nothing is lost with a commit, and no dot follows a doubtful one."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from jobs.channels.bookkeeping import group_commit
from jobs.channels.bookkeeping.group_commit import GroupCommit
from jobs.context import Context
from models import database as db
from models import intent
from models import slice as slices
from models.delivery import DeliveryState
from models.intent import Settlement
from models.plan import PlanChannel
from models.slice import Waiting
from tests import oracle
from tests.factories import make_customers, make_resolved, make_shop

commit = intent.commit


@pytest.fixture
async def messages(ctx: Context) -> list[Waiting]:
    """Six messages of a slice that is held."""
    shop = await make_shop()
    await make_customers(shop, 6)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    return await slices.load(held)


async def states() -> dict[str, int]:
    rows = await db.fetch("SELECT state, count(*) AS count FROM delivery GROUP BY 1")
    return {row["state"]: row["count"] for row in rows}


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Settlements and intents of each commit."""
    found: list[tuple[int, int]] = []

    async def counting(settlements, intents):
        found.append((len(settlements), len(intents)))
        await asyncio.sleep(0.02)
        return await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", counting)
    return found


async def test_what_gathers_during_a_commit_goes_into_the_next(messages: list[Waiting], sizes: list[tuple[int, int]]):
    commits = GroupCommit()

    first = commits.exchange(None, messages[0])
    await asyncio.sleep(0.01)
    assert all(await asyncio.gather(first, commits.exchange(None, messages[1])))
    late = await commits.exchange(Settlement(messages[0], 1, DeliveryState.SENT), messages[1])

    assert late is None  # it is in flight already
    assert sizes == [(0, 1), (0, 1), (1, 1)]


async def test_half_of_the_connections_send_while_the_other_half_is_committed(
    messages: list[Waiting], sizes: list[tuple[int, int]]
):
    commits = GroupCommit()

    grants = await asyncio.gather(*(commits.exchange(None, message) for message in messages))

    assert [grant.attempt for grant in grants if grant] == [1] * 6
    assert sizes == [(0, 3), (0, 3)]


async def test_connections_that_fell_out_of_step_find_back_into_halves(
    messages: list[Waiting], sizes: list[tuple[int, int]]
):
    commits = GroupCommit()

    straggler = commits.exchange(None, messages[0])
    await asyncio.sleep(0.01)
    await asyncio.gather(straggler, *(commits.exchange(None, message) for message in messages[1:]))

    assert sizes == [(0, 1), (0, 3), (0, 2)]


async def test_only_who_was_granted_an_intent_is_expected_to_ask_again_soon(
    messages: list[Waiting], sizes: list[tuple[int, int]]
):
    commits = GroupCommit()
    assert await commits.exchange(None, messages[0])
    assert await commits.exchange(None, messages[0]) is None

    assert all(await asyncio.gather(*(commits.exchange(None, message) for message in messages[1:5])))

    assert sizes == [(0, 1), (0, 1), (0, 2), (0, 2)]


async def test_what_is_logged_of_a_commit_names_no_message_of_those_it_serves(
    messages: list[Waiting], monkeypatch: pytest.MonkeyPatch
):
    named = []

    async def watched(settlements, intents):
        named.append(get_contextvars())
        return await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", watched)
    with bound_contextvars(slice=1):
        assert await GroupCommit().exchange(None, messages[0])

    assert named == [{}]


@pytest.mark.parametrize("happened", [True, False])
async def test_a_commit_of_which_nobody_knows_grants_nothing_and_leaves_nothing_in_flight(
    messages: list[Waiting], monkeypatch, happened: bool
):
    fails = [True] * 3  # those who ask are in the first three commits

    async def failing(settlements, intents):
        if happened:
            await commit(settlements, intents)
        if fails:
            fails.pop()
            raise ConnectionResetError("the answer was lost")
        return {} if happened else await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", failing)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    commits = GroupCommit()
    await commit([], messages[:1])
    earlier = Settlement(messages[0], 1, DeliveryState.SENT)

    grants = await asyncio.gather(
        commits.exchange(earlier, messages[1]), *(commits.exchange(None, message) for message in messages[2:])
    )

    assert grants == [None] * 5
    assert await states() == {"SENT": 1, "PENDING": 5}
    await db.execute("UPDATE delivery SET channel = 'CHAT'")  # no relay was asked here
    await oracle.check([])


@pytest.mark.parametrize("why", [OSError("PostgreSQL is away"), asyncpg.InvalidPasswordError("not this one")])
async def test_a_slice_goes_on_while_nobody_can_say_whether_it_may(
    messages: list[Waiting], monkeypatch, why: Exception
):
    async def failing(_: Waiting) -> bool:
        raise why

    monkeypatch.setattr(intent, "may_go_on", failing)

    assert await GroupCommit().may_go_on(messages[0])
    assert await states() == {"PENDING": 6}


async def test_that_nobody_can_say_whether_slices_may_go_on_is_told_once_however_many_ask(
    messages: list[Waiting], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def failing(_: Waiting) -> bool:
        raise OSError("PostgreSQL is away")

    monkeypatch.setattr(intent, "may_go_on", failing)
    commits = GroupCommit()

    assert await asyncio.gather(*(commits.may_go_on(message) for message in messages)) == [True] * 6

    assert caplog.text.count("could not ask whether a slice may go on") == 1


async def test_a_settlement_outlives_any_number_of_failed_commits(messages: list[Waiting], monkeypatch):
    tries = []

    async def failing(settlements, intents):
        tries.append(len(settlements))
        if len(tries) < 5:
            raise OSError("PostgreSQL is away")
        return await commit(settlements, intents)

    await commit([], messages[:1])
    monkeypatch.setattr(intent, "commit", failing)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    commits = GroupCommit()

    await commits.settle(Settlement(messages[0], 1, DeliveryState.SENT))

    assert tries == [1] * 5
    assert await states() == {"SENT": 1, "PENDING": 5}


async def test_commits_that_go_on_failing_are_told_of_once_and_again_after_one_succeeded(
    messages: list[Waiting], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    fails: list[Exception] = []

    async def failing(settlements, intents):
        if fails:
            raise fails.pop()
        return await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", failing)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    commits = GroupCommit()
    for message in messages[:2]:
        fails += [asyncpg.DiskFullError(f"could not extend file {number}") for number in range(20)]
        await commits.exchange(None, message)  # refused, and taken back by the commit that succeeds

    told = [record.getMessage() for record in caplog.records if "settlements are kept" in record.getMessage()]
    assert len(told) == 2
    assert await states() == {"PENDING": 6}


async def test_commits_that_follow_each_other_share_a_connection_until_it_is_lost(
    messages: list[Waiting], monkeypatch: pytest.MonkeyPatch
):
    backends: list[int] = []

    async def watched(settlements, intents):
        backends.append(await db.fetch_value("SELECT pg_backend_pid()"))
        if len(backends) == 2:
            async with db.transaction():
                await db.execute("SELECT pg_terminate_backend($1, 10000)", backends[-1])
        return await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", watched)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(group_commit, "LARGEST", 2)
    commits = GroupCommit()

    grants = await asyncio.gather(*(commits.exchange(None, message) for message in messages))
    await commits.flush()

    assert [bool(grant) for grant in grants] == [True, True, False, False, True, True]
    assert backends[0] == backends[1] != backends[2] == backends[-1]
    assert await states() == {"COMMITTING": 4, "PENDING": 2}
    assert db.connections().busy == 0


async def test_a_commit_that_hangs_is_given_up(messages: list[Waiting], monkeypatch):
    hangs = [True]

    async def hanging(settlements, intents):
        if hangs:
            hangs.pop()
            await asyncio.sleep(60)
        return await commit(settlements, intents)

    monkeypatch.setattr(intent, "commit", hanging)
    monkeypatch.setattr(group_commit, "COMMIT_WAIT", 0.05)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    commits = GroupCommit()

    assert await commits.exchange(None, messages[0]) is None
    assert await states() == {"PENDING": 6}


async def test_a_large_backlog_is_committed_in_parts(
    messages: list[Waiting], sizes: list[tuple[int, int]], monkeypatch
):
    monkeypatch.setattr(group_commit, "LARGEST", 2)
    commits = GroupCommit()

    grants = await asyncio.gather(*(commits.exchange(None, message) for message in messages))
    await commits.flush()

    assert all(grants)
    assert sizes == [(0, 2)] * 3


async def test_who_is_cancelled_while_waiting_does_not_stop_the_commit(messages: list[Waiting]):
    commits = GroupCommit()
    asked = commits.exchange(None, messages[0])
    waiting = asyncio.ensure_future(asked)
    await asyncio.sleep(0)

    waiting.cancel()
    grant = await asked

    assert grant is not None and grant.attempt == 1
    assert waiting.cancelled()


async def test_who_is_cancelled_while_a_settlement_is_stored_takes_no_grant_from_the_others(messages: list[Waiting]):
    await commit([], messages[:1])
    commits = GroupCommit()
    settling = asyncio.create_task(commits.settle(Settlement(messages[0], 1, DeliveryState.SENT)))
    await asyncio.sleep(0)
    asked = commits.exchange(None, messages[1])

    settling.cancel()
    grant = await asked
    await commits.flush()

    assert grant is not None and grant.attempt == 1
    assert settling.cancelled()
    assert await states() == {"SENT": 1, "COMMITTING": 1, "PENDING": 4}


async def test_many_settlements_are_stored_in_parts_and_a_refusal_is_told_after_the_last_of_them(
    messages: list[Waiting], monkeypatch: pytest.MonkeyPatch
):
    """Three settlements come with three intents, of which two are taken back."""
    sizes: list[tuple[int, int]] = []
    told: list[bool] = []

    async def failing_first(settlements, intents):
        sizes.append((len(settlements), len(intents)))
        told.append(waiting[0].done() or waiting[1].done())
        if len(sizes) == 1:
            raise ConnectionResetError("the answer was lost")
        return await commit(settlements, intents)

    await commit([], messages[:3])
    monkeypatch.setattr(intent, "commit", failing_first)
    monkeypatch.setattr(group_commit, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(group_commit, "LARGEST", 2)
    commits = GroupCommit()

    earlier = [Settlement(message, 1, DeliveryState.SENT) for message in messages[:3]]
    pairs = zip(earlier, messages[3:], strict=True)
    waiting = [asyncio.ensure_future(commits.exchange(settlement, message)) for settlement, message in pairs]
    grants = await asyncio.gather(*waiting)

    assert [bool(grant) for grant in grants] == [False, False, True]
    assert sizes == [(2, 2), (2, 1), (2, 0), (1, 0)]
    assert told == [False] * 4
    assert await states() == {"SENT": 3, "COMMITTING": 1, "PENDING": 2}


async def test_a_grant_may_be_acted_upon_for_the_margin_of_the_lease_from_before_its_commit(
    messages: list[Waiting], sizes: list[tuple[int, int]]
):
    loop = asyncio.get_running_loop()
    begun = loop.time()

    grant = await GroupCommit().exchange(None, messages[0])

    assert grant is not None
    margin = intent.MARGIN.total_seconds()
    assert begun + margin <= grant.until < loop.time() + margin - 0.01  # the commit itself takes twice as long
