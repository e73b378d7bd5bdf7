"""Signed links: what comes back to us, from mail clients and browsers, and only if we gave it out (R19, RFC 8058).

A token is the numbers it speaks about and a keyed digest over them and its purpose. It holds no secret,
cannot be guessed or altered, and one made for a purpose is worth nothing for another.

Keys rotate: the first of `keys_of` signs, all of them are believed, so that mails already sent keep working.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from models.keyed_digest import keyed_digest
from settings import Settings

_FORMAT = struct.Struct(">II16s")
_DIGEST = 16
LONGEST = 100
"""Characters in the longest token that is looked at."""


class Purpose(StrEnum):
    """What a link is for."""

    UNSUBSCRIBE = "unsubscribe"
    TOUCH = "touch"
    EXPORT = "export"  # models/export/link.py


class Link(NamedTuple):
    """What a token says: a customer, and the shop and plan that wrote to them."""

    shop_id: int
    plan_id: int
    customer_id: UUID


def keys_of(settings: Settings) -> tuple[bytes, ...]:
    """The keys of links and return paths, the one that signs first. Raises ValueError when there is none."""
    keys = settings.link_keys.get_secret_value().split(" ") if settings.link_keys else []
    if not keys and settings.secret_key:
        keys = [settings.secret_key.get_secret_value()]
    if not keys:
        raise ValueError("SECRET_KEY is not set: links in mails cannot be signed or checked without it")
    return tuple(key.encode() for key in keys)


def sign(key: bytes, purpose: Purpose, link: Link) -> str:
    """The token of a link, 54 characters, safe in URLs."""
    return seal(key, purpose, _FORMAT.pack(link.shop_id, link.plan_id, link.customer_id.bytes))


def verify(keys: Sequence[bytes], purpose: Purpose, token: str) -> Link | None:
    """What a token says, or None when no key of ours made it for this purpose. Takes the same time either way."""
    payload = unseal(keys, purpose, token)
    if payload is None or len(payload) != _FORMAT.size:
        return None
    shop_id, plan_id, customer_id = _FORMAT.unpack(payload)
    return Link(shop_id, plan_id, UUID(bytes=customer_id))


def seal(key: bytes, purpose: Purpose, payload: bytes) -> str:
    """The token of any `payload` that has a purpose of its own, safe in URLs."""
    return _written(payload + _digest(key, purpose, payload))


def unseal(keys: Sequence[bytes], purpose: Purpose, token: str) -> bytes | None:
    """The payload of a token, or None when no key of ours made it for this purpose, spelled just so."""
    raw = _read(token)
    if raw is None:
        return None
    payload, digest = raw[:-_DIGEST], raw[-_DIGEST:]
    made = [hmac.compare_digest(digest, _digest(key, purpose, payload)) for key in keys]
    return payload if any(made) else None


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(token: str) -> bytes | None:
    """What `_written` made a token of. Base64 has other spellings of the same bytes, and none of them is ours."""
    if len(token) > LONGEST:
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    return raw if _written(raw) == token else None


def _digest(key: bytes, purpose: Purpose, payload: bytes) -> bytes:
    return keyed_digest(key, purpose, payload)[:_DIGEST]
