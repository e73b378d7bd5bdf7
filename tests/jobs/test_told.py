"""A job's log lines carry its ids; its failure is told and ends only itself."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from jobs.told import told


async def test_what_a_job_logs_carries_its_ids_and_nothing_that_was_bound_before():
    bound: dict[str, Any] = {}

    async def deliver(ctx: object, plan_id: int, number: int) -> None:
        bound.update(get_contextvars())

    bind_contextvars(relay="other")
    await asyncio.create_task(told(deliver)({}, 7, 3))

    assert bound == {"job": "deliver", "plan": 7, "slice": 3}


async def test_texts_among_the_arguments_are_not_bound():
    bound: dict[str, Any] = {}

    async def greet(ctx: object, name: str) -> None:
        bound.update(get_contextvars())

    await asyncio.create_task(told(greet)({}, "Ana"))

    assert bound == {"job": "greet"}


async def test_a_failed_job_is_told_and_ends_only_itself(caplog: pytest.LogCaptureFixture):
    async def fail(ctx: object, plan_id: int) -> None:
        raise ValueError("nothing")

    with caplog.at_level(logging.INFO, "jobs.told"):
        await asyncio.create_task(told(fail)({}, 7))

    (record,) = caplog.records
    assert (record.getMessage(), record.levelname) == ("job failed", "ERROR")
    assert record.exc_info


async def test_a_job_that_an_outage_of_postgresql_ended_says_so_in_one_line(caplog: pytest.LogCaptureFixture):
    async def fail(ctx: object) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask())

    async def ask() -> None:
        raise asyncpg.CannotConnectNowError("the database system is starting up")

    await asyncio.create_task(told(fail)({}))

    (record,) = caplog.records
    assert record.getMessage() == "job failed, PostgreSQL is not reachable: the database system is starting up"
    assert record.exc_info is None


async def test_a_cancelled_job_stays_cancelled():
    async def wait(ctx: object) -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(told(wait)({}))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_that_ended_says_how_long_it_took(caplog: pytest.LogCaptureFixture):
    async def work(ctx: object) -> None:
        await asyncio.sleep(0.05)

    with caplog.at_level(logging.INFO, "jobs.told"):
        await asyncio.create_task(told(work)({}))

    (record,) = caplog.records
    assert record.getMessage() == "job ended"
    assert vars(record)["seconds"] >= 0.05
