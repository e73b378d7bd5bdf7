"""Log lines: one form for all, the ids that are bound, and nothing of anybody in them."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from socket import gaierror
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import bound_contextvars, clear_contextvars

from models import database as db
from operations import logs
from settings import Settings

EMAILS = st.from_regex(r"[a-z0-9._+%-]{1,20}@[a-z0-9-]{1,10}(\.[a-z]{2,6}){1,2}", fullmatch=True)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged as JSON from INFO up; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    clear_contextvars()  # an operation that another test ran here is bound until the next
    stream = io.StringIO()
    logs.configure(Settings(_env_file=None, log_format="json", log_level="INFO"), stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The log's lines, each of which is JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_time_level_logger_text_and_what_is_bound(written: io.StringIO):
    with bound_contextvars(request="r1", plan=7):
        logging.getLogger("jobs.sweep").warning("plan %d waits", 7)

    (line,) = lines(written)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "logger": "jobs.sweep", "event": "plan 7 waits", "request": "r1", "plan": 7}


@pytest.mark.parametrize("name", ["uvicorn.error", "arq.worker", "asyncio", "tortoise", "py.warnings"])
def test_libraries_write_in_the_same_form(written: io.StringIO, name: str):
    logging.getLogger(name).error("lost")

    assert [(line["logger"], line["event"]) for line in lines(written)] == [(name, "lost")]


def test_of_sockets_and_their_addresses_nothing_is_told(written: io.StringIO):
    logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "192.0.2.7:1234", "/graphql")

    assert written.getvalue() == ""


def test_of_names_that_were_not_found_for_who_had_given_up_nothing_is_told(written: io.StringIO):
    loop = asyncio.new_event_loop()
    for error in (gaierror(-2, "Name or service not known"), OSError("disk full")):
        loop.call_exception_handler({"message": "Future exception was never retrieved", "exception": error})
    loop.call_exception_handler({"message": "lost", "exception": gaierror(-2, "Name or service not known")})
    loop.close()

    assert [line["event"] for line in lines(written)] == ["Future exception was never retrieved", "lost"]


def test_an_exception_is_told_on_the_same_line_without_what_it_quotes(written: io.StringIO):
    try:
        raise ValueError("no such address: ana@example.com of 'Ana Sombre'")  # noqa: TRY301
    except ValueError:
        logging.getLogger("x").exception("bug")

    (line,) = lines(written)
    assert "ValueError: no such address: <address> of '…'" in line["exception"]
    assert "Traceback" in line["exception"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("sql", "arguments"),
    [
        ("INSERT INTO customer (id, external_id, name) VALUES ($1, $2, NULL)", ("Ana Sombre", "x")),
        ("INSERT INTO shop (external_id, name) VALUES ($1, 'Ana Sombre')", ("s1",)),
        ("INSERT INTO language (tag) VALUES ('Ana Sombre'), ('Ana Sombre')", ()),
    ],
)
async def test_what_postgresql_and_its_driver_quote_is_left_out(written: io.StringIO, sql: str, arguments: tuple[str]):
    try:
        await db.execute(sql, *arguments)
    except (asyncpg.PostgresError, asyncpg.DataError) as error:
        logging.getLogger("x").warning("failed: %s", error, exc_info=error)
        logging.getLogger("x").warning("failed: %r", error)

    assert len(lines(written)) == 2
    assert "Sombre" not in written.getvalue()


@given(EMAILS, st.sampled_from(["<{}>", "to {}: refused", "'{}'", "RCPT TO:<{}>", "550 5.1.1 {} unknown", "mailto:{}"]))
def test_an_address_never_stays(address: str, around: str):
    text = logs.redacted(around.format(address))

    assert address not in text
    assert "@" not in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cannot connect to postgres://rekindle:hidden@db:5432/x", "cannot connect to postgres://…@db:5432/x"),
        ("redis://:hidden@cache/0", "redis://…@cache/0"),
        ("smtp://user%40x:hi:dd@en@relay:587", "smtp://…@relay:587"),
        ("GET /unsubscribe/AAAABwAAAAyAAAAAAAAAAAA", "GET /unsubscribe/…"),
        ("authorization: Bearer abc.def", "authorization: …"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln failed", "token <token> failed"),
        ("call +62 812-3456-7890 now", "call <number> now"),
        ("plan 7 of 2026-01-15T12:00:00+00:00 waits 1e+10 s", "plan 7 of 2026-01-15T12:00:00+00:00 waits 1e+10 s"),
        ("relay mail.example.com:587: 421 4.7.0 later", "relay mail.example.com:587: 421 4.7.0 later"),
    ],
)
def test_secrets_go_and_the_rest_stays(text: str, left: str):
    assert logs.redacted(text) == left


@pytest.mark.parametrize("piece", ["a", "@a", "a@", "a@b@", "a.", "://", "a:", "+1", "eyJ-", "'"])
def test_a_text_of_any_length_is_redacted_soon_and_its_ends_are_kept(piece: str):
    text = logs.redacted(f"lost: {piece * 500_000} ana@example.com")

    assert text.startswith("lost: ")
    assert text.endswith("<address>")
    assert len(text) < logs.LONGEST_TEXT + 10


def test_what_is_bound_is_redacted_too(written: io.StringIO):
    logging.getLogger("x").warning("odd", extra={"who": "ana@example.com", "what": {"email": "ana@example.com"}})

    assert "ana" not in written.getvalue()


def test_in_a_terminal_a_line_is_readable(written: io.StringIO):
    stream = io.StringIO()
    logs.configure(Settings(_env_file=None), stream)
    with bound_contextvars(plan=7):
        logging.getLogger("jobs.sweep").warning("waits")
        logging.getLogger("jobs.sweep").info("not told")

    assert stream.getvalue() == "WARNING jobs.sweep: waits (plan=7)\n"


def test_the_last_configuration_holds(written: io.StringIO, monkeypatch):
    error = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    logs.configure()
    logging.getLogger("x").warning("once")

    assert error.getvalue() == "WARNING x: once\n"
    assert written.getvalue() == ""


@pytest.mark.parametrize(
    ("settings", "in_json", "level"),
    [
        ({}, False, "WARNING"),
        ({"production": True}, True, "INFO"),
        ({"production": True, "log_format": "lines", "log_level": "ERROR"}, False, "ERROR"),
        ({"log_format": "json"}, True, "WARNING"),
    ],
)
def test_production_logs_json_from_info_up_unless_told_otherwise(settings, in_json, level):
    found = Settings(_env_file=None, **settings)

    assert (found.logs_in_json, found.least_log_level) == (in_json, level)
