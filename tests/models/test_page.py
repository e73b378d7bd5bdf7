"""Keyset pages: cursors that only their own list takes, and the SQL of a page."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Refused
from models.page import MAX_SIZE, Ordering, Page, page_of

BY_TIME = Ordering("time", (("sent_at", "timestamptz"), ("id", "uuid"), ("place", "text"), ("number", "bigint")))
BY_ID = Ordering("id", (("id", "integer"),))
NEWEST = Ordering("newest", (("at", "timestamptz"), ("id", "integer")), descending=True)


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=255),
    st.integers(-(2**63), 2**63 - 1),
)
def test_a_cursor_gives_back_the_values_it_was_made_of(at: datetime, identity: UUID, place: str, number: int):
    cursor = BY_TIME.cursor((at, identity, place, number))

    assert BY_TIME.read(cursor, "after") == (at, identity, place, number)


@pytest.mark.parametrize("character", ["x", "\x01", '"', "é", "ก", "🙂"])
def test_a_cursor_has_room_for_the_longest_external_id(character: str):
    ordering = Ordering("by external id", (("external_id", "text"),))

    assert ordering.read(ordering.cursor((character * 255,)), "after") == (character * 255,)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "🙂",
        "a" * 3000,
        urlsafe_b64encode(b"5").decode(),
        urlsafe_b64encode(b"[]").decode(),
        urlsafe_b64encode(b'["id"]').decode(),
        urlsafe_b64encode(b'["id", true]').decode(),
        urlsafe_b64encode(b'["id", 1, 2]').decode(),
        urlsafe_b64encode(b'["id", "1"]').decode(),
        urlsafe_b64encode(b'["id", 1.5]').decode(),
        urlsafe_b64encode(b'["id", 2147483648]').decode(),
        urlsafe_b64encode(b'["id", 9223372036854775808]').decode(),
        urlsafe_b64encode(b"[" * 300).decode(),
        NEWEST.cursor((datetime(2026, 1, 1, tzinfo=UTC), 1)),
    ],
)
def test_what_is_not_a_cursor_of_this_list_is_refused(cursor: str):
    with pytest.raises(Refused) as refused:
        BY_ID.read(cursor, "before")

    assert (refused.value.problems[0].field, refused.value.problems[0].message) == (
        ("before",),
        "This is not a cursor of this list.",
    )


def test_a_cursor_s_time_needs_its_offset():
    naive = urlsafe_b64encode(b'["newest","2026-01-01T00:00:00",1]').decode()

    with pytest.raises(Refused):
        NEWEST.read(naive, "after")


@pytest.mark.parametrize(
    "values",
    [
        '["time", "0001-01-01T00:00:00+14:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", "", 1]',
        '["time", "9999-12-31T23:59:59-12:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", "", 1]',
        '["time", "2026-01-01T00:00:00+00:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", "\\ud800", 1]',
        '["time", "2026-01-01T00:00:00+00:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", "\\u0000", 1]',
        '["time", "2026-01-01T00:00:00+00:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", {}, 1]',
        '["time", "2026-01-01T00:00:00+00:00", "0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f", "", 9223372036854775808]',
    ],
)
def test_values_that_no_row_can_have_are_refused(values: str):
    with pytest.raises(Refused):
        BY_TIME.read(urlsafe_b64encode(values.encode()).decode(), "after")


@pytest.mark.parametrize(
    "arguments",
    [{"first": 1, "last": 1}, {"first": -1}, {"last": -1}, {"first": MAX_SIZE + 1}, {"last": 2**31 - 1}],
)
def test_a_page_that_makes_no_sense_is_refused(arguments: dict[str, int]):
    with pytest.raises(Refused):
        page_of(BY_ID, first=arguments.get("first"), last=arguments.get("last"))


def test_a_page_has_fifty_rows_unless_asked_otherwise():
    assert page_of(BY_ID) == Page(BY_ID, size=50)
    assert page_of(BY_ID, first=0).size == 0
    assert page_of(BY_ID, last=3, before=BY_ID.cursor((7,))) == Page(BY_ID, size=3, before=(7,), backward=True)


def test_a_page_asks_for_one_row_more_between_its_ends():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    page = Page(NEWEST, size=10, after=(at, 5), before=(at, 9), backward=True)

    assert page.clause(3) == (
        "(at, id) < ($3::timestamptz, $4::integer) AND (at, id) > ($5::timestamptz, $6::integer)",
        "ORDER BY at ASC, id ASC LIMIT 11",
        [at, 5, at, 9],
    )
    assert Page(NEWEST).clause(1) == ("true", "ORDER BY at DESC, id DESC LIMIT 51", [])
