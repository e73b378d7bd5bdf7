"""Idempotency keys: a mutation repeated with its key answers what it answered first, and does nothing.

The key's row is written in the transaction of the effect, so that both are there or neither. Two calls
at once with the same key: the second waits for the first to commit, then answers the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from models import database
from models.clock import now
from models.errors import ErrorCode, refuse

KEPT = timedelta(days=1)
"""How long a key is remembered."""

MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the first call with this key answered."""

    response: Any


def request_hash(request: Mapping[str, Any]) -> bytes:
    """SHA-256 of a mutation's input, independent of the order of its fields."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return sha256(canonical.encode()).digest()


async def claim(actor: str, mutation: str, key: str, digest: bytes) -> Earlier | None:
    """Take `key` for this call, inside the open transaction; or what the earlier call with it answered.

    Refused with KEY_REUSED when the earlier call had another input.
    """
    if not 1 <= len(key) <= MAX_KEY_LENGTH or "\0" in key:
        raise refuse("idempotencyKey", f"A key has 1–{MAX_KEY_LENGTH} characters.")
    at = now()
    taken = await database.fetch_value(
        "INSERT INTO idempotency AS known (actor, mutation, key, request_hash, created_at)"
        " VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (actor, mutation, key) DO UPDATE"
        " SET request_hash = EXCLUDED.request_hash, response = NULL, created_at = EXCLUDED.created_at"
        " WHERE known.created_at < $6 RETURNING true",
        actor,
        mutation,
        key,
        digest,
        at,
        at - KEPT,
    )
    return None if taken else await _earlier(actor, mutation, key, digest)


async def _earlier(actor: str, mutation: str, key: str, digest: bytes) -> Earlier:
    row = await database.fetch_one(
        "SELECT request_hash, response FROM idempotency WHERE actor = $1 AND mutation = $2 AND key = $3",
        actor,
        mutation,
        key,
    )
    if row is None or row["request_hash"] != digest:
        raise refuse("idempotencyKey", "This key was used with another input; take a new key.", ErrorCode.KEY_REUSED)
    return Earlier(json.loads(row["response"]))


async def keep(actor: str, mutation: str, key: str, response: Any) -> None:
    """Remember the JSON `response` of the call that claimed `key`, inside the same transaction."""
    await database.execute(
        "UPDATE idempotency SET response = $4 WHERE actor = $1 AND mutation = $2 AND key = $3",
        actor,
        mutation,
        key,
        json.dumps(response),
    )


async def forget() -> int:
    """Drop the keys older than a day; how many there were."""
    return await database.execute("DELETE FROM idempotency WHERE created_at < $1", now() - KEPT)
