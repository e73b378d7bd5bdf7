"""Return paths: the envelope sender that names a ledger row, so that a bounce finds its way back (VERP).

The local part is `b+PLAN-CUSTOMER[-OCCASION]-SEAL`: the customer's UUID in base32, the occasion's digest where the
plan has occasions, and a keyed digest, so that nobody can make us believe in bounces of mail they never got.
"""

import hmac
import re
from base64 import b32decode
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from models.keyed_digest import keyed_digest

_SEAL_BYTES = 5
_OCCASION_LENGTH = 12
_SHAPE = r"b\+(\d{1,10})-([a-z2-7]{26})(?:-([0-9a-f]{12}))?-([a-z2-7]{8})"
_LOCAL_PART = re.compile(_SHAPE)

ANYWHERE = re.compile(rb"(?<![\w+-])b\+\d{1,10}-[a-z2-7]{26}(?:-[0-9a-f]{12})?-[a-z2-7]{8}(?=@)", re.IGNORECASE)
"""What looks like the local part of a return path, anywhere in a message; `read_return_key` tells whether it is one."""


_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)


class ReturnKey(NamedTuple):
    """A ledger row as its return path names it; `occasion` is the digest of its reference, empty without one."""

    plan_id: int
    customer_id: UUID
    occasion: str


def occasion(reference: str) -> str:
    """What stands for a ledger row's reference in addresses, where the reference itself may be long."""
    return sha256(reference.encode()).hexdigest()[:_OCCASION_LENGTH] if reference else ""


def write_return_key(key: bytes, row: ReturnKey) -> str:
    """The local part of a return path: at most 64 octets (RFC 5321 §4.5.3.1.1).

    >>> write_return_key(b"k", ReturnKey(7, UUID(int=1), ""))
    'b+7-aaaaaaaaaaaaaaaaaaaaaaaaae-ajhnf6xh'
    """
    named = _named(row)
    return f"{named}-{_seal(key, named)}"


def read_return_key(keys: Sequence[bytes], local_part: str) -> ReturnKey | None:
    """The row that a return path of ours names; None for any other. Mail systems may have changed its case.

    `keys` are all that are believed (models/signed_link.py).
    """
    found = _LOCAL_PART.fullmatch(local_part.lower())
    if found is None:
        return None
    plan_id, customer, digest, seal = found.groups()
    row = ReturnKey(int(plan_id), UUID(bytes=b32decode(customer.upper() + "======")), digest or "")
    made = [hmac.compare_digest(seal, _seal(key, _named(row))) for key in keys]
    return row if any(made) else None


def _named(row: ReturnKey) -> str:
    customer = _base32(row.customer_id.bytes)
    return f"b+{row.plan_id}-{customer}" + (f"-{row.occasion}" if row.occasion else "")


def _seal(key: bytes, named: str) -> str:
    return _base32(keyed_digest(key, "return path", named.encode())[:_SEAL_BYTES])


def _base32(data: bytes) -> str:
    """Base32 (RFC 4648 §6) in small letters without padding, of as many bytes as fill an even number of digits.

    The standard library's takes three times as long, and every mail has two.
    """
    pairs = -(-len(data) * 8 // 10)
    bits = int.from_bytes(data) << pairs * 10 - len(data) * 8
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(pairs * 10 - 10, -1, -10)])
