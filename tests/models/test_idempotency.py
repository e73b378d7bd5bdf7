"""Idempotency keys: taken once, answered the same, kept a day."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models import database as databases
from models import idempotency
from models.clock import Clock
from models.errors import ErrorCode, Refused
from models.idempotency import Earlier, claim, forget, keep, request_hash
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")

DIGEST = request_hash({"name": "x"})


async def once(answer: Any, key: str = "k", digest: bytes = DIGEST, actor: str = "a") -> Earlier | None:
    async with databases.transaction():
        earlier = await claim(actor, "planCreate", key, digest)
        if earlier is None:
            await keep(actor, "planCreate", key, answer)
        return earlier


async def test_the_first_call_takes_the_key_and_later_ones_get_its_answer():
    assert await once({"plan": 1}) is None
    assert await once({"plan": 2}) == Earlier({"plan": 1})


async def test_another_actor_s_key_is_another_key():
    assert await once(1) is None
    assert await once(2, actor="b") is None


async def test_each_actor_s_each_mutation_s_each_key_has_its_own_answer():
    places = [("a", "planCreate", "k"), ("b", "planCreate", "k"), ("a", "planUpdate", "k"), ("a", "planCreate", "l")]
    for place in places:
        async with databases.transaction():
            assert await claim(*place, DIGEST) is None
            await keep(*place, place)

    assert [await claim(*place, DIGEST) for place in places] == [Earlier(list(place)) for place in places]


async def test_a_key_with_another_input_is_refused():
    await once(1)

    with pytest.raises(Refused) as refused:
        await once(2, digest=request_hash({"name": "y"}))

    assert refused.value.problems[0].code is ErrorCode.KEY_REUSED
    assert await once(3) == Earlier(1)


async def test_a_call_that_fails_leaves_its_key_free():
    async def fail() -> None:
        async with databases.transaction():
            await claim("a", "planCreate", "k", DIGEST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await once(1) is None


async def test_of_two_calls_at_once_one_works_and_the_other_answers_the_same():
    started = asyncio.Event()

    async def first() -> Earlier | None:
        async with databases.transaction():
            earlier = await claim("a", "planCreate", "k", DIGEST)
            started.set()
            await until_a_lock_is_waited_for()
            await keep("a", "planCreate", "k", "first")
            return earlier

    async def second() -> Earlier | None:
        await started.wait()
        return await once("second")

    assert tuple(await asyncio.gather(first(), second())) == (None, Earlier("first"))


async def test_a_key_is_forgotten_after_a_day(clock: Clock):
    await once(1, key="old")
    clock.move(timedelta(days=1, seconds=1))
    await once(1, key="new")

    assert await once(2, key="old") is None
    clock.move(timedelta(days=1))
    assert await forget() == 0
    clock.move(timedelta(seconds=1))
    assert await forget() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b"])
async def test_an_odd_key_is_refused(key: str):
    with pytest.raises(Refused):
        await claim("a", "planCreate", key, DIGEST)

    assert await databases.fetch_value("SELECT count(*) FROM idempotency") == 0


def test_the_hash_does_not_depend_on_the_order_of_fields():
    assert request_hash({"a": 1, "b": [1, 2]}) == request_hash({"b": [1, 2], "a": 1})
    assert request_hash({"a": 1}) != idempotency.request_hash({"a": "1"})
