"""Text as a reader sees it: disguised letters and digits undone, each still knowing where it stood.

Sellers who want to lead customers away write `ｂｌｏｏｍ．ｃｏｍ`, `b l o o m . c o m` or Cyrillic letters that
look Latin. The rules read this plain form; what they find is reported as it was written.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_INVISIBLE = frozenset({"\ufe0e", "\ufe0f", "\u20e3", "\u034f", "\u115f", "\u1160", "\u3164", "\u2800"})

# Cyrillic and Greek letters that look like Latin ones (Unicode UTS #39, the everyday part of it).
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝѵАВЕКМНОРСТУХІЈЅҺԌԚԜӏοαεινρτυχκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwvABEKMHOPCTYXIJSHGQWloaeivptuxkABEZHIKMNOPTYX",
)
# White letters on a black ground (🅐, 🅰), which NFKC leaves as they are.
_ON_BLACK = str.maketrans({first + place: 65 + place for first in (0x1F150, 0x1F170) for place in range(26)})
_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[A-Za-z]")
_LATIN_END = "\u0250"
_NOT_LATIN = frozenset({"ευ", "ком", "мон", "москва", "рус", "укр"})
"""Words that could be read as Latin, in small letters or in capitals, and are not: endings of the root zone."""
_SPELLED = re.compile(r"(?<!\S)\S(?: \S){5,}(?!\S)")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without disguise; `places[i]` is where its character i stood in the original."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end] stood in the original."""
        return self.places[start], self.places[end - 1] + 1


def plain(text: str) -> Plain:
    """Compatibility forms folded (NFKC), any script's digits as 0–9, invisible characters and spelled spaces gone."""
    if text.isascii() and not _SPELLED.search(text):
        return Plain(text, tuple(range(len(text))))
    pairs = [(seen, place) for place, character in enumerate(text) for seen in _seen(character)]
    shown = _unspelled(_unlike("".join(seen for seen, _ in pairs)))
    kept = [(seen, place) for seen, (_, place) in zip(shown, pairs, strict=True) if seen]
    return Plain("".join(seen for seen, _ in kept), tuple(place for _, place in kept))


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not any(_seen(character).strip() for character in text)


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    if character in _INVISIBLE or unicodedata.category(character) == "Cf":
        return ""
    return "".join(_digit(folded) for folded in unicodedata.normalize("NFKC", character.translate(_ON_BLACK)))


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _unlike(text: str) -> str:
    """Look-alikes made Latin beside Latin letters, in words that can be read so: real Russian and Greek stay as they are."""
    return _TOKEN.sub(
        lambda token: _WORD.sub(_latin, token.group()) if _LATIN.search(token.group()) else token.group(), text
    )


def _latin(word: re.Match[str]) -> str:
    """The word in Latin letters, if each of its letters is one or looks like one; the "рф" of bloom.рф does not."""
    seen = word.group().translate(_LOOK_ALIKE)
    is_latin = all(character < _LATIN_END for character in seen) and word.group().lower() not in _NOT_LATIN
    return seen if is_latin else word.group()


def _unspelled(text: str) -> list[str]:
    """The characters, with "" for the spaces of s p e l l e d words."""
    characters = list(text)
    for run in _SPELLED.finditer(text):
        for index in range(run.start() + 1, run.end(), 2):
            characters[index] = ""
    return characters
