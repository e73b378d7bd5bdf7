"""Deterministic ids for what arrives from outside.

A row's id is the UUIDv5 of its kind, its shop and the id its own system gave it. So the same row
sent twice is the same row, rows may refer to others that have not arrived yet, and no lookup is
needed to know an id.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

NAMESPACE = UUID("6f1d3a52-5a3e-5b0e-9a43-4d3c6c2f7a10")

NO_CUSTOMER = UUID(int=0)
LAST_CUSTOMER = UUID(int=2**128 - 1)
"""Before every customer's id, and after: neither is anybody's."""


def external_uuid(kind: str, scope: str, external_id: str) -> UUID:
    """UUIDv5 (RFC 9562 §5.5) of `kind`, `scope` (a shop's external id, or "") and `external_id`.

    The parts are separated by a NUL, which PostgreSQL text cannot contain, so no two triples collide.
    """
    digest = bytearray(sha1(_prefix(kind, scope) + external_id.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    # The driver's own UUID: it is made and sent several times faster than the standard library's.
    made: UUID = pgproto.UUID(bytes(digest))
    return made


@lru_cache(maxsize=1024)
def _prefix(kind: str, scope: str) -> bytes:
    return NAMESPACE.bytes + f"{kind}\0{scope}\0".encode()


@lru_cache(maxsize=32_768)
def customer_id(external_id: str) -> UUID:
    """Id of a customer, who is one person across all shops."""
    return external_uuid("customer", "", external_id)


@lru_cache(maxsize=32_768)
def product_id(shop: str, external_id: str) -> UUID:
    """Id of a product of the shop with the external id `shop`."""
    return external_uuid("product", shop, external_id)


def global_id(kind: str, *keys: object) -> str:
    """What clients know a row by: its GraphQL type and keys, opaque in base64url. Read by resolvers/global_id.py."""
    text = ":".join((kind, *map(str, keys)))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
