"""The locks that are no row's: one register, so that no two share a key, with what each keeps apart.

A lock is taken by `database.hold` and given back at the end of the transaction. Processes of an older version hold
the same keys while a newer one starts beside them, so a number never changes its meaning and is never given again.
"""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """First keys of PostgreSQL's advisory locks; where a lock is one of many, a second key says which."""

    MIGRATION = 7_265_201
    """One process at a time changes the schema."""

    CONSENT = 7_265_202
    """Choosing recipients (shared) and changing a consent. Second key: the shop."""

    PARTITION = 7_265_203
    """One transaction at a time adds partitions."""

    INGEST = 7_265_204
    """Rows of one source id are written one after the other. Second key: shop × buckets + bucket."""

    COUPON = 7_265_205
    """Claiming a shop's coupons (shared), and counting and changing them, one at a time. Second key: the shop."""

    TRIAL = 7_265_206
    """A shop's trials are counted one at a time. Second key: the shop."""

    SENDING = 7_265_207
    """Whatever sends (shared) and a stop of all sending."""

    FIGURES = 7_265_209
    """Changes are folded into days, and days made anew, one at a time."""

    WEBHOOK = 7_265_211
    """A shop's webhooks are counted one at a time. Second key: the shop."""

    ERASURE = 7_265_214
    """Writing rows (shared) and beginning to erase somebody."""

    SHOP = 7_265_215
    """Shops that are not known yet are written one batch at a time."""
