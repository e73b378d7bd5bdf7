"""How instants and days are written, on every version of Python alike."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from models import iso_8601


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00:00.5z", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31 12:00:00,123456789Z", datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-01-31T23:59+0700", datetime(2026, 1, 31, 23, 59, tzinfo=timezone(timedelta(hours=7)))),
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12)),
    ],
)
def test_an_instant_is_read_with_the_offset_that_it_has(written: str, meant: datetime):
    read = iso_8601.instant(written)

    assert read == meant
    assert read is not None and read.tzinfo == meant.tzinfo


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-02-29T12:00:00Z", "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:000Z", "2026-01-31T12:00:00.Z", "2026-01-31T12Z", "2026-01-31\ud80012:00:00Z",
        "20260131T120000Z", "2026-W05-6T12:00:00Z", "2026-031T12:00:00Z", "2026-01-31", "２０２６-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n", "",
    ],
)  # fmt: skip
def test_what_some_version_of_python_takes_as_well_is_no_instant(written: str):
    assert iso_8601.instant(written) is None


def test_a_day_is_read():
    assert iso_8601.day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "written", ["2026-02-29", "20260131", "2026-W05-6", "2026-W05", "2026-1-31", "２０２６-01-31", "2026-01-31\n", ""]
)
def test_what_some_version_of_python_takes_as_well_is_no_day(written: str):
    assert iso_8601.day(written) is None
