"""Which addresses anybody on the Internet can have: no other is ever connected to, or shown to a reader.

What a shop names (a webhook, its chat platform, an image) is fetched from inside somebody's network: the operator's,
or a reader's. There a private address would be somebody else's machine.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER_PUBLIC = (IPv6Network("::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("5f00::/16"))
"""IPv4 in the oldest spelling, a network's own translation to it (RFC 8215), and segments of routes (RFC 9602)."""

_LONGEST_NAME = 253
_LABEL = re.compile(r"[\w-]{1,63}")
"""Anything else a browser reads otherwise than we do: it undoes what is percent-encoded, and a host ends at a backslash."""

_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
"""With one of these at its end a host is an address of IPv4 to browsers (URL standard, "ends in a number")."""


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
        is_name = len(name) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
        return (
            is_name
            and len(labels) > 1
            and labels[-1] not in ("localhost", "local", "internal")
            and not _NUMBER.fullmatch(labels[-1])
        )
    return is_public(host)
