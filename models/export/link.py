"""Links to exports: what may be downloaded by whoever holds it, for some minutes.

A browser's download carries no bearer token, so a seller's front end asks for a link. It says what it is for
and until when, under a keyed digest, like the links in mails (models/signed_link.py).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.export import ExportContent, ExportFormat
from models.signed_link import Purpose, seal, unseal

LIFETIME = timedelta(minutes=10)
"""How long a link may be used to begin a download."""

_FORMAT = struct.Struct(">IIBBQ")
_CONTENTS, _FORMATS = list(ExportContent), list(ExportFormat)


@dataclass(frozen=True, slots=True)
class LinkedExport:
    """What a link is for: a plan of a shop, what of it, written how, until when."""

    shop_id: int
    plan_id: int
    content: ExportContent
    format: ExportFormat
    expires_at: datetime


def sign(key: bytes, link: LinkedExport) -> str:
    """The token of a link, 46 characters, safe in URLs; its time in whole seconds."""
    numbers = (_CONTENTS.index(link.content), _FORMATS.index(link.format), int(link.expires_at.timestamp()))
    return seal(key, Purpose.EXPORT, _FORMAT.pack(link.shop_id, link.plan_id, *numbers))


def verify(keys: Sequence[bytes], token: str, at: datetime) -> LinkedExport | None:
    """What a token is for at `at`; None when no key of ours made it, or its time is over."""
    payload = unseal(keys, Purpose.EXPORT, token)
    if payload is None or len(payload) != _FORMAT.size:
        return None
    shop_id, plan_id, content, written, expires = _FORMAT.unpack(payload)
    expires_at = datetime.fromtimestamp(expires, UTC)
    if at >= expires_at:
        return None
    return LinkedExport(shop_id, plan_id, _CONTENTS[content], _FORMATS[written], expires_at)
