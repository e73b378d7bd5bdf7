"""Keyed digests are HMAC, as the standard library has it."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyed_digest import keyed_digest


@given(st.binary(max_size=200), st.text("abc ", max_size=20), st.binary(max_size=300))
def test_a_keyed_digest_is_the_hmac_of_its_purpose_and_payload(key: bytes, purpose: str, payload: bytes):
    assert keyed_digest(key, purpose, payload) == hmac.digest(key, purpose.encode() + b"\0" + payload, "sha256")


@pytest.mark.parametrize("length", [63, 64, 65, 200])
def test_a_key_longer_than_a_block_is_hashed_first_as_the_standard_has_it(length: int):
    key = bytes(range(1, length + 1))

    assert keyed_digest(key, "a", b"b") == hmac.digest(key, b"a\0b", "sha256")


def test_the_purpose_ends_where_the_payload_begins():
    assert keyed_digest(b"k", "a", b"b") != keyed_digest(b"k", "ab", b"")
