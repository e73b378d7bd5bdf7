"""Machines that open mails and follow their links: what gives them away is data in machines.toml (B8)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("machines.toml")

DAY = 24 * 60 * 60
"""Seconds."""


class Sign(StrEnum):
    """What gave a machine away."""

    METHOD = "METHOD"
    HEADER = "HEADER"
    AGENT = "AGENT"
    NETWORK = "NETWORK"
    SPEED = "SPEED"
    BURST = "BURST"


class TouchKind(StrEnum):
    """What a mail's visitor did."""

    OPEN = "OPEN"
    CLICK = "CLICK"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for something of a mail, as far as it tells a machine: `headers` with names in lower case."""

    at: datetime
    method: str
    headers: Mapping[str, str]
    address: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole of machines.toml."""

    soonest: Mapping[TouchKind, timedelta]
    burst_links: int
    burst_window: timedelta
    exact_agents: frozenset[str]
    agent_words: Sequence[str]
    people: Sequence[str]
    headers: Mapping[str, Sequence[str]]
    networks: Sequence[IPv4Network | IPv6Network]


@cache
def rules() -> Rules:
    """What machines.toml says. Raises ValueError when it does not hold together."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Rules:
    """The rules in a TOML document of the shape of machines.toml; ValueError says what does not hold."""
    data = tomllib.loads(text)
    speed, agents, headers, networks = (_section(data, name) for name in ("speed", "agents", "headers", "networks"))
    return Rules(
        soonest={kind: timedelta(seconds=_number(speed, kind.lower())) for kind in TouchKind},
        burst_links=_whole(speed, "burst_links"),
        burst_window=timedelta(seconds=_number(speed, "burst_seconds")),
        exact_agents=frozenset(_texts(agents, "exact")),
        agent_words=_texts(agents, "words"),
        people=_texts(agents, "people"),
        headers={name: _texts(headers, name) for name in headers},
        networks=tuple(ip_network(network) for network in _texts(networks, "known")),
    )


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name)
    if not isinstance(section, dict):
        raise ValueError(f"[{name}] is needed, a section")  # noqa: TRY004 - whoever reads it catches one kind
    return section


def _number(section: Mapping[str, Any], name: str) -> float:
    """A number that can be reckoned with, as seconds too, which neither `nan` nor `true` can."""
    number = section.get(name)
    if not isinstance(number, int | float) or isinstance(number, bool) or not 0 <= number <= DAY:
        raise ValueError(f"{name} is needed, a number from 0 to {DAY}")
    return number


def _whole(section: Mapping[str, Any], name: str) -> int:
    number = _number(section, name)
    if not isinstance(number, int):
        raise ValueError(f"{name} is a whole number")  # noqa: TRY004 - as above
    return number


def _texts(section: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts. One text alone would be read as a list of its letters."""
    texts = section.get(name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} is needed, a list of texts")
    return tuple(texts)


def judge(kind: TouchKind, visit: Visit, sent_at: datetime | None, known: Rules) -> Sign | None:
    """What gives this visit away as a machine's; None for a person's. `sent_at` is when the mail had gone out."""
    if visit.method != "GET":
        return Sign.METHOD
    if any(_says(visit.headers.get(name, ""), words) for name, words in known.headers.items()):
        return Sign.HEADER
    if _is_machine_agent(visit.headers.get("user-agent", "").strip(), known):
        return Sign.AGENT
    if _is_in(visit.address, known.networks):
        return Sign.NETWORK
    if sent_at is not None and visit.at - sent_at < known.soonest[kind]:
        return Sign.SPEED
    return None


def is_burst(others: int, known: Rules) -> bool:
    """Whether a click is one of too many, when `others` links of the same mail were followed just before it."""
    return others + 1 >= known.burst_links


def _is_machine_agent(agent: str, known: Rules) -> bool:
    if agent in known.exact_agents:
        return True
    return not _says(agent, known.people) and _says(agent, known.agent_words)


def _says(text: str, words: Sequence[str]) -> bool:
    lower = text.lower()
    return any(word in lower for word in words)


def _is_in(address: str | None, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if address is None:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # Whoever listens to both families at once writes 203.0.113.7 as ::ffff:203.0.113.7.
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
