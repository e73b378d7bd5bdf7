"""Ready-made texts for every scenario (R8, R9), in the languages there are (models/words.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from models.scenario import SCENARIOS
from models.words import files, nearest


@dataclass(frozen=True, slots=True)
class TemplateLanguage:
    """A language that templates exist in, its own name for itself, and whether a native speaker has read them."""

    tag: str
    name: str
    reviewed_by_native_speaker: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A scenario's text in one language: ICU patterns, its title for sellers, and its button's words."""

    code: str
    language: TemplateLanguage
    title: str
    text: str
    subject: str | None
    preheader: str | None
    button: str


@cache
def languages() -> tuple[TemplateLanguage, ...]:
    """The languages that templates exist in, by tag."""
    return tuple(_language(file) for file in files().values())


def _language(file: Mapping[str, Any]) -> TemplateLanguage:
    return TemplateLanguage(file["language"], file["name"], file["reviewed_by_native_speaker"])


@cache
def template(code: str, language: str) -> Template:
    """The template of a scenario, in the language R14 chooses for `language`. Raises KeyError for an unknown code."""
    scenario = SCENARIOS[code]
    file = nearest(language)
    texts = file["scenario"][code]
    return Template(
        code=code,
        language=_language(file),
        title=texts["title"],
        text=texts["text"].strip(),
        subject=texts.get("subject"),
        preheader=texts.get("preheader"),
        button=file["button"][scenario.destination],
    )


def content_of(code: str) -> dict[str, Any]:
    """A plan's content from a template: its text in every language there is (B5)."""
    texts = {}
    for language in languages():
        found = template(code, language.tag)
        fields = {"text": found.text, "subject": found.subject, "preheader": found.preheader}
        texts[language.tag] = {field: value for field, value in fields.items() if value}
    return {"texts": texts}
