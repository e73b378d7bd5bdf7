"""Return paths: short enough, read back whatever case they come in, and believed only when they are ours."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mail.return_path import ReturnKey, occasion, read_return_key, write_return_key

KEY = b"a key for tests"


@given(st.integers(1, 2**31 - 1), st.uuids(), st.text(max_size=300))
def test_a_return_path_is_read_back_and_fits_a_local_part(plan_id, customer_id, reference):
    row = ReturnKey(plan_id, customer_id, occasion(reference.replace("\0", "")))

    written = write_return_key(KEY, row)

    assert len(written) <= 64
    assert read_return_key([KEY], written) == read_return_key([KEY], written.upper()) == row


@given(st.integers(0, 80), st.sampled_from("abz257-+"))
def test_a_changed_return_path_is_nobodys(place, character):
    written = write_return_key(KEY, ReturnKey(7, UUID(int=12345), ""))
    place %= len(written)
    changed = written[:place] + character + written[place + 1 :]

    found = read_return_key([KEY], changed)

    assert found is None or found == ReturnKey(7, UUID(int=12345), "")


@pytest.mark.parametrize(
    "written", ["", "b+", "postmaster", "b+7-aaaa-bbbb", "b+99999999999-" + "a" * 26 + "-aaaaaaaa"]
)
def test_what_is_no_return_path_is_nobodys(written):
    assert read_return_key([KEY], written) is None


def test_another_key_reads_nothing():
    assert read_return_key([b"another"], write_return_key(KEY, ReturnKey(7, UUID(int=1), ""))) is None


def test_a_key_that_is_still_believed_reads_what_it_has_written():
    row = ReturnKey(7, UUID(int=1), "")

    assert read_return_key([b"the next key", KEY], write_return_key(KEY, row)) == row


def test_an_occasion_is_told_from_another_and_none_from_any():
    assert occasion("") == ""
    assert occasion("order 1") == occasion("order 1") != occasion("order 2")
    assert read_return_key([KEY], write_return_key(KEY, ReturnKey(7, UUID(int=1), occasion("order 1")))) == ReturnKey(
        7, UUID(int=1), occasion("order 1")
    )
