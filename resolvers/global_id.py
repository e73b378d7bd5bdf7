"""Global ids: opaque to clients, "Type:key" in base64url to us; parts of a key are joined by ":"."""

from base64 import b64decode
from collections.abc import Iterable
from uuid import UUID

from strawberry import ID, UNSET

from models.errors import ErrorCode, Refused, refuse
from models.identifier import global_id

MAX_LENGTH = 500
MAX_INTEGER = 2**31 - 1

NO_ROW = 0
NO_UUID = UUID(int=0)
"""Ids that no row has: what a malformed one is taken for, so that it reads exactly like an unknown one."""


def encode(kind: str, *keys: object) -> ID:
    """The global id of an object of GraphQL type `kind` with these keys."""
    return ID(global_id(kind, *keys))


def decode(global_id: str) -> tuple[str, str] | None:
    """(type, key) of a global id, or None when it is not one of ours."""
    if len(global_id) > MAX_LENGTH:
        return None
    try:
        text = b64decode(global_id + "=" * (-len(global_id) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        return None
    kind, separator, key = text.partition(":")
    return (kind, key) if separator and "\0" not in text else None


def integer(global_id: str, kind: str) -> int | None:
    """The integer key of a global id of type `kind`; None for anything else."""
    key = _key(global_id, kind)
    return integer_of(key) if key is not None else None


def row(global_id: str, kind: str) -> int:
    """The integer key of a global id of type `kind`; one that no row has for anything else."""
    return integer(global_id, kind) or NO_ROW


def optional(global_id: str | None, kind: str) -> int | None:
    """The same of an id that may be left out or null. An empty one is neither: it names no row, rather than every row."""
    return None if global_id is None or global_id is UNSET else row(global_id, kind)


def uuid(global_id: str, kind: str) -> UUID | None:
    """The UUID key of a global id of type `kind`; None for anything else."""
    key = _key(global_id, kind)
    return uuid_of(key) if key is not None else None


def uuids(global_ids: Iterable[str], kind: str) -> list[UUID]:
    """The UUID keys of global ids of type `kind`; one that no row has for anything else."""
    return [uuid(each, kind) or NO_UUID for each in global_ids]


def _key(global_id: str, kind: str) -> str | None:
    decoded = decode(global_id)
    return decoded[1] if decoded is not None and decoded[0] == kind else None


def integer_of(key: str) -> int | None:
    """A key that is a 32-bit integer, or None."""
    number = int(key) if key.isascii() and key.isdecimal() and len(key) <= 10 else None
    return number if number is not None and number <= MAX_INTEGER else None


def uuid_of(key: str) -> UUID | None:
    """A key that is a UUID, or None."""
    try:
        return UUID(key)
    except ValueError:
        return None


def missing(field: str, noun: str) -> Refused:
    """The refusal of an id in an input: unknown, malformed and another's read exactly the same."""
    return refuse(field, f"There is no such {noun}.", ErrorCode.NOT_FOUND)
