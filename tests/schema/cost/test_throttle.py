"""A caller's bucket of points, in a real Valkey."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic, sleep

import httpx
import pytest
from redis.asyncio import Redis

from schema.cost.throttle import Bucket, Throttle
from settings import Settings
from tests.api import Api, graphql_app, seller, shopper

TYPENAME = "{ __typename }"
SEGMENTS = "{ segments(first: 50) { nodes { id name } } }"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, Redis is waited for."""
    monkeypatch.setattr("schema.cost.throttle.ANSWER_WITHIN", 20.0)


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[tuple[Redis, asyncio.Event]]:
    """A Redis that takes what it is told and says nothing, and whether it was asked."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        silent = Redis(port=server.sockets[0].getsockname()[1])
        yield silent, asked
        over.set()
        await silent.aclose()


async def test_a_bucket_gives_what_it_holds_and_no_more(redis: Redis):
    throttle = Throttle(points=100, refill=1)

    taken = [await throttle.take(redis, "me", 40) for _ in range(3)]

    assert [bucket and bucket.allowed for bucket in taken] == [True, True, False]
    assert [bucket and int(bucket.left) for bucket in taken] == [60, 20, 20]
    assert taken[2] is not None
    assert 19 <= taken[2].wait_for(40) <= 20


async def test_callers_do_not_share_a_bucket(redis: Redis):
    throttle = Throttle(points=100, refill=1)
    await throttle.take(redis, "me", 100)

    other = await throttle.take(redis, "you", 100)

    assert other is not None
    assert other.allowed


async def test_processes_share_a_caller_s_bucket_and_calls_at_once_take_no_more_than_there_is(redis: Redis):
    processes = [Throttle(points=100, refill=1) for _ in range(4)]

    taken = await asyncio.gather(*(process.take(redis, "me", 30) for process in processes * 5))

    assert sum(bucket is not None and bucket.allowed for bucket in taken) == 3


async def test_points_flow_back(redis: Redis):
    throttle = Throttle(points=100, refill=1000)
    await throttle.take(redis, "me", 100)
    await asyncio.sleep(0.15)

    bucket = await throttle.take(redis, "me", 100)

    assert bucket is not None
    assert bucket.allowed


async def test_what_was_not_used_comes_back_with_the_next_operation(redis: Redis):
    throttle = Throttle(points=100, refill=1)
    first = await throttle.take(redis, "me", 90)
    assert first is not None
    assert first.give_back(80)["currentlyAvailable"] == 90

    second = await throttle.take(redis, "me", 85)

    assert second is not None
    assert (second.allowed, int(second.left)) == (True, 5)


async def test_a_bucket_never_holds_more_than_its_size_and_is_forgotten_when_full(redis: Redis):
    throttle = Throttle(points=100, refill=50)
    throttle.give_back("me", 500)

    bucket = await throttle.take(redis, "me", 1)
    throttle.give_back("me", 500)
    again = await throttle.take(redis, "me", 1)

    assert (bucket and int(bucket.left), again and int(again.left)) == (99, 99)
    assert 2000 < await redis.pttl("rekindle:throttle:me") <= 3000


async def test_without_redis_nobody_is_throttled_and_it_is_not_asked_each_time(redis: Redis):
    away = Redis(host="127.0.0.1", port=1)
    throttle = Throttle(points=100, refill=1)

    assert [await throttle.take(each, "me", 100) for each in (away, redis, redis)] == [None, None, None]
    assert not await redis.exists("rekindle:throttle:me")
    await away.aclose()


async def test_a_redis_that_says_nothing_is_waited_for_no_longer_than_that(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("schema.cost.throttle.ANSWER_WITHIN", 0.05)
    async with silence() as (silent, _):
        assert await Throttle(points=100, refill=1).take(silent, "me", 10) is None


async def test_a_process_that_is_busy_itself_does_not_take_redis_for_silent(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    throttle = Throttle(points=100, refill=1)
    await throttle.take(redis, "me", 10)
    monkeypatch.setattr("schema.cost.throttle.ANSWER_WITHIN", 0.05)

    async def read_documents() -> None:
        for _ in range(6):
            sleep(0.1)  # noqa: ASYNC251 - nothing else has its turn meanwhile
            await asyncio.sleep(0)

    bucket, _ = await asyncio.gather(throttle.take(redis, "me", 100), read_documents())

    assert bucket is not None
    assert not bucket.allowed


async def test_callers_whose_unused_points_are_remembered_are_not_more_than_a_process_can_hold(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("schema.cost.throttle.MAX_OWED", 2)
    throttle = Throttle(points=100, refill=1)
    for caller in ("me", "you", "they"):
        await throttle.take(redis, caller, 100)
        throttle.give_back(caller, 50)

    taken = [await throttle.take(redis, caller, 50) for caller in ("me", "you", "they")]

    assert [bucket and bucket.allowed for bucket in taken] == [False, False, True]


async def test_a_clock_of_redis_that_goes_back_takes_no_points_away(redis: Redis):
    throttle = Throttle(points=100, refill=1)
    await throttle.take(redis, "me", 10)
    await redis.hset("rekindle:throttle:me", "at", str(float((await redis.time())[0] + 3600)))  # type: ignore[misc] # a coroutine

    bucket = await throttle.take(redis, "me", 10)

    assert bucket is not None
    assert int(bucket.left) == 80


async def test_a_status_tells_of_whole_points_and_never_of_more_than_a_bucket_holds():
    throttle = Throttle(points=100, refill=4)

    assert Bucket(throttle, "me", allowed=True, left=59.9).status()["currentlyAvailable"] == 59
    assert Bucket(throttle, "me", allowed=True, left=60.0).give_back(80)["currentlyAvailable"] == 100


async def test_how_long_to_wait_is_told_in_tenths_of_a_second_and_is_never_nothing():
    bucket = Bucket(Throttle(points=100, refill=4), "me", allowed=False, left=20.0)

    assert [bucket.wait_for(cost) for cost in (20, 21, 25)] == [0.1, 0.2, 1.2]


async def test_what_was_not_used_is_kept_for_the_caller_while_redis_does_not_answer(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("schema.cost.throttle.PAUSE", 0.0)
    away = Redis(host="127.0.0.1", port=1)
    throttle = Throttle(points=100, refill=1)
    first = await throttle.take(redis, "me", 100)
    assert first is not None
    first.give_back(80)

    assert await throttle.take(away, "me", 10) is None
    second = await throttle.take(redis, "me", 50)

    assert second is not None
    assert second.allowed
    await away.aclose()


async def test_a_call_that_is_cancelled_leaves_what_was_not_used_to_the_caller_s_next_one(redis: Redis):
    throttle = Throttle(points=100, refill=1)
    first = await throttle.take(redis, "me", 100)
    assert first is not None
    first.give_back(80)

    async with silence() as (silent, asked):
        asking = asyncio.create_task(throttle.take(silent, "me", 10))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    second = await throttle.take(redis, "me", 50)

    assert second is not None
    assert (second.allowed, int(second.left)) == (True, 30)


@pytest.fixture
async def small(settings: Settings, database: None, redis: Redis) -> AsyncIterator[Api]:
    """The endpoint with small buckets."""
    app = graphql_app(settings.model_copy(update={"throttle_points": 60, "throttle_refill": 1}))
    app.state.queue = redis
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        yield Api(client)


async def test_an_answer_tells_what_it_cost_and_what_is_left(small: Api):
    answer = await small.answer(TYPENAME, shopper("c1"))

    assert answer["extensions"]["cost"] == {
        "requestedQueryCost": 1,
        "actualQueryCost": 1,
        "maximumQueryCost": 5000,
        "throttleStatus": {"maximumAvailable": 60, "currentlyAvailable": 59, "restoreRate": 1},
    }


async def test_a_page_that_is_not_full_costs_only_what_is_in_it(small: Api):
    inbox = "{ inbox(first: 50) { nodes { id } } }"

    begun = monotonic()
    costs = [(await small.answer(inbox, shopper("c1")))["extensions"]["cost"] for _ in range(3)]
    refilled = int(monotonic() - begun)  # points at most: one a second

    assert [(cost["requestedQueryCost"], cost["actualQueryCost"]) for cost in costs] == [(51, 1)] * 3
    left = [cost["throttleStatus"]["currentlyAvailable"] for cost in costs]
    assert all(least <= each <= least + refilled for each, least in zip(left, (59, 58, 57), strict=True))


async def test_who_asks_too_much_is_told_when_to_come_again_and_others_go_on(small: Api, redis: Redis):
    await Throttle(points=60, refill=1).take(redis, "CUSTOMER::c1", 50)
    inbox = "{ inbox(first: 50) { nodes { id } } }"

    refused = await small.answer(inbox, shopper("c1"))
    other = await small.answer(inbox, shopper("c2"))

    assert "data" not in refused
    assert refused["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert 30 < refused["errors"][0]["extensions"]["retryAfter"] <= 41
    assert refused["extensions"]["cost"]["actualQueryCost"] == 0
    assert other["data"] == {"inbox": {"nodes": []}}


async def test_http_says_too_many_requests_and_after_how_long(small: Api, redis: Redis):
    await Throttle(points=60, refill=1).take(redis, "OWNER:s1:u1", 50)
    headers = {"accept": "application/graphql-response+json", "authorization": f"Bearer {seller('s1')}"}

    response = await small.client.post("/graphql", json={"query": SEGMENTS}, headers=headers)

    assert response.status_code == 429
    assert 30 < int(response.headers["retry-after"]) <= 42
    assert "data" not in response.json()


async def test_reading_ever_new_texts_costs_points_whether_they_are_valid_or_not(small: Api):
    """Each of them is read for 26 points, which are not given back."""
    texts = [f"{{ {name} # {'x' * 1300}\n}}" for name in ("nothing", "__typename", "nowhere", "never")]

    answers = [await small.answer(text, shopper("c1")) for text in texts]
    again = await small.answer(texts[1], shopper("c1"))
    other = await small.answer(texts[2], shopper("c2"))

    codes = [answer.get("errors", [{"extensions": {"code": None}}])[0]["extensions"]["code"] for answer in answers]
    assert codes == ["GRAPHQL_VALIDATION_FAILED", None, "THROTTLED", "THROTTLED"]
    assert again["data"] == {"__typename": "Query"}
    assert other["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
