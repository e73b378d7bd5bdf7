"""GMV tiers: data in tiers.toml, which an operator may edit (R17)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

FILE = Path(__file__).with_name("tiers.toml")


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier, and how many one-time plans a week its shops may submit before rewards."""

    name: str
    basic: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The whole of tiers.toml. `bounds`: by currency, the least GMV (minor units) of each tier above the first."""

    tiers: tuple[Tier, ...]
    bounds: Mapping[str, Sequence[int]]
    window_days: int
    least_sent: int
    least_shops: int
    beaten_percent: int


@cache
def terms() -> Terms:
    """What tiers.toml says. Raises ValueError when it contradicts itself."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Terms:
    """The terms in a TOML document of the shape of tiers.toml; ValueError says what does not hold."""
    data = tomllib.loads(text)
    tiers = tuple(Tier(**tier) for tier in data["tiers"])
    bounds = {currency: tuple(least) for currency, least in data["bounds"].items()}
    if not tiers or len({tier.name for tier in tiers}) < len(tiers) or any(tier.basic < 0 for tier in tiers):
        raise ValueError("tiers: each needs its own name and a basic quota of 0 or more")
    for currency, least in bounds.items():
        if len(least) != len(tiers) - 1 or any(low >= high for low, high in pairwise(least)):
            raise ValueError(f"bounds.{currency}: {len(tiers) - 1} rising amounts are needed")
    return Terms(tiers, bounds, **data["rewards"])


def named(name: str) -> Tier | None:
    """The tier of this name, or None."""
    return next((tier for tier in terms().tiers if tier.name == name), None)


def tier_of(gmv: int | None, currency: str, written: str | None = None) -> Tier:
    """A shop's tier: as the platform wrote it, else by its GMV and the bounds of its currency.

    Without a GMV, or in a currency without bounds, it is the lowest one.
    """
    tiers = terms().tiers
    if written is not None and (known := named(written)) is not None:
        return known
    bounds = terms().bounds.get(currency, ()) if gmv is not None else ()
    return tiers[sum(least <= (gmv or 0) for least in bounds)]
