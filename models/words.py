"""Words in every language there is, from data files that a translator can read and mend: one for each in models/templates/.

Beside the templates (models/template.py) they hold what a mail's frame, its buttons and the pages of its links say,
and what sellers read in their own language: the names of presets, and advice (R14).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.language import choose, negotiate

FOLDER = Path(__file__).parent / "templates"

FALLBACK = "en"
"""The language in which everything exists."""


@dataclass(frozen=True, slots=True)
class EmailWords:
    """What the email's frame says around a plan's own words, as ICU patterns with `{shop}`."""

    language: str
    why: str
    unsubscribe: str


@dataclass(frozen=True, slots=True)
class UnsubscribeWords:
    """What the page of an unsubscribe link says, as patterns with `{shop}`, and its button."""

    language: str
    question: str
    done: str
    late: str
    """That a mail which was just on its way may still arrive."""
    button: str


@dataclass(frozen=True, slots=True)
class LinkWords:
    """What the page of a mail's link says where it does not lead on."""

    language: str
    invalid: str
    gone: str
    """That what it led to is not there any more."""
    later: str
    """That it cannot be followed just now."""


@cache
def files() -> Mapping[str, Mapping[str, Any]]:
    """Every language file, by its tag."""
    found = (tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml")))
    return {file["language"]: file for file in found}


def nearest(language: str) -> Mapping[str, Any]:
    """The file that R14 chooses for `language`."""
    return files()[choose(language, files().keys(), FALLBACK)]


@cache
def email_words(language: str) -> EmailWords:
    """The frame's words for a text in `language`: its own, or those of the nearest language there is (R14)."""
    file = nearest(language)
    return EmailWords(language=file["language"], **file["email"])


@cache
def unsubscribe_words(language: str) -> UnsubscribeWords:
    """The words of an unsubscribe link's page, in the language R14 chooses for `language`."""
    file = nearest(language)
    return UnsubscribeWords(language=file["language"], button=file["email"]["unsubscribe"], **file["unsubscribe"])


@cache
def link_words(language: str) -> LinkWords:
    """The words of a link that does not lead on, in the language R14 chooses for `language`."""
    file = nearest(language)
    return LinkWords(language=file["language"], **file["link"])


def button_label(destination: str, language: str) -> str:
    """What a button that leads there says, in the language R14 chooses for `language`."""
    label: str = nearest(language)["button"][destination]
    return label


def preset_name(code: str, language: str) -> str:
    """What a preset segment is called, in the language R14 chooses for `language`."""
    name: str = nearest(language)["preset"][code]
    return name


def advice(code: str, language: str, **values: int) -> str:
    """A piece of advice with its numbers, in the language R14 chooses for `language`."""
    pattern: str = nearest(language)["advice"][code]
    return pattern.format(**values)


def language_of_caller(accept_language: str | None) -> str:
    """The language to answer a seller in: the first of an Accept-Language header that R14 finds texts for."""
    return negotiate(accept_language, files().keys(), FALLBACK)
