"""Languages: canonical BCP 47 tags, which text a customer reads (R14), and which way it runs."""

from collections.abc import Collection
from functools import lru_cache
from typing import Literal

from langcodes import Language, standardize_tag
from langcodes.tag_parser import LanguageTagError

from models.errors import ErrorCode, Refused, refuse

LONGEST = 35
"""Characters in the longest tag accepted (RFC 5646 §4.4.1 asks implementations for no less)."""

MOST_ACCEPTED = 20
"""How many languages of an Accept-Language header are looked at."""

_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})

# Bokmål is what "Norwegian" means on every phone that offers one Norwegian only.
_SAME_LANGUAGE = {"nb": "no"}

_RIGHT_TO_LEFT = frozenset(
    {"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"}
)


@lru_cache(maxsize=4096)
def canonical(tag: str) -> str:
    """The canonical form of a BCP 47 tag: "ZH_tw" → "zh-TW", "iw" → "he", "tl" → "fil".

    Raises Refused (UNKNOWN_LANGUAGE) for what names no language: "english", "xx", "und", "x-klingon".
    """
    if len(tag) > LONGEST:
        raise refuse(
            "language", f"a language tag has at most {LONGEST} characters, not {len(tag)}", ErrorCode.UNKNOWN_LANGUAGE
        )
    try:
        language = Language.get(tag.strip())
        known = language.is_valid() and bool(language.language) and language.language not in _NO_LANGUAGE
    except (LanguageTagError, ValueError):
        known = False
    if not known or (language.language or "").startswith("x-"):
        raise refuse(
            "language",
            f"{tag!r} is not a BCP 47 language tag such as en, id, es-MX or zh-Hant",
            ErrorCode.UNKNOWN_LANGUAGE,
        )
    return standardize_tag(tag.strip())


def _canonical_or_none(tag: str) -> str | None:
    try:
        return canonical(tag)
    except Refused:
        return None


@lru_cache(maxsize=4096)
def _identity(tag: str) -> tuple[str, str, str]:
    """Language, script and region of a canonical tag, the unsaid ones filled in by CLDR's likely subtags."""
    whole = Language.get(tag).prefer_macrolanguage().maximize()
    language = whole.language or "und"
    return _SAME_LANGUAGE.get(language, language), whole.script or "", whole.territory or ""


def _with_identity(identity: tuple[str, str, str], available: Collection[str]) -> str | None:
    """The available tag that says the same as `identity`; the most explicit one when several do."""
    same = [tag for tag in available if _identity(tag) == identity]
    return max(same, key=lambda tag: (len(tag), tag), default=None)


def _without_region(identity: tuple[str, str, str], available: Collection[str]) -> str | None:
    """The available tag of this language in this script that names no region, variant or extension."""
    same = [tag for tag in available if tag == _plain(tag) and _identity(tag)[:2] == identity[:2]]
    return max(same, key=lambda tag: (len(tag), tag), default=None)


@lru_cache(maxsize=4096)
def _plain(tag: str) -> str:
    """The tag with nothing but its language and script."""
    language = Language.get(tag)
    return Language.make(language=language.language, script=language.script).to_tag()


def choose(wanted: str | None, available: Collection[str], default: str) -> str:
    """Which of the `available` texts a customer whose app is set to `wanted` reads (R14).

    First the same language, script and region (zh-TW is zh-Hant-TW, whichever way it is written); then
    the language without region, or without script where the script stays the same (de-AT → de,
    zh-HK → zh-Hant, never zh); then `default`. All tags but `wanted` are canonical; a `wanted` that
    is no language tag at all counts as none.
    """
    tag = _canonical_or_none(wanted or "")
    if tag is None:
        return default
    if tag in available:
        return tag
    identity = _identity(tag)
    return _with_identity(identity, available) or _without_region(identity, available) or default


def direction(tag: str) -> Literal["ltr", "rtl"]:
    """Which way the language's script runs, as HTML's `dir` attribute wants it."""
    return "rtl" if _identity(tag)[1] in _RIGHT_TO_LEFT else "ltr"


def accepted(header: str | None) -> list[str]:
    """Canonical tags of an Accept-Language header (RFC 9110 §12.5.4), most wanted first.

    What cannot be read is left out: a browser's odd header must not cost it its answer.
    """
    weighted: list[tuple[float, str]] = []
    for item in (header or "")[:1000].split(",")[:MOST_ACCEPTED]:
        tag, _, parameter = item.partition(";")
        weight = _weight(parameter)
        if weight > 0 and (known := _canonical_or_none(tag)):
            weighted.append((weight, known))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def _weight(parameter: str) -> float:
    """The `q` of one Accept-Language item: 1 when absent, 0 when it cannot be read."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(float(value), 1.0) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0


def negotiate(header: str | None, available: Collection[str], default: str) -> str:
    """The language to answer a caller in: the first wanted one that R14 finds a text for, else `default`."""
    for tag in accepted(header):
        chosen = choose(tag, available, "")
        if chosen:
            return chosen
    return default
