"""Endpoints of others: which URLs a shop may have called.

A shop names a URL, and this server calls it from inside the operator's network. So a URL is checked when
it is written, and again every time where its name leads (jobs/channels/http/poster.py).
"""

from typing import Literal
from urllib.parse import urlsplit

from models.errors import ErrorCode, Refused, refuse
from models.public_address import may_be_public

Targets = Literal["public", "any"]
"""`public`: https to public addresses; `any`: http and private addresses too, for local use."""

MAX_LENGTH = 2_000


def check_url(url: str, *, targets: Targets) -> str:
    """A URL that may be called, as it is stored. Raises Refused when it is none."""
    url = url.strip()
    if len(url) > MAX_LENGTH:
        raise refuse("url", f"A URL has at most {MAX_LENGTH:,} characters.", ErrorCode.TOO_LONG)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong() from None
    if not url.isascii() or any(each <= " " for each in url) or not parts.hostname or port == 0:
        raise _wrong()
    if parts.scheme != "https" and not (targets == "any" and parts.scheme == "http"):
        raise refuse("url", "The URL must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise refuse("url", "The URL must hold no user name or password; requests are signed instead.")
    if parts.fragment or "#" in url:
        raise refuse("url", "The URL must hold no fragment (#).")
    if targets == "public" and not may_be_public(parts.hostname):
        raise refuse("url", "The URL must lead to a public address.")
    return url


def _wrong() -> Refused:
    return refuse("url", "This is no URL, such as https://shop.example/outreach.")
