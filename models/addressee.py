"""Whom a link in a mail was written to: in which language, and by which shop (R14)."""

from dataclasses import dataclass

from models import database
from models.signed_link import Link


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who follows a link. `language` is their message's; None when the message is not known any more."""

    shop: str
    language: str | None


async def of_link(link: Link) -> Addressee | None:
    """Who a link was written to; None when this server knows nothing of its shop."""
    row = await database.fetch_one(_OF_LINK, *link)
    return Addressee(*row) if row else None


_OF_LINK = """
SELECT s.name, (SELECT d.language FROM delivery d
    WHERE d.plan_id = $2 AND d.customer_id = $3 AND d.language IS NOT NULL ORDER BY d.reference LIMIT 1)
FROM shop s WHERE s.id = $1
"""
