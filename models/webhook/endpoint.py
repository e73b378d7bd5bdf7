"""Endpoints of others: which URLs a shop may have called, and which addresses are ever connected to.

A shop names a URL, and this server calls it from inside the operator's network. So a URL is checked when
it is written, and again every time where its name leads (jobs/channels/poster.py): what resolves to an
address that is not public is never connected to.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal
from urllib.parse import urlsplit

from models.errors import Refused, refuse

Targets = Literal["public", "any"]
"""`public`: https to public addresses; `any`: http and private addresses too, for local use."""

MAX_LENGTH = 2_000

_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER_PUBLIC = (IPv6Network("::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("5f00::/16"))
"""IPv4 in the oldest spelling, a network's own translation to it (RFC 8215), and segments of routes (RFC 9602)."""

_LONGEST_NAME = 253
_LONGEST_LABEL = 63


def check_url(url: str, *, targets: Targets, field: str = "url") -> str:
    """A URL that may be called, as it is stored. Raises Refused when it is none; `field` is where it came from."""
    url = url.strip()
    if len(url) > MAX_LENGTH:
        raise refuse(field, f"A URL has at most {MAX_LENGTH:,} characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong(field) from None
    if not url.isascii() or any(each <= " " for each in url) or not parts.hostname or port == 0:
        raise _wrong(field)
    if parts.scheme != "https" and not (targets == "any" and parts.scheme == "http"):
        raise refuse(field, "The URL must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise refuse(field, "The URL must hold no user name or password; requests are signed instead.")
    if parts.fragment or "#" in url:
        raise refuse(field, "The URL must hold no fragment (#).")
    if targets == "public" and not may_be_public(parts.hostname):
        raise refuse(field, "The URL must lead to a public address.")
    return url


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the Internet can have; anything else is none."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(known in network for network in _NEVER_PUBLIC):
        return False
    return all(each.is_global and not each.is_multicast for each in _meant(known))


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or those it stands for: an IPv6 address may be another spelling of one of IPv4."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]


def may_be_public(host: str) -> bool:
    """Whether a host is a name, or a public address. Where a name leads is seen when it is called."""
    try:
        ip_address(host)
    except ValueError:
        name = host.removesuffix(".").lower()
        labels = name.split(".")
        is_name = len(name) <= _LONGEST_NAME and all(1 <= len(label) <= _LONGEST_LABEL for label in labels)
        return (
            is_name
            and len(labels) > 1
            and labels[-1] not in ("localhost", "local", "internal")
            and not labels[-1].isdigit()
        )
    return is_public(host)


def _wrong(field: str) -> Refused:
    return refuse(field, "This is no URL, such as https://shop.example/outreach.")
