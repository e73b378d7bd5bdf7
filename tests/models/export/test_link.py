"""Links to exports: what they were made for, for their time, and nothing else."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import now
from models.export import ExportContent, ExportFormat, link
from models.export.link import LIFETIME, LinkedExport
from models.signed_link import Purpose, seal
from tests.conftest import NOON

KEYS = (b"a key of links, long enough for all of it", b"the key before it, long enough for all of it")


def wanted() -> LinkedExport:
    return LinkedExport(7, 9, ExportContent.FIGURES, ExportFormat.NDJSON, NOON + LIFETIME)


def test_a_link_says_what_it_was_made_for_until_its_time_is_over():
    for key in KEYS:
        token = link.sign(key, wanted())
        assert link.verify(KEYS, token, now()) == wanted()
        assert link.verify(KEYS, token, NOON + LIFETIME - timedelta(seconds=1)) == wanted()
        assert link.verify(KEYS, token, NOON + LIFETIME) is None
    assert link.verify(KEYS, link.sign(b"another", wanted()), now()) is None


@given(st.integers(0, 45), st.sampled_from("ABCxyz019-_"))
def test_a_link_that_was_altered_anywhere_is_none(place: int, letter: str):
    token = link.sign(KEYS[0], wanted())
    altered = token[:place] + letter + token[place + 1 :]
    read = link.verify(KEYS, altered, NOON)

    assert read in (None, wanted())
    assert read is None or len(token) - 1 == place or altered == token


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 101, "AAAA", "=" * 40])
def test_what_is_no_link_is_none(token: str):
    assert link.verify(KEYS, token, NOON) is None


def test_what_we_sealed_for_exports_but_is_no_link_is_none():
    assert link.verify(KEYS, seal(KEYS[0], Purpose.EXPORT, bytes(19)), NOON) is None
