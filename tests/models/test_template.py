"""The shipped templates: complete, readable, right in number, and short enough, in every language."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from babel import Locale

from models import template, words
from models.condition import SegmentPreset
from models.content import Frame, fill, localise, validate
from models.content.pattern import Choice, arguments
from models.content.pattern_reader import parse
from models.content.variable import VARIABLES, Value
from models.language import canonical
from models.scenario import SCENARIOS, Destination

LANGUAGES = [language.tag for language in template.languages()]
ONE_TIME = [code for code, scenario in SCENARIOS.items() if not scenario.automated]
AUTOMATED = [code for code, scenario in SCENARIOS.items() if scenario.automated]
LINKS = {"link": "https://shop.example/l/", "unsubscribeUrl": "https://shop.example/u"}

SCRIPT = {"ar": "ARABIC", "th": "THAI", "ja": "HIRAGANA"}
"""A word of a letter's Unicode name that a text in this language must have; others are Latin."""


def sample(**values: Value | None) -> dict[str, Value | None]:
    return {name: variable.sample for name, variable in VARIABLES.items() if not variable.asks} | values


def said(code: str, language: str, **values: Any) -> str:
    localised = localise(template.content_of(code), channel="CHAT", language=language, constants={})
    return fill(localised, sample(**values)).text


def test_the_product_s_languages_and_scenarios_are_all_there() -> None:
    assert LANGUAGES == ["ar", "de", "en", "es", "fil", "fr", "id", "ja", "ms", "pt", "th", "vi"]
    assert len(ONE_TIME) == 9
    assert len(AUTOMATED) == 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_says_its_language_and_has_exactly_the_same_texts_as_all(language: str) -> None:
    file = words.files()[language]
    assert canonical(language) == language
    assert set(file) == {
        "language",
        "name",
        "reviewed_by_native_speaker",
        "email",
        "unsubscribe",
        "link",
        "button",
        "preset",
        "advice",
        "scenario",
    }
    assert set(file["email"]) == {"why", "unsubscribe"}
    said = {name: re.findall(r"{.*?}", text) for name, text in file["unsubscribe"].items()}
    assert said == {"question": ["{shop}"], "done": ["{shop}"], "late": []}
    assert list(file["link"]) == ["invalid", "gone", "later"]
    assert not any(re.search(r"[{}]", text) for text in file["link"].values())
    assert set(file["button"]) == set(Destination)
    assert list(file["preset"]) == list(SegmentPreset)
    assert len(set(file["preset"].values())) == len(SegmentPreset)
    assert re.findall(r"{.*?}", file["advice"]["FEW_CONDITIONS"]) == ["{least}", "{number}"]
    assert list(file["scenario"]) == list(SCENARIOS)
    for code, texts in file["scenario"].items():
        fields = {"title", "text"} if SCENARIOS[code].automated else {"title", "text", "subject", "preheader"}
        assert set(texts) == fields
        assert all(text.strip() for text in texts.values())


@pytest.mark.parametrize("code", SCENARIOS)
def test_every_template_can_be_submitted_as_it_is(code: str) -> None:
    channel = "CHAT" if SCENARIOS[code].automated else "CHAT_THEN_EMAIL"
    variables = SCENARIOS[code].variables
    assert validate(template.content_of(code), channel=channel, default_language="en", variables=variables) == []


@pytest.mark.parametrize("code", SCENARIOS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_speaks_of_the_same_things_as_the_english_text(language: str, code: str) -> None:
    for field in ("text", "subject", "preheader"):
        pattern, english = (getattr(template.template(code, tag), field) for tag in (language, "en"))
        spoken, original = ({part.name for part in arguments(parse(text or ""))} for text in (pattern, english))
        assert spoken == original, field


@pytest.mark.parametrize("code", SCENARIOS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_from_one_on_has_its_plural_form(language: str, code: str) -> None:
    forms = {Locale.parse(language).plural_form(count) for count in range(1, 201)}
    for part in arguments(parse(template.template(code, language).text)):
        if isinstance(part, Choice) and part.kind == "plural":
            keys = {key for key, _ in part.branches}
            assert forms <= keys
            assert keys <= forms | {"=1", "other"}


@pytest.mark.parametrize("code", ["PRICE_DROP", "ABANDONED_CART", "INCOMPLETE_CHECKOUT"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_more_than_one_product_is_counted_and_one_is_named(language: str, code: str) -> None:
    assert "Rose hand cream" in said(code, language, productCount=1)
    assert not re.search(r"\d", said(code, language, productCount=1, coupon=None))
    for count in range(2, 31):
        text = said(code, language, productCount=count, coupon=None)
        assert (str(count) in text) != (language == "ar" and count == 2)


@pytest.mark.parametrize("code", SCENARIOS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["Ana", None])
@pytest.mark.parametrize("coupon", ["10%", None])
def test_a_filled_text_is_whole(language: str, code: str, name: str | None, coupon: str | None) -> None:
    text = said(code, language, name=name, coupon=coupon)
    assert ("Ana" in text) == (name is not None)
    assert ("10%" in text) == (
        coupon is not None and code not in {"ASK_FOR_REVIEWS", "LIVE_REMINDER", "ORDER_CONFIRMATION"}
    )
    assert not re.search(r"[{}#]|  | [.,!?](?!\u00a0)|\.\.|\n{3}|^\s|\s$", text)
    assert len(text) <= (400 if code in ONE_TIME else 300)


@pytest.mark.parametrize("code", ONE_TIME)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_fits_a_phone_s_screen(language: str, code: str) -> None:
    localised = localise(
        template.content_of(code),
        channel="EMAIL", language=language, constants={"shop": "Bloom"}, frame=Frame("Bloom"),
    )  # fmt: skip
    filled = fill(localised, {**sample(), **LINKS})
    assert filled.subject is not None
    assert filled.preheader is not None
    assert width(filled.subject) <= 60
    assert width(filled.preheader) <= 90
    assert filled.subject != filled.preheader


def width(text: str) -> int:
    """Columns: wide characters take two, marks above and below none."""
    return sum(
        0 if unicodedata.category(c) == "Mn" else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_is_written_in_its_own_language(language: str) -> None:
    script = SCRIPT.get(language, "LATIN")
    english = {template.template(code, "en").text for code in SCENARIOS}
    for code in SCENARIOS:
        found = template.template(code, language)
        plain = "".join(part for part in parse(found.text) if isinstance(part, str))
        letters = [letter for letter in plain.replace("LIVE", "") if letter.isalpha()]
        own = [
            letter
            for letter in letters
            if script in unicodedata.name(letter) or (language == "ja" and letter >= "\u3000")
        ]
        assert len(own) > 0.85 * len(letters)
        assert language == "en" or found.text not in english
        assert len(found.title) <= 50


def sentences(words: Any) -> Iterator[str]:
    """Every text below a part of a language file."""
    for value in words.values():
        if isinstance(value, dict):
            yield from sentences(value)
        elif isinstance(value, str):
            yield value


@pytest.mark.parametrize("language", LANGUAGES)
def test_typography_follows_the_language(language: str) -> None:
    for text in sentences(words.files()[language]):
        assert unicodedata.normalize("NFC", text) == text
        plain = "".join(part for part in parse(text) if isinstance(part, str))
        if language == "fr":
            assert not re.search(r"(?<!\u00a0)[!?:;](?!\w)", plain)
            assert "'" not in text
        if language == "es":
            assert text.count("!") == text.count("¡")
            assert text.count("?") == text.count("¿")
            assert not re.search(r"(?<![¡¿])\b(Cuánt[oa]s?|Qué|Cómo|Cuándo|Dónde|Quién)\b", text)
        if language == "ar":
            assert not re.search(r"[\u0600-\u06ff][,?;]", text)
        if language == "ja":
            assert not re.search(r"[,.!?;]", plain)


def test_a_template_in_another_language_falls_back_by_the_rule() -> None:
    assert template.template("WIN_BACK", "pt-BR").language.tag == "pt"
    assert template.template("WIN_BACK", "es-MX").language.tag == "es"
    assert template.template("WIN_BACK", "zh-TW").language.tag == "en"
    assert words.button_label(Destination.CART, "de-AT") == "Zum Warenkorb"
    assert words.email_words("ko").language == "en"
    with pytest.raises(KeyError):
        template.template("SPAM", "en")


def test_templates_say_whether_a_native_speaker_has_read_them() -> None:
    assert {language.tag for language in template.languages() if language.reviewed_by_native_speaker} == set()
