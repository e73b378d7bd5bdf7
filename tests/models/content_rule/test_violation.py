"""R13 over a plan's whole content: every language, every field, after variables are filled."""

import asyncio
from typing import Any

import pytest

from models import template
from models.content_rule import WayOut
from models.content_rule import violation as content_rule
from models.content_rule.violation import Violation
from models.errors import ErrorCode
from models.scenario import SCENARIOS

SHOP = {"shop": "Bloom"}


def texts(**languages: Any) -> dict[str, Any]:
    return {"texts": {tag: text if isinstance(text, dict) else {"text": text} for tag, text in languages.items()}}


def test_every_language_and_field_is_looked_at() -> None:
    content = texts(
        en={"text": "Hi {name}", "subject": "bloom.com inside"},
        id={"text": "WA: tokobloom", "preheader": "0812-3456-7890"},
    )
    assert content_rule.violations(content, SHOP) == [
        Violation(("texts", "en", "subject"), WayOut.LINK, "bloom.com"),
        Violation(("texts", "id", "text"), WayOut.MESSENGER, "WA: tokobloom"),
        Violation(("texts", "id", "preheader"), WayOut.PHONE, "0812-3456-7890"),
    ]


def test_a_way_out_may_arise_only_when_variables_are_filled() -> None:
    assert content_rule.violations(texts(en="Go to {shop}.com"), SHOP) == [
        Violation(("texts", "en", "text"), WayOut.LINK, "Bloom.com")
    ]
    assert content_rule.violations(texts(en="New at {shop}"), {"shop": "bloom.shop"}) == [
        Violation(("texts", "en", "text"), WayOut.LINK, "bloom.shop")
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        "bloom{hasName, select, yes {.com} other {}}",
        "bloom{hasName, select, yes {} other {.com}}",
        "bloom{hasCoupon, select, yes {.com} other {}}",
        "bloom{productCount, plural, one {.com} other {s}}",
        "bloom{productCount, plural, one {s} other {.com}}",
    ],
)
def test_no_branch_hides_a_way_out(pattern: str) -> None:
    found = content_rule.violations(texts(en=f"See {pattern}"), SHOP)
    assert [violation.way for violation in found] == [WayOut.LINK]


@pytest.mark.parametrize(
    ("language", "pattern"),
    [
        ("en", "bloom{productCount, plural, =3 {.com} other {s}}"),
        ("en", "bloom{productCount, plural, =1234 {.com} other {s}}"),
        ("en", "bloom{productCount, plural, offset:2 one {.com} other {s}}"),
        ("en", "bloom{productCount, plural, =4 {{productCount, selectordinal, other {.com}}} other {s}}"),
        ("en", "bloom{productCount, selectordinal, few {.com} other {s}}"),
        ("sl", "bloom{productCount, plural, few {.com} other {s}}"),
        ("ar", "bloom{productCount, plural, one {s} two {s} few {s} many {s} other {.com}}"),
        ("it", "bloom{productCount, selectordinal, many {.com} other {s}}"),
    ],
)
def test_no_number_of_products_hides_a_way_out(language: str, pattern: str) -> None:
    found = content_rule.violations(texts(**{language: f"See {pattern}"}), SHOP)
    assert [violation.way for violation in found] == [WayOut.LINK]


async def test_a_violation_tells_the_seller_the_words_the_rule_and_what_is_allowed() -> None:
    (problem,) = await content_rule.problems(texts(en="Call 0812-3456-7890"), SHOP)
    assert problem.field == ("texts", "en", "text")
    assert problem.code == ErrorCode.FORBIDDEN_CONTENT
    assert problem.rule == "R13"
    assert problem.message.startswith("“0812-3456-7890” is a phone number.")


async def test_others_have_their_turns_while_the_texts_of_a_content_are_looked_at() -> None:
    """Many long texts, each filled in dozens of ways, take seconds."""
    content = texts(en="{name}{productCount, plural, =30 {a} =31 {b} other {c}}", es="{name}")
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(another())
    await content_rule.problems(content, SHOP)
    beside.cancel()

    assert turns >= len(["with a name", "without"] * (len(["a", "b", "c"]) + len(["es"])))


def test_a_text_that_is_too_long_is_left_to_its_own_check() -> None:
    assert content_rule.violations(texts(en="x" * 5_000 + " bloom.com"), SHOP) == []


def test_a_text_that_words_too_many_numbers_is_left_to_its_own_check() -> None:
    ways = " ".join(f"={number} {{bloom.com}}" for number in range(30, 60))

    assert content_rule.violations(texts(en=f"{{productCount, plural, {ways} other {{x}}}}"), SHOP) == []


def test_the_same_words_are_told_once_per_field() -> None:
    content = texts(
        en="{hasName, select, yes {Hi {name}} other {Hi}} bloom.com, bloom.com {hasCoupon, select, yes {a} other {b}}"
    )
    assert len(content_rule.violations(content, SHOP)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"texts": None},
        {"texts": []},
        {"texts": {"en": None}},
        {"texts": {"en": {"text": 3}}},
        {"texts": {"en": {"text": "bloom.com {"}}},
        {"texts": {"en": {"text": "{nmae} bloom.com"}}},
    ],
)
def test_content_that_cannot_be_read_is_left_to_its_own_check(odd: dict[str, Any]) -> None:
    assert content_rule.violations(odd, SHOP) == []


@pytest.mark.parametrize("code", SCENARIOS)
def test_the_shipped_templates_keep_the_rules(code: str) -> None:
    assert content_rule.violations(template.content_of(code), SHOP) == []
