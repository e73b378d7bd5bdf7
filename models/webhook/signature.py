"""Signatures of what is posted to others, by the Standard Webhooks specification (HMAC-SHA256, version v1).

A secret is not stored: it is derived from the server's own key and a random salt that is. A copy of the
database alone signs nothing, and a new salt is a new secret.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.keyed_digest import keyed_digest

OVERLAP = timedelta(hours=24)
"""So long after a rotation requests carry the signature of the former secret too."""

PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Salts:
    """What is stored of an endpoint's secrets: the salt in use, and the one before it with the time of its end."""

    current: str
    previous: str | None = None
    rotated_at: datetime | None = None

    def valid(self, at: datetime) -> list[str]:
        """The salts whose secrets sign at `at`, the one in use first."""
        still = self.previous is not None and self.rotated_at is not None and at < self.rotated_at + OVERLAP
        return [self.current, self.previous] if still and self.previous else [self.current]


def draw_salt() -> str:
    """A salt that has never been used."""
    return secrets.token_urlsafe(24)


def secret(key: bytes, salt: str) -> str:
    """The secret of a salt as receivers write it down: `whsec_` and 32 bytes in base64."""
    return PREFIX + b64encode(_bytes(key, salt)).decode()


def signed(key: bytes, salts: Sequence[str], identifier: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of a request with this `body`: id, seconds since 1970, and a signature for each salt."""
    timestamp = str(int(at.timestamp()))
    content = f"{identifier}.{timestamp}.".encode() + body
    signatures = (b64encode(hmac.digest(_bytes(key, salt), content, "sha256")).decode() for salt in salts)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _bytes(key: bytes, salt: str) -> bytes:
    return keyed_digest(key, "webhook", salt.encode())
