"""Keyed digests: HMAC-SHA-256 (RFC 2104) over a purpose and what is sealed for it.

`hmac.digest` says the same. It sets the key up anew each time, which takes three times as long, and every mail
has three of them; here a key's and purpose's first blocks are hashed once. A copy of a `hmac.new` that was begun with
them takes twice as long as this.
"""

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""


def keyed_digest(key: bytes, purpose: str, payload: bytes) -> bytes:
    """The 32 bytes that only who has `key` can make of `payload`, worth nothing for another purpose."""
    begun = _begun(key, purpose)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(payload)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=64)
def _begun(key: bytes, purpose: str) -> "tuple[_Hash, _Hash]":
    """Both hashes of RFC 2104 §2, as far as they do not depend on the payload."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block) + purpose.encode() + b"\0")
    return inner, sha256(bytes(byte ^ 0x5C for byte in block))
