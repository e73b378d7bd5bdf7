"""What a customer is to a shop: the roll-up that segments read, and the consent the shop's mail needs.

The roll-up is kept in the transaction that writes what it sums up. Of orders it is computed afresh for
the customers concerned, so it is right however late, repeated or cancelled they come; of events, of
which only the latest counts, by taking the greater of what is stored and what has just been inserted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from uuid import UUID

from pydantic import Field

from models import database
from models.errors import Problem
from models.field_type import Label, Moment
from models.row import Said, Terms

ENGAGED = (
    "PRODUCT_CARD_CLICKED",
    "VIDEO_WATCHED",
    "VIDEO_LIKED",
    "VIDEO_PRODUCT_CLICKED",
    "LIVE_WATCHED",
    "LIVE_CLICKED",
)
"""Kinds of event that are engagement: through LIVE, short video or product card (R4)."""

LATEST: Mapping[str, tuple[str, ...]] = {
    "last_viewed_at": ("PRODUCT_VIEWED",),
    "last_favourited_at": ("PRODUCT_FAVOURITED",),
    "last_carted_at": ("CART_ADDED",),
    "last_reviewed_at": ("PRODUCT_REVIEWED",),
    "last_checkout_at": ("CHECKOUT_STARTED",),
    "last_card_clicked_at": ("PRODUCT_CARD_CLICKED",),
    "last_video_watched_at": ("VIDEO_WATCHED",),
    "last_video_liked_at": ("VIDEO_LIKED",),
    "last_video_clicked_at": ("VIDEO_PRODUCT_CLICKED",),
    "last_live_watched_at": ("LIVE_WATCHED",),
    "last_live_clicked_at": ("LIVE_CLICKED",),
    "last_engaged_at": ENGAGED,
    "last_followed_at": ("FOLLOWED",),
    "last_unfollowed_at": ("UNFOLLOWED",),
}
"""Columns of the roll-up that hold the time of the latest event of some kinds."""

NO_INTERACTION = ("UNFOLLOWED", "CART_REMOVED", "CART_EMPTIED")
"""Kinds that alone make nobody a customer of the shop (R26)."""


def everybody(shop: str) -> str:
    """SQL of a shop's universe: the ids of all who ever interacted with the shop that this SQL names (R26)."""
    return f"SELECT customer_id FROM relationship WHERE shop_id = {shop} AND first_interaction_at IS NOT NULL"


class EmailConsent(Said):
    """What a customer said to this shop's e-mail, where and when (R19)."""

    state: Literal["SUBSCRIBED", "UNSUBSCRIBED", "NEVER"]
    source: Label | None = None
    at: Moment = Field(description="When it was said.")

    def problems(self, terms: Terms) -> list[Problem]:
        """A subscription that nobody knows the source of, or a time in the future."""
        found = terms.moment(self.at, "emailConsent", "at")
        if self.state == "SUBSCRIBED" and self.source is None:
            found.append(Problem(("emailConsent", "source"), "is required with SUBSCRIBED: where it was given"))
        return found


def latest_consent(known: EmailConsent, said: EmailConsent) -> EmailConsent:
    """Which of two consents holds: the later one; of two at the same instant, the one that forbids.

    NEVER after UNSUBSCRIBED leaves it at UNSUBSCRIBED: only a newer SUBSCRIBED ends it.
    """
    if said.at < known.at or (said.at == known.at and (said.state == "SUBSCRIBED" or known.state != "SUBSCRIBED")):
        return known
    if said.state == "NEVER" and known.state == "UNSUBSCRIBED":
        return known.model_copy(update={"at": said.at})
    return said


def latest_consents(said: Iterable[tuple[UUID, EmailConsent]]) -> dict[UUID, EmailConsent]:
    """The consent that holds of each customer, among those given; in the order of ids."""
    latest: dict[UUID, EmailConsent] = {}
    for customer, consent in said:
        known = latest.get(customer)
        latest[customer] = latest_consent(known, consent) if known else consent
    return dict(sorted(latest.items()))


async def note_consents(shop_id: int, consents: Mapping[UUID, EmailConsent]) -> list[UUID]:
    """Store consents that are newer than the stored ones, by the rule of `latest_consent`.

    Answers the customers whose mail is now forbidden by this. Call under `ingest`'s locks.
    """
    rows = await database.fetch(
        _CONSENTS,
        shop_id,
        list(consents),
        [consent.state for consent in consents.values()],
        [consent.source for consent in consents.values()],
        [consent.at for consent in consents.values()],
    )
    return [row["customer_id"] for row in rows if row["email_consent"] != "SUBSCRIBED"]


async def roll_up_orders(shop_id: int, customers: Sequence[UUID]) -> None:
    """Compute these customers' order columns from all their orders. Call under `ingest`'s locks."""
    await database.execute(_ROLL_UP_ORDERS, shop_id, customers)


async def roll_up_events(insert: str, *arguments: object) -> None:
    """Insert events and roll up those that are new, in one statement.

    `insert` is an INSERT into `event` whose $1 is the shop's id; what it leaves out as already known
    is not rolled up again.
    """
    await database.execute(_ROLL_UP_EVENTS.format(insert=insert), *arguments)


_CONSENTS = """
INSERT INTO relationship AS known (shop_id, customer_id, email_consent, email_consent_source, email_consent_at)
SELECT $1, customer_id, state, source, at
FROM unnest($2::uuid[], $3::consent[], $4::text[], $5::timestamptz[]) AS said (customer_id, state, source, at)
ORDER BY customer_id
ON CONFLICT (shop_id, customer_id) DO UPDATE
SET (email_consent, email_consent_source, email_consent_at) = (
    CASE WHEN excluded.email_consent = 'NEVER' AND known.email_consent = 'UNSUBSCRIBED'
         THEN known.email_consent ELSE excluded.email_consent END,
    CASE WHEN excluded.email_consent = 'NEVER' AND known.email_consent = 'UNSUBSCRIBED'
         THEN known.email_consent_source ELSE excluded.email_consent_source END,
    excluded.email_consent_at)
WHERE known.email_consent_at IS NULL
   OR excluded.email_consent_at > known.email_consent_at
   OR (excluded.email_consent_at = known.email_consent_at
       AND excluded.email_consent <> 'SUBSCRIBED' AND known.email_consent = 'SUBSCRIBED')
RETURNING customer_id, email_consent"""

_ORDERS: Mapping[str, str] = {
    "order_count": "count(*) FILTER (WHERE cancelled_at IS NULL)",
    # A sum beyond 64 bits would refuse the whole batch; it stays at the largest instead.
    "order_amount": (
        "least(coalesce(sum(amount) FILTER (WHERE cancelled_at IS NULL), 0), 9223372036854775807)::bigint"
    ),
    "first_order_at": "min(ordered_at) FILTER (WHERE cancelled_at IS NULL)",
    "last_order_at": "max(ordered_at) FILTER (WHERE cancelled_at IS NULL)",
    "previous_order_at": "({times})[2]",
    "third_order_at": "({times})[3]",
    "last_order_amount": "({amounts})[1]",
    "previous_order_amount": "({amounts})[2]",
}
"""Columns of the roll-up of orders, and what each is; the latest three are told apart by time, then by id."""

_LATEST_FIRST = "array_agg({column} ORDER BY ordered_at DESC, id DESC) FILTER (WHERE cancelled_at IS NULL)"
_ORDER_VALUES = ",\n       ".join(
    value.format(times=_LATEST_FIRST.format(column="ordered_at"), amounts=_LATEST_FIRST.format(column="amount"))
    for value in _ORDERS.values()
)
_ORDER_COLUMNS = ", ".join(_ORDERS)
_KNOWN_ORDERS = ", ".join(f"known.{column}" for column in _ORDERS)
_NEW_ORDERS = ", ".join(f"excluded.{column}" for column in _ORDERS)

_ROLL_UP_ORDERS = f"""
INSERT INTO relationship AS known (shop_id, customer_id, first_interaction_at, {_ORDER_COLUMNS})
SELECT $1, customer_id, min(ordered_at),
       {_ORDER_VALUES}
FROM orders WHERE shop_id = $1 AND customer_id = ANY($2::uuid[])
GROUP BY customer_id ORDER BY customer_id
ON CONFLICT (shop_id, customer_id) DO UPDATE
SET (first_interaction_at, {_ORDER_COLUMNS}) = (
    least(known.first_interaction_at, excluded.first_interaction_at), {_NEW_ORDERS})
WHERE ({_KNOWN_ORDERS}) IS DISTINCT FROM ({_NEW_ORDERS})
   OR known.first_interaction_at IS NULL OR known.first_interaction_at > excluded.first_interaction_at"""


def _kinds(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


_LATEST = ",\n       ".join(f"max(occurred_at) FILTER (WHERE kind IN ({_kinds(kinds)}))" for kinds in LATEST.values())
_EVENT_COLUMNS = ", ".join(["first_interaction_at", *LATEST])
_KNOWN_EVENTS = ", ".join(["known.first_interaction_at", *(f"known.{column}" for column in LATEST)])
_MERGED_EVENTS = ", ".join([
    "least(known.first_interaction_at, excluded.first_interaction_at)",
    *(f"greatest(known.{column}, excluded.{column})" for column in LATEST),
])  # fmt: skip

# Of history that arrives late much changes nothing; then there is no new version of the row, nor of its index entries.
_ROLL_UP_EVENTS = f"""
WITH inserted AS ({{insert}} RETURNING customer_id, kind, occurred_at)
INSERT INTO relationship AS known (shop_id, customer_id, {_EVENT_COLUMNS})
SELECT $1, customer_id, min(occurred_at) FILTER (WHERE kind NOT IN ({_kinds(NO_INTERACTION)})),
       {_LATEST}
FROM inserted WHERE kind NOT IN ('CART_REMOVED', 'CART_EMPTIED')
GROUP BY customer_id ORDER BY customer_id
ON CONFLICT (shop_id, customer_id) DO UPDATE
SET ({_EVENT_COLUMNS}) = ({_MERGED_EVENTS})
WHERE ({_KNOWN_EVENTS}) IS DISTINCT FROM ({_MERGED_EVENTS})"""
