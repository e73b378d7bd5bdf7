"""What a row may hold, and how it is refused: every problem, at its place, plainly."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ErrorCode, Refused
from models.event import EventKind
from models.ingest import read_any
from models.row import Terms
from tests.rows import consent, customer_row, event_row, order_row, product_row

TERMS = Terms("USD", datetime(2026, 1, 15, 12, 5, tzinfo=UTC))


def problems_of(row: Any) -> list[tuple[str, str]]:
    """(field path, code) of each problem of a row."""
    try:
        found = read_any(row).problems(TERMS)
    except Refused as refused:
        found = refused.problems
    return [(".".join(problem.field), problem.code.value) for problem in found]


def message_of(row: Any) -> str:
    """The message of the only problem of a row."""
    with pytest.raises(Refused) as refused:
        read_any(row)
    (problem,) = refused.value.problems
    return problem.message


FULL = [
    customer_row(
        name="Ana", email="ana@example.com", language="es-MX", timeZone="America/Mexico_City", country="MX",
        region="MX-JAL", gender="FEMALE", birthDate="1990-05-01",
        emailConsent=consent("SUBSCRIBED", "2026-01-01T00:00:00Z"),
    ),
    product_row(category="beauty", imageUrl="https://example.com/a.png"),
    order_row(status="CANCELLED", cancelledAt="2026-01-02T00:00:00Z", products=["p1", "p2"]),
    event_row(product="p1", category="beauty", seconds=600, reference="live-1"),
]  # fmt: skip


@pytest.mark.parametrize("row", FULL, ids=lambda row: row["type"])
def test_a_whole_row_is_accepted(row):
    assert problems_of(row) == []


@pytest.mark.parametrize("row", FULL, ids=lambda row: row["type"])
def test_an_optional_field_may_be_null(row):
    optional = {"name", "email", "language", "timeZone", "country", "region", "gender", "birthDate", "emailConsent"}
    optional |= {"category", "imageUrl", "seconds", "reference", "product", "products"} & set(row)
    assert problems_of({name: None if name in optional else value for name, value in row.items()}) == []


@pytest.mark.parametrize("row", FULL, ids=lambda row: row["type"])
def test_an_unknown_field_is_refused_by_name(row):
    assert problems_of({**row, "emial": "x"}) == [("emial", "INVALID")]


@pytest.mark.parametrize("value", [None, 3, "text", [], [1], True])
def test_what_is_not_an_object_is_refused(value):
    assert message_of(value) == "is not an object"


@pytest.mark.parametrize("kind", ["shop", "", None, 3, [], {}])
def test_an_unknown_type_is_refused_with_the_known_ones(kind):
    assert message_of({"type": kind}) == "must be one of customer, product, order, event, live, priceChange"
    assert problems_of({}) == [("type", "INVALID")]


def test_every_missing_field_is_told():
    assert problems_of({"type": "order"}) == [
        ("externalId", "INVALID"), ("customer", "INVALID"), ("orderedAt", "INVALID"), ("amount", "INVALID"),
        ("currency", "INVALID"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T01:30:00+01:30", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2025-12-31T16:00-0800", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01t00:00:00.123456z", datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_utc_and_a_day_as_its_midnight(written, meant):
    row = read_any(event_row(occurredAt=written))
    assert row.occurred_at == meant  # type: ignore[attr-defined]
    assert row.occurred_at.tzinfo is UTC  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01T00:00:00", "2026-01-01 00:00", "2026-02-30", "2026-13-01T00:00:00Z", "2026-W01-1", "20260101",
        "20260101T000000Z", "1767225600", 1767225600, 1767225600.5, True, "", "now", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00Zulu", "２０２６-01-01T00:00:00Z", date(2026, 1, 1), datetime(2026, 1, 1), None,
        "1989-12-31T23:59:59Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00",
    ],
)  # fmt: skip
def test_a_time_without_its_offset_or_out_of_this_world_is_refused(written):
    assert problems_of(event_row(occurredAt=written)) == [("occurredAt", "INVALID")]


def test_a_row_up_to_five_minutes_ahead_of_the_clock_is_accepted_and_no_later():
    assert problems_of(event_row(occurredAt="2026-01-15T12:05:00Z")) == []
    assert problems_of(event_row(occurredAt="2026-01-15T12:05:00.000001Z")) == [("occurredAt", "IN_FUTURE")]
    assert problems_of(order_row(orderedAt="2026-01-16")) == [("orderedAt", "IN_FUTURE")]
    late = order_row(status="REFUNDED", cancelledAt="2027-01-01T00:00:00Z")
    assert problems_of(late) == [("cancelledAt", "IN_FUTURE")]
    assert problems_of(customer_row(birthDate="2026-01-16")) == [("birthDate", "IN_FUTURE")]
    said = consent("UNSUBSCRIBED", "2026-01-16")
    assert problems_of(customer_row(emailConsent=said)) == [("emailConsent.at", "IN_FUTURE")]


@pytest.mark.parametrize("amount", [-1, 10**15 + 1, 1.0, 11.77, "1000", True, None, 10**30])
def test_an_amount_is_a_whole_number_of_minor_units_in_bounds(amount):
    assert problems_of(order_row(amount=amount)) == [("amount", "INVALID")]
    assert problems_of(order_row(amount=0)) == problems_of(order_row(amount=10**15)) == []


def test_money_in_another_currency_than_the_shops_is_refused():
    assert problems_of(order_row(currency="EUR")) == [("currency", "WRONG_CURRENCY")]
    assert problems_of(product_row(currency="EUR")) == [("currency", "WRONG_CURRENCY")]
    assert problems_of(product_row(currency=None)) == [("currency", "INVALID")]
    assert problems_of(order_row(currency="usd")) == [("currency", "INVALID")]


@pytest.mark.parametrize(
    "text", ['O\'Brien "Bob"', "😀🎉", "محمد علي", "שלום", "日本 太郎", "a; DROP TABLE x", "x" * 200]
)
def test_a_name_in_any_script_is_accepted_as_it_is(text):
    assert read_any(customer_row(name=text)).name == text  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (customer_row(name="a\0b"), ("name", "INVALID")),
        (customer_row(name="\ud800"), ("name", "INVALID")),
        (customer_row(name="x" * 201), ("name", "TOO_LONG")),
        (customer_row(name=""), ("name", "INVALID")),
        (product_row(title=" \u3000"), ("title", "INVALID")),
        (product_row(category=" "), ("category", "INVALID")),
        (customer_row(""), ("externalId", "INVALID")),
        (customer_row("x" * 256), ("externalId", "TOO_LONG")),
        (customer_row("a\0b"), ("externalId", "INVALID")),
        (event_row(reference="\0"), ("reference", "INVALID")),
        (event_row(category="x" * 201), ("category", "TOO_LONG")),
        (product_row(title="x" * 501), ("title", "TOO_LONG")),
        (order_row(products=["p"] * 201), ("products", "TOO_MANY")),
        (order_row(products=["p", ""]), ("products.1", "INVALID")),
        (order_row(products="p1"), ("products", "INVALID")),
        (event_row(seconds=-1), ("seconds", "INVALID")),
        (event_row(seconds=1_000_001), ("seconds", "INVALID")),
        (event_row(seconds=True), ("seconds", "INVALID")),
        (event_row(kind="VIEWED"), ("kind", "INVALID")),
        ({**event_row(), "customer": 5}, ("customer", "INVALID")),
        (product_row(imageUrl="javascript:alert(1)"), ("imageUrl", "INVALID")),
        (product_row(imageUrl="https://example.com/" + "x" * 2000), ("imageUrl", "TOO_LONG")),
        (customer_row(gender="F"), ("gender", "INVALID")),
        (customer_row(birthDate="1990-02-30"), ("birthDate", "INVALID")),
        (customer_row(birthDate="1990-05-01T00:00:00Z"), ("birthDate", "INVALID")),
        (customer_row(language="english"), ("language", "UNKNOWN_LANGUAGE")),
        (customer_row(timeZone="Mars/Olympus"), ("timeZone", "UNKNOWN_TIME_ZONE")),
        (customer_row(timeZone="america/mexico_city"), ("timeZone", "UNKNOWN_TIME_ZONE")),
        (customer_row(country="Mexico"), ("country", "INVALID")),
        (customer_row(region="JAL"), ("region", "INVALID")),
        (customer_row(region="MX-JAL", country="US"), ("region", "INVALID")),
        (customer_row(emailConsent={"state": "SUBSCRIBED", "source": "x"}), ("emailConsent.at", "INVALID")),
        (customer_row(emailConsent=consent("SUBSCRIBED", "2026-01-01", " ")), ("emailConsent.source", "INVALID")),
        (customer_row(emailConsent=consent("YES", "2026-01-01")), ("emailConsent.state", "INVALID")),
        (customer_row(emailConsent=consent("SUBSCRIBED", "2026-01-01", None)), ("emailConsent.source", "INVALID")),
        (order_row(status="CANCELLED"), ("cancelledAt", "INVALID")),
        (order_row(cancelledAt="2026-01-02"), ("cancelledAt", "INVALID")),
        (order_row(status="REFUNDED", cancelledAt="2025-12-31"), ("cancelledAt", "INVALID")),
        (order_row(status="SHIPPED"), ("status", "INVALID")),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_at_its_place(row, problem):
    assert problems_of(row) == [problem]


@pytest.mark.parametrize(
    "address",
    [
        "ana", "@example.com", "ana@", "ana@localhost", "a b@example.com", "ana@example..com", "ana@-example.com",
        "ana@example.com\n", "ana@example.com\r\nBcc: x@example.com", "Ana <ana@example.com>", "a@b.com,c@d.com",
        "añа@example.com", "ana@exämple.com", "x" * 65 + "@example.com", "ana@" + "x" * 64 + ".com",
        "a@" + "b." * 130 + "com", '"ana"@example.com', "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    assert problems_of(customer_row(email=address)) in ([("email", "INVALID")], [("email", "TOO_LONG")])


@pytest.mark.parametrize("address", ["ana@example.com", "A.B+c_d@mail.example.co.uk", "o'hara@xn--exmple-cua.com"])
def test_an_address_is_kept_as_it_was_written(address):
    assert read_any(customer_row(email=address)).email == address  # type: ignore[attr-defined]


def test_a_language_is_kept_in_its_canonical_form():
    assert read_any(customer_row(language="ZH_tw")).language == "zh-TW"  # type: ignore[attr-defined]


def test_no_more_than_twenty_problems_of_a_row_are_told():
    assert len(problems_of({**event_row(), **{f"x{number}": 1 for number in range(50)}})) == 20


def test_a_number_out_of_its_range_is_told_with_the_bound_it_passes():
    assert message_of(order_row(amount=-1)) == "must be at least 0"
    assert message_of(event_row(seconds=1_000_001)) == "must be at most 1,000,000"


def test_a_message_with_braces_is_told_as_it_is():
    assert "{message}" in message_of(customer_row(country="{message}"))


def test_every_kind_of_event_is_a_row():
    assert [problems_of(event_row(kind=kind)) for kind in EventKind] == [[]] * len(EventKind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_a_row_of_anything_is_read_or_refused_and_nothing_else(data):
    row = data.draw(st.sampled_from(FULL))
    names = data.draw(st.sets(st.sampled_from(sorted(row.keys() - {"type"})), min_size=1))
    problems = problems_of({**row, **{name: data.draw(JSON) for name in names}})
    assert {field.split(".")[0] for field, _ in problems} <= names | {"cancelledAt", "region", "currency"}
    assert all(code in ErrorCode.__members__ for _, code in problems)
