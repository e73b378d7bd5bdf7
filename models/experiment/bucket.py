"""Buckets: where a customer falls in an experiment, 0–9999, the same wherever and whenever it is asked.

A bucket is a digest of a *salt* (which experiment) and the customer, so it needs no storage, and buckets of
different experiments have nothing to do with each other. SQL has the same function, `bucket(salt, customer_id)`.
"""

from hashlib import sha256
from uuid import UUID

BUCKETS = 10_000


def bucket(salt: str, customer_id: UUID) -> int:
    """The customer's bucket in the experiment that `salt` names."""
    digest = sha256(f"{salt}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:4]) * BUCKETS >> 32


def is_within(percent: int, number: int) -> bool:
    """Whether a bucket belongs to the first `percent` of them."""
    return number < percent * BUCKETS // 100
