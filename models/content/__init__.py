"""What a plan says: one text per language, checked before it is submitted and filled per recipient (R13, R14).

Content is JSON: `{"texts": {"en": {"text": "Hi {name}", "subject": "…", "preheader": "…"}, "id": {…}}}`.
Texts are ICU MessageFormat; subject and preheader are for email.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.content.binding import bind, sources
from models.content.check import validate
from models.content.form import Form, form, isolated, no_value
from models.content.layout import Frame, html_pattern, text_pattern
from models.content.pattern import pattern_of
from models.content.pattern_reader import parse
from models.content.variable import VARIABLES, TextVariableKind, Value, cleaned, of_recipient
from models.errors import ErrorCode, refuse
from models.language import canonical

__all__ = ["Filled", "Frame", "Localised", "fill", "localise", "normalised", "validate"]


@dataclass(frozen=True)
class Localised:
    """One plan's message for one channel in one language: ICU patterns, in `html` around HTML.

    `variables` are those that differ per recipient and must be frozen with the message ("name");
    what all recipients share has been written in.
    """

    channel: str
    language: str
    subject: str | None
    preheader: str | None
    text: str
    html: str | None
    variables: tuple[str, ...]

    @cached_property
    def forms(self) -> tuple[Form | None, Form | None, Form, Form | None]:
        """Subject, preheader, text and HTML, ready to fill."""
        subject, preheader, text, html = (
            form(pattern, self.language) if pattern is not None else None
            for pattern in (self.subject, self.preheader, self.text, self.html)
        )
        assert text is not None
        return subject, preheader, text, html


@dataclass(frozen=True, slots=True)
class Filled:
    """A message as one customer gets it."""

    subject: str | None
    preheader: str | None
    text: str
    html: str | None


def normalised(content: Mapping[str, Any]) -> dict[str, Any]:
    """Valid content as it is stored: canonical tags, Unicode NFC, one kind of line end, nothing blank around."""
    texts = {canonical(tag): _tidy(text) for tag, text in content["texts"].items()}
    return {**content, "texts": texts}


def _tidy(text: Mapping[str, str | None]) -> dict[str, str]:
    tidy = {
        field: unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip()
        for field, value in text.items()
        if value is not None
    }
    return {field: value for field, value in tidy.items() if value}


def localise(
    content: Mapping[str, Any],
    *,
    channel: str,
    language: str,
    constants: Mapping[str, Value],
    frame: Frame | None = None,
) -> Localised:
    """The message for one channel ("CHAT" or "EMAIL") in one of the content's languages.

    `constants` (the shop, the plan's products and coupon) are written in; an optional one without a
    value is given as "". EMAIL needs a `frame`. Raises Refused when the language has no text, or an empty one.
    """
    bound = _bound(_texts(content, language), language, cleaned(constants))
    subject, preheader, text, html = bound.get("subject"), bound.get("preheader"), bound["text"], None
    if channel == "EMAIL":
        if frame is None or subject is None:
            raise refuse(f"texts.{language}.subject", "an email needs a subject", ErrorCode.MISSING_CONTENT)
        html = html_pattern(text, frame, language=language, subject=subject, preheader=preheader)
        text = text_pattern(text, frame, language=language)
    else:
        subject = preheader = None
    return Localised(channel, language, subject, preheader, text, html, _variables(subject, preheader, text, html))


def _texts(content: Mapping[str, Any], language: str) -> Mapping[str, str]:
    """What the content says in a language. Raises Refused."""
    texts: Mapping[str, str] | None = content["texts"].get(language)
    if texts is None:
        raise refuse(f"texts.{language}", f"there is no text in {language}", ErrorCode.MISSING_CONTENT)
    if not texts.get("text"):
        raise refuse(f"texts.{language}.text", f"the text in {language} is empty", ErrorCode.MISSING_CONTENT)
    return texts


def _bound(texts: Mapping[str, str], language: str, constants: Mapping[str, Value]) -> dict[str, str]:
    """The patterns of text, subject and preheader with the constants written in; a subject shows them as they are."""
    shown = isolated(constants, language)
    return {
        field: pattern_of(bind(parse(pattern), language, constants if field == "subject" else shown))
        for field, pattern in texts.items()
        if pattern
    }


def _variables(*patterns: str | None) -> tuple[str, ...]:
    """What must be known of each recipient, links aside."""
    needed = {name for pattern in patterns if pattern for name in sources(parse(pattern))}
    return tuple(sorted(name for name in needed if VARIABLES[name].kind is not TextVariableKind.LINK))


def fill(localised: Localised, values: Mapping[str, Value | None]) -> Filled:
    """The message for one recipient, who may have no `name` and no `coupon`.

    Raises Refused (MISSING_CONTENT) when another variable has no value.
    """
    known = of_recipient(values)
    shown = isolated(known, localised.language)
    subject, preheader, text, html = localised.forms
    try:
        return Filled(
            subject=subject.write(known) if subject else None,
            preheader=preheader.write(shown) if preheader else None,
            text=text.write(shown),
            html=html.write_html(shown) if html else None,
        )
    except KeyError as missing:
        raise no_value(missing) from None
