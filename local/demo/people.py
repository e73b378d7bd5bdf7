"""The demo's customers: names in their own scripts, languages, places, addresses; told by number alone."""

import json
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for examples (RFC 2606 §3): mail to them reaches nobody."""

WORLDWIDE = 5000
"""People up to this number come from everywhere; those after it mostly from Japan."""

EMOJI = ("🌸", "✨", "🦋", "🐈‍⬛", "🌶️", "💅🏽", "🧵", "☕️")
OLDEST_BIRTH = date(1950, 1, 1)
BIRTH_DAYS = 21_000


@dataclass(frozen=True, slots=True)
class Locale:
    """One language's names, tags and places; `share` and every weight are relative."""

    share: int
    languages: dict[str, int]
    family_first: bool
    given: dict[str, list[tuple[str, str]]]
    family: list[tuple[str, str]]
    places: list[tuple[str, str]]
    place_weights: list[int]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as all shops know them; None is what they never told."""

    number: int
    name: str | None
    email: str | None
    language: str | None
    time_zone: str | None
    country: str | None
    region: str | None
    gender: str | None
    birth_date: date | None

    @property
    def external_id(self) -> str:
        """Their id in the marketplace's own system."""
        return f"customer-{self.number:05d}"


def person_of(number: int) -> Person:
    """The person with this number, always the same."""
    random = Random(f"rekindle demo person {number}")
    shares = {name: locale.share for name, locale in _locales().items()}
    if number > WORLDWIDE:
        shares["ja"] *= 40
    locale = _locales()[_chosen(random, shares)]
    gender = random.choice(("FEMALE", "FEMALE", "FEMALE", "MALE", "MALE"))
    given, family = random.choice(locale.given[gender]), random.choice(locale.family)
    region, time_zone = random.choices(locale.places, locale.place_weights)[0]
    language = _chosen(random, locale.languages)
    born = OLDEST_BIRTH + timedelta(days=int(BIRTH_DAYS * random.betavariate(5, 2.5)))
    return Person(
        number=number,
        name=_decorated(random, given[0], family[0], family_first=locale.family_first),
        email=_address(random, number, given[1], family[1]) if random.random() < 0.7 else None,
        language=language if random.random() < 0.993 else None,
        time_zone=time_zone if random.random() < 0.97 else None,
        country=region.partition("-")[0],
        region=region if random.random() < 0.96 else None,
        gender=_told_gender(random, gender),
        birth_date=born if random.random() < 0.8 else None,
    )


@cache
def _locales() -> dict[str, Locale]:
    """The tables of `people.json`."""
    tables = json.loads(Path(__file__).with_name("people.json").read_text("utf-8"))
    return {name: _locale(table) for name, table in tables.items()}


def _locale(table: dict[str, Any]) -> Locale:
    """One locale: `native|latin` names split at spaces (· stands for a space), places `region zone weight`."""
    places = [place.split(" ") for place in table["places"]]
    return Locale(
        share=table["share"],
        languages=table["languages"],
        family_first=table["order"] == "family given",
        given={gender: _names(table[gender.lower()]) for gender in ("FEMALE", "MALE")},
        family=_names(table["family"]),
        places=[(region, zone) for region, zone, _ in places],
        place_weights=[int(weight) for *_, weight in places],
    )


def _names(words: str) -> list[tuple[str, str]]:
    """Pairs of a name as written and as it looks in an address."""
    pairs = (word.replace("·", " ").partition("|") for word in words.split())
    return [(native, _ascii(latin or native)) for native, _, latin in pairs]


def _ascii(name: str) -> str:
    """Letters a-z only: marks and signs dropped."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in plain if "a" <= letter <= "z")


def _decorated(random: Random, given: str, family: str, *, family_first: bool) -> str | None:
    """The name as its owner typed it: mostly plain, at times a nickname in quotes, an emoji, or nothing."""
    chance = random.random()
    if chance < 0.008:
        return None
    if chance < 0.02:
        return f'{given} "{given[:2]}" {family}'
    if chance < 0.045:
        return f"{given} {random.choice(EMOJI)}"
    return f"{family} {given}" if family_first else f"{given} {family}"


def _address(random: Random, number: int, given: str, family: str) -> str:
    """An e-mail address that nobody else in the demo has."""
    mark = random.choice(("", "", "", "+shop"))
    return f"{given}.{family}{number}{mark}@{random.choice(DOMAINS)}"


def _told_gender(random: Random, gender: str) -> str | None:
    """Most tell it, some choose OTHER, some leave it open."""
    chance = random.random()
    return None if chance < 0.1 else "OTHER" if chance < 0.12 else gender


def _chosen(random: Random, weights: dict[str, int]) -> str:
    """One key, as often as its weight says."""
    return random.choices(list(weights), list(weights.values()))[0]
