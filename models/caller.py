"""Who is calling and what their role may do (R3). How a token is checked is no concern of this file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from models.errors import Forbidden, Unauthenticated
from models.identifier import customer_id

LEEWAY = timedelta(seconds=5)
"""How far the clock of a token's issuer may differ from ours."""

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC) + LEEWAY, datetime.max.replace(tzinfo=UTC) - LEEWAY
"""Instants of a token that can be reckoned with: with the leeway, both ways, they are still in the calendar."""

MAX_CLAIM_LENGTH = 255
"""Characters of a claim that is a text."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What neither PostgreSQL nor Redis takes: U+0000, and half of a surrogate pair, which JSON can spell."""


class Role(StrEnum):
    """Whom a token speaks for."""

    OWNER = "OWNER"
    MAIN_ADMINISTRATOR = "MAIN_ADMINISTRATOR"
    ADVERTISING_MANAGER = "ADVERTISING_MANAGER"
    MARKETING_SPECIALIST = "MARKETING_SPECIALIST"
    PLATFORM = "PLATFORM"
    CUSTOMER = "CUSTOMER"


class Action(StrEnum):
    """What a field or mutation lets its caller do; the value reads well after "may not"."""

    READ_SHOP = "read a shop's outreach"
    CHANGE_SHOP = "change a shop's outreach"
    MANAGE_CONNECTIONS = "manage what a shop is connected to"
    WRITE_DATA = "write shops, customers, products, orders and events"
    STOP_SENDING = "stop and resume all sending"
    SEE_VIOLATIONS = "see what content rules refused"
    REDEEM_COUPONS = "redeem claims with orders"
    USE_INBOX = "use a shopper's inbox"
    USE_COUPONS = "see and claim a shopper's coupons"


SELLER = frozenset({Role.OWNER, Role.MAIN_ADMINISTRATOR, Role.ADVERTISING_MANAGER, Role.MARKETING_SPECIALIST})
"""The roles that act for one shop; every other sub-account of a seller is refused."""

ADMINISTRATORS = frozenset({Action.READ_SHOP, Action.CHANGE_SHOP, Action.MANAGE_CONNECTIONS})
"""What the owner and the Main Administrator may do: the other sellers' roles neither see secrets nor send data away."""

PERMISSIONS: Mapping[Role, frozenset[Action]] = {
    **{role: frozenset({Action.READ_SHOP, Action.CHANGE_SHOP}) for role in SELLER},
    Role.OWNER: ADMINISTRATORS,
    Role.MAIN_ADMINISTRATOR: ADMINISTRATORS,
    Role.PLATFORM: frozenset({Action.WRITE_DATA, Action.STOP_SENDING, Action.SEE_VIOLATIONS, Action.REDEEM_COUPONS}),
    Role.CUSTOMER: frozenset({Action.USE_INBOX, Action.USE_COUPONS}),
}
"""The one table of what each role may do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller: a seller's user of `shop` (its external id), the platform, or a shopper."""

    role: Role
    subject: str
    shop: str | None
    token_id: str | None
    expires_at: datetime

    @property
    def actor(self) -> str:
        """Who this is, across tokens: for idempotency keys, limits and the record of who did what.

        A shop's id keeps no colon of its own, or somebody of the shop `a:b` could be another person of the shop `a`.
        """
        shop = (self.shop or "").replace("%", "%25").replace(":", "%3A")
        return f"{self.role}:{shop}:{self.subject}"

    @property
    def customer_id(self) -> UUID:
        """The shopper's own id; meaningful for CUSTOMER only."""
        return customer_id(self.subject)

    def require(self, action: Action) -> None:
        """Raise Forbidden when this caller's role may not take `action`."""
        if action not in PERMISSIONS[self.role]:
            raise Forbidden(f"{self.role} may not {action}.")

    def expired(self, at: datetime) -> bool:
        """Whether the token no longer holds at `at`."""
        return at >= self.expires_at + LEEWAY


def caller_of(claims: Mapping[str, Any], at: datetime) -> Caller:
    """The caller whom the `claims` of a verified token name, at the instant `at`.

    Unauthenticated when a claim is missing, malformed or out of time; Forbidden when the role is none
    of ours (R3: any other sub-account is refused).
    """
    subject = _text(claims, "sub")
    expires_at = _instant(claims, "exp")
    not_before = _instant(claims, "nbf") if "nbf" in claims else None
    role = _role(claims)
    caller = Caller(
        role=role,
        subject=subject,
        shop=_text(claims, "shop") if role in SELLER else None,
        token_id=_text(claims, "jti") if "jti" in claims else None,
        expires_at=expires_at,
    )
    if caller.expired(at):
        raise Unauthenticated("The token has expired.")
    if not_before is not None and at < not_before - LEEWAY:
        raise Unauthenticated("The token is not valid yet.")
    return caller


def _role(claims: Mapping[str, Any]) -> Role:
    name = _text(claims, "role")
    try:
        return Role(name)
    except ValueError:
        raise Forbidden(f"The role {name[:50]!r} may not use Rekindle.") from None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_CLAIM_LENGTH or _UNSTORABLE.search(value):
        raise Unauthenticated(f"The token needs a claim {name!r}: a text of 1–{MAX_CLAIM_LENGTH} characters.")
    return value


def _instant(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            instant = datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            instant = None
        if instant is not None and EARLIEST <= instant <= LATEST:
            return instant
    raise Unauthenticated(f"The token needs a claim {name!r}: seconds since 1970, before the year 10000.")
