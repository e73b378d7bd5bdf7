"""The operator's own issuer of tokens: its public keys, from the JWKS document that it publishes (RFC 7517).

Who brings a token by a key that is known waits for nobody: keys are read anew before they are too old, beside what is
answered, and once for all who ask. So an issuer that hangs keeps waiting only who brings a key that is not known yet.
"""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic
from urllib.parse import urlsplit

import jwt

from models.complaints import Complaints
from models.errors import Unauthenticated, Unavailable
from resolvers import key_document

log = logging.getLogger(__name__)

LIFETIME = 300.0
"""Seconds for which keys are believed: what the issuer takes back is believed no longer."""

RENEWED_AFTER = LIFETIME / 2
"""Seconds after which keys are read anew."""

COOLDOWN = 30.0
"""Seconds for which keys that were just read are not read again for one that is not among them."""

ANSWER_WITHIN = 5.0
"""Seconds in which the whole document must have come."""

RETRY_DELAY = 5.0
"""Seconds after which keys that could not be read anew are asked for again, while those that are known will do."""


class Issuer:
    """Keys by their names, as the document at `url` has them."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("TOKEN_JWKS_URL must begin with https:// or http://.")
        self._url = url
        self._keys: list[jwt.PyJWK] = []
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self._reading: asyncio.Task[bool] | None = None
        self._complaints = Complaints()

    async def key(self, name: str) -> jwt.PyJWK:
        """The key of this name. Unauthenticated when the issuer has none, Unavailable when it cannot be asked."""
        age = monotonic() - self._read_at
        if age < LIFETIME and (found := _named(self._keys, name)):
            if age > RENEWED_AFTER and monotonic() > self._failed_at + RETRY_DELAY:
                self._read()
            return found
        if age > COOLDOWN and not await asyncio.shield(self._read()):
            raise Unavailable("The issuer of tokens cannot be reached.")
        if found := _named(self._keys, name):
            return found
        raise Unauthenticated("The token does not hold: its issuer has no such key.")

    def _read(self) -> "asyncio.Task[bool]":
        """Read the keys, if nobody does just now; whether they came."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._renew())
        return self._reading

    async def _renew(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                self._keys = await key_document.fetch(self._url)
        except (key_document.UnreadableError, TimeoutError) as error:
            self._failed_at = monotonic()
            if self._complaints.is_due(error):
                log.warning("the keys of the issuer of tokens cannot be read: %r", error)
            return False
        self._read_at = monotonic()
        self._complaints.end()
        return True


def _named(keys: Sequence[jwt.PyJWK], name: str) -> jwt.PyJWK | None:
    return next((each for each in keys if each.key_id == name), None)
