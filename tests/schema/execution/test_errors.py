"""Top-level errors: each cause has its code, and a bug tells nobody anything but where to look it up."""

import logging
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLError
from redis.exceptions import ConnectionError as RedisConnectionError
from tortoise.exceptions import DBConnectionError

from models import database
from models.caller import Role
from models.errors import Forbidden, RekindleError, Throttled, Unauthenticated, Unavailable, refuse
from models.shop import Shop
from schema.execution import operation
from schema.execution.errors import formatted
from settings import Settings
from tests import databases
from tests.api import Api, seller, token_of
from tests.factories import make_shop


def told(cause: Exception) -> dict[str, Any]:
    return formatted(GraphQLError(str(cause), path=["shop"], original_error=cause))


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Unauthenticated("no token"), "UNAUTHENTICATED"),
        (Forbidden("not you"), "FORBIDDEN"),
        (Unavailable("later"), "UNAVAILABLE"),
        (refuse("after", "not a cursor"), "BAD_USER_INPUT"),
        (Throttled("too fast", 1.5), "THROTTLED"),
        (TimeoutError(), "TIMEOUT"),
        (asyncpg.QueryCanceledError("statement timeout"), "TIMEOUT"),
        (asyncpg.CharacterNotInRepertoireError("0x00"), "BAD_USER_INPUT"),
        (ConnectionRefusedError(111, "10.0.0.7:5432"), "UNAVAILABLE"),
        (DBConnectionError("10.0.0.7:5432"), "UNAVAILABLE"),
        (asyncpg.InvalidPasswordError("password authentication failed at 10.0.0.7"), "UNAVAILABLE"),
        (asyncpg.InvalidCatalogNameError("no database on 10.0.0.7"), "UNAVAILABLE"),
        (asyncpg.InsufficientPrivilegeError("permission denied for table plan"), "INTERNAL_SERVER_ERROR"),
        (RedisConnectionError("10.0.0.7:6379"), "UNAVAILABLE"),
        (asyncpg.UniqueViolationError("duplicate key"), "INTERNAL_SERVER_ERROR"),
        (asyncpg.InterfaceError("the server expects 1 argument, 2 were passed"), "INTERNAL_SERVER_ERROR"),
        (KeyError("secret"), "INTERNAL_SERVER_ERROR"),
        (RekindleError("?"), "INTERNAL_SERVER_ERROR"),
    ],
)
def test_each_cause_has_its_code(cause: Exception, code: str):
    error = told(cause)

    assert error["extensions"]["code"] == code
    assert "10.0.0.7" not in str(error)


def test_whose_statement_was_stopped_is_told_what_helps():
    error = told(asyncpg.QueryCanceledError("canceling statement due to statement timeout"))

    assert error["path"] == ["shop"]
    assert error["message"] == (
        "This took too long and was stopped. Ask for less at once, or again when the server is less busy."
    )


def test_a_cause_is_found_behind_what_wraps_it():
    wrapped = GraphQLError("outer", original_error=GraphQLError("inner", original_error=Forbidden("not you")))
    translated = RuntimeError("operational")
    translated.__cause__ = asyncpg.QueryCanceledError("statement timeout")

    assert formatted(wrapped)["message"] == "not you"
    assert told(translated)["extensions"]["code"] == "TIMEOUT"


def test_a_bug_is_logged_with_its_traceback_and_told_by_its_reference_alone(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        error = told(ZeroDivisionError("SELECT secret FROM plan"))

    assert error["message"] == "Something went wrong here."
    assert "secret" not in str(error)
    assert error["extensions"]["reference"] in caplog.text
    assert "SELECT secret FROM plan" in caplog.text


def test_a_refusal_tells_what_and_where():
    assert told(refuse("page.first", "too many"))["extensions"]["userErrors"] == [
        {"field": ["page", "first"], "message": "too many", "code": "INVALID", "rule": None}
    ]
    assert told(Throttled("too fast", 1.5))["extensions"]["retryAfter"] == 1.5


async def test_a_bug_in_a_resolver_leaves_the_rest_of_the_answer(api: Api, monkeypatch: pytest.MonkeyPatch):
    shop = await make_shop()

    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("SELECT secret")

    monkeypatch.setattr(Shop, "in_bulk", fail)
    answer = await api.answer('{ __typename plan(id: "x") { id } }', seller(shop))

    assert answer["data"] == {"__typename": "Query", "plan": None}
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(answer)


async def test_an_operation_that_takes_too_long_is_stopped(api: Api, monkeypatch: pytest.MonkeyPatch):
    import asyncio

    shop = await make_shop()

    async def wait(*_: Any, **__: Any) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(operation, "TIMEOUT", 0.1)
    monkeypatch.setattr(Shop, "in_bulk", wait)
    answer = await api.answer("{ shop { id } }", seller(shop))

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_a_database_that_is_down_is_told_as_unavailable(api: Api, settings: Settings):
    shop = await make_shop()
    await database.disconnect()
    await database.connect("postgres://nobody@127.0.0.1:9/none")
    answer = await api.answer("{ shop { id } }", seller(shop))
    assert settings.database_url
    await database.disconnect()
    await database.connect(settings.database_url)
    again = await api.answer("{ shop { externalId } }", seller(shop))

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
    assert again["data"] == {"shop": {"externalId": "bloom"}}


UPSERT = """
mutation { customersUpsert(input: {shop: "bloom", rows: [{externalId: "ana"}]}) { results { errors { message } } } }
"""

FULL = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_space BEFORE INSERT ON customer EXECUTE FUNCTION fill()
"""


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (FULL, "DROP TRIGGER no_space ON customer; DROP FUNCTION fill"),
        ("ALTER ROLE outreach SET default_transaction_read_only = on", "ALTER ROLE outreach RESET ALL"),
    ],
)
async def test_a_database_that_takes_no_writes_for_now_is_told_as_unavailable(
    api: Api, migrated: str, caplog: pytest.LogCaptureFixture, begin: str, end: str
):
    await make_shop()
    await database.disconnect()
    administrator = await asyncpg.connect(migrated)
    try:
        async with databases.role(migrated, "outreach") as url:
            await administrator.execute(begin)
            try:
                await database.connect(url)
                answer = await api.answer(UPSERT, token_of(Role.PLATFORM))
                assert await administrator.fetchval("SELECT count(*) FROM customer") == 0
            finally:
                await administrator.execute(end)
                await database.disconnect()
            await database.connect(url)
            again = await api.answer(UPSERT, token_of(Role.PLATFORM))
            await database.disconnect()
    finally:
        await administrator.close()
        await database.disconnect()
        await database.connect(migrated)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
    assert again["data"] == {"customersUpsert": {"results": [{"errors": []}]}}
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def test_a_database_that_refuses_our_role_is_told_as_unavailable_until_it_takes_it_again(
    api: Api, migrated: str, caplog: pytest.LogCaptureFixture
):
    shop = await make_shop()
    await database.disconnect()
    try:
        async with databases.role(migrated, "outreach") as url:
            await database.connect(url)
            async with databases.refused(migrated, "outreach"):
                answers = [
                    await api.answer(query, seller(shop)) for query in ("{ shop { id } }", "{ plans { totalCount } }")
                ]
            again = await api.answer("{ shop { externalId } }", seller(shop))
            await database.disconnect()
    finally:
        await database.disconnect()
        await database.connect(migrated)

    assert [error["extensions"]["code"] for answer in answers for error in answer["errors"]] == ["UNAVAILABLE"] * 2
    assert again["data"] == {"shop": {"externalId": "bloom"}}
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def test_a_database_that_is_closed_is_told_as_unavailable_until_it_is_open_again(
    api: Api, migrated: str, caplog: pytest.LogCaptureFixture
):
    shop = await make_shop()
    async with databases.closed(migrated):
        answers = [await api.answer(query, seller(shop)) for query in ("{ shop { id } }", "{ plans { totalCount } }")]
    again = await api.answer("{ shop { externalId } }", seller(shop))

    assert [error["extensions"]["code"] for answer in answers for error in answer["errors"]] == ["UNAVAILABLE"] * 2
    assert again["data"] == {"shop": {"externalId": "bloom"}}
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def test_a_database_that_gives_our_role_no_connection_is_unavailable_and_a_table_that_it_may_not_read_is_a_bug(
    api: Api, migrated: str
):
    shop = await make_shop()
    async with (
        databases.made(migrated, "apart", template="template0"),
        databases.role(migrated, "outreach") as url,
    ):
        await database.execute("ALTER ROLE outreach NOSUPERUSER")
        await database.execute("REVOKE CONNECT ON DATABASE apart FROM PUBLIC")
        await database.disconnect()
        try:
            await database.connect(databases.url_of(url, "apart"))
            outside = await api.answer("{ shop { id } }", seller(shop))
            await database.disconnect()
            await database.connect(url)
            inside = await api.answer("{ shop { id } }", seller(shop))
        finally:
            await database.disconnect()
            await database.connect(migrated)

    assert [error["extensions"]["code"] for error in outside["errors"]] == ["UNAVAILABLE"]
    assert [error["extensions"]["code"] for error in inside["errors"]] == ["INTERNAL_SERVER_ERROR"]


async def test_a_text_that_cannot_be_stored_is_the_caller_s_to_mend(api: Api):
    shop = await make_shop()
    answer = await api.answer("query ($id: ID!) { plan(id: $id) { id } }", seller(shop), id="a\0b")

    assert answer["data"] == {"plan": None}


async def test_every_answer_tells_its_cost(api: Api):
    shop = await make_shop()
    answer = await api.answer("query ($n: Int) { plans(first: $n) { nodes { id } } }", seller(shop), n=7)
    dear = await api.answer("{ segments(first: 100) { nodes { members(first: 100) { nodes { id } } } } }", seller(shop))

    told = answer["extensions"]["cost"]
    assert (told["requestedQueryCost"], told["actualQueryCost"], told["maximumQueryCost"]) == (8, 1, 5000)
    assert dear["errors"][0]["extensions"] == {"code": "MAX_COST_EXCEEDED", "limit": 5000}
    assert dear["extensions"]["cost"]["requestedQueryCost"] == 10_201
    assert "data" not in dear
