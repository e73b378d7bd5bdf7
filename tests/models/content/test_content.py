"""What a plan says: checked as a whole, filled per recipient, safe wherever it is shown (R13, R14)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.content import Filled, Frame, fill, localise, normalised, validate
from models.content.layout import Button, ProductCard
from models.errors import ErrorCode, Refused

ALL = frozenset({"name", "hasName", "shop", "product", "productCount", "coupon", "hasCoupon"})
LINKS = {"link": "https://shop.example/l/abc/", "unsubscribeUrl": "https://shop.example/u?t=a&b=c"}


def content(text: str, language: str = "en", **fields: str) -> dict[str, Any]:
    return {"texts": {language: {"text": text, **fields}}}


def numbered(branches: int) -> str:
    """A text with words of their own for so many numbers of products, from 30 on."""
    return (
        f"{{productCount, plural, {' '.join(f'={30 + place} {{{place}}}' for place in range(branches))} other {{s}}}}"
    )


def said(text: str, language: str = "en", **values: Any) -> str:
    constants = {name: values.pop(name) for name in list(values) if name in {"shop", "productCount", "coupon"}}
    return fill(localise(content(text, language), channel="CHAT", language=language, constants=constants), values).text


def email(text: str, language: str = "en", frame: Frame | None = None, **values: Any) -> Filled:
    localised = localise(
        content(text, language, subject=values.pop("subject", "News"), preheader=values.pop("preheader", "")),
        channel="EMAIL",
        language=language,
        constants={"shop": "Bloom"},
        frame=frame or Frame("Bloom"),
    )
    return fill(localised, {**LINKS, **values})


def paths(problems: list[Any]) -> list[tuple[str, ErrorCode]]:
    return [(".".join(problem.field), problem.code) for problem in problems]


def test_complete_content_has_no_problems() -> None:
    texts = {
        "en": {"text": "Hi {name}!\n\nNew at {shop}.", "subject": "{name}, look", "preheader": "New in"},
        "ar": {"text": "مرحبًا {name}!", "subject": "جديد", "preheader": None},
    }
    assert validate({"texts": texts}, channel="CHAT_THEN_EMAIL", default_language="en") == []


def test_a_missing_default_text_and_missing_subjects_are_named() -> None:
    texts = {"id": {"text": "Halo", "subject": "Baru"}, "vi": {"text": " "}}
    problems = validate({"texts": texts}, channel="EMAIL", default_language="en")
    missing = ErrorCode.MISSING_CONTENT
    assert paths(problems) == [("texts.en", missing), ("texts.vi.text", missing), ("texts.vi.subject", missing)]


def test_a_chat_needs_no_subject() -> None:
    assert validate(content("Hi"), channel="CHAT", default_language="en") == []


def test_a_draft_may_be_incomplete_but_not_wrong() -> None:
    assert validate({}, channel="EMAIL", default_language="en", complete=False) == []
    assert validate({"texts": {"id": {}}}, channel="EMAIL", default_language="en", complete=False) == []
    problems = validate(content("Hi {nmae}"), channel="EMAIL", default_language="en", complete=False)
    assert paths(problems) == [("texts.en.text", ErrorCode.UNKNOWN_VARIABLE)]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("Hi {nmae}", ErrorCode.UNKNOWN_VARIABLE, "at character 4: {nmae} is no variable of this plan"),
        ("Go to {link}", ErrorCode.UNKNOWN_VARIABLE, "{link} is no variable"),
        ("{hasName, select, yes {{price}} other {}}!", ErrorCode.UNKNOWN_VARIABLE, "at character 24"),
        ("Hi {name", ErrorCode.INVALID, "at character 4 (“{name”): this '{' is never closed"),
        ("Hi {name} :}", ErrorCode.INVALID, "at character 12"),
        ("{hasName}", ErrorCode.INVALID, "never shown"),
        ("{name, select, other {}}!", ErrorCode.INVALID, "{name} cannot decide a select"),
        ("{name, plural, other {}}!", ErrorCode.INVALID, "{name} cannot decide a plural"),
        ("{productCount, select, other {}}!", ErrorCode.INVALID, "{productCount} cannot decide a select"),
        ("{hasName, select, ja {} other {}}!", ErrorCode.INVALID, "never 'ja'"),
        ("Now {coupon} off", ErrorCode.INVALID, "{coupon} may be empty"),
        ("{hasCoupon, select, yes {} other {{coupon}}}!", ErrorCode.INVALID, "{coupon} may be empty"),
        ("a\x07b", ErrorCode.INVALID, "U+0007 at character 2"),
        ("a\ud800b", ErrorCode.INVALID, "U+D800 at character 2"),
        ("a\u202eb", ErrorCode.INVALID, "RIGHT-TO-LEFT OVERRIDE at character 2"),
        ("x" * 5001, ErrorCode.TOO_LONG, "at most 5,000 characters, not 5,001"),
        (numbered(13), ErrorCode.TOO_MANY, "words more than 16 numbers each in its own way"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_and_where(text: str, code: ErrorCode, words: str) -> None:
    problems = validate(content(text), channel="CHAT", default_language="en", variables=ALL)
    assert paths(problems) == [("texts.en.text", code)]
    assert words in problems[0].message


@pytest.mark.parametrize("character", ["\r", "\n", "\t", "\0", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("field", ["subject", "preheader"])
def test_a_subject_is_one_line(field: str, character: str) -> None:
    fields = {"subject": "Hi", field: f"Hi{character}Bcc: all@example.com"}
    problems = validate(content("Hi", **fields), channel="EMAIL", default_language="en")
    assert paths(problems) == [(f"texts.en.{field}", ErrorCode.INVALID)]
    assert "at character 3 cannot be sent" in problems[0].message


def test_a_dozen_numbers_may_have_words_of_their_own_beside_the_four_that_are_always_tried() -> None:
    assert validate(content(numbered(12)), channel="CHAT", default_language="en", variables=ALL) == []


def test_a_text_may_have_lines_of_any_system_and_tabs() -> None:
    assert validate(content("a\r\nb\n\tc"), channel="CHAT", default_language="en") == []


def test_tags_are_checked_and_told_apart() -> None:
    texts = {tag: {"text": "x"} for tag in ("en", "english", "zh-TW", "zh_tw", "xx")}
    problems = validate({"texts": texts}, channel="CHAT", default_language="en")
    assert paths(problems) == [
        ("texts.english", ErrorCode.UNKNOWN_LANGUAGE),
        ("texts.zh_tw", ErrorCode.CONFLICT),
        ("texts.xx", ErrorCode.UNKNOWN_LANGUAGE),
    ]


def test_there_is_a_bound_on_languages() -> None:
    texts = {f"en-{number:03}": {"text": "x"} for number in range(51)}
    assert paths(validate({"texts": texts}, channel="CHAT", default_language="en")) == [("texts", ErrorCode.TOO_MANY)]


@pytest.mark.parametrize(
    "odd",
    [
        {"texts": []},
        {"texts": {"en": "Hi"}},
        {"texts": {"en": {"text": 3}}},
        {"texts": {"en": {"text": "x", "html": "y"}}},
    ],
)
def test_content_of_another_shape_is_a_problem_and_no_crash(odd: dict[str, Any]) -> None:
    problems = validate(odd, channel="CHAT", default_language="en")
    assert problems
    assert {problem.field[0] for problem in problems} == {"texts"}


def test_a_text_that_is_only_a_name_says_nothing_to_those_without() -> None:
    problems = validate(content("{name}", "de"), channel="CHAT", default_language="de")
    assert paths(problems) == [("texts.de.text", ErrorCode.MISSING_CONTENT)]
    assert validate(content("{name}", "en"), channel="CHAT", default_language="en") == []


@pytest.mark.parametrize(
    ("text", "coupons", "whose"),
    [
        ("{hasName, select, yes {Hi {name}!} other {}}", [False], "a customer whose name is not known"),
        ("{hasCoupon, select, yes {{coupon} off} other {}}", [False], "anybody where no coupon comes with it"),
        ("{hasCoupon, select, yes {{coupon} off} other { \u200b}}", [True, False], "anybody where no coupon comes with it"),
        ("{hasCoupon, select, no {A} other {}}", [True], "anybody"),
        ("{hasName, select, yes {A} other {{hasCoupon, select, yes {B} other {}}}}", [True, False],
         "a customer whose name is not known where no coupon comes with it"),
        ("{productCount, plural, one {} other {#}}", [False], "anybody"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["text", "subject"])
def test_a_text_of_which_some_readers_would_see_nothing_is_refused(
    field: str, text: str, coupons: list[bool], whose: str
) -> None:
    fields = {"text": "Hi", "subject": "Hi", field: text}
    problems = validate(
        {"texts": {"en": fields}}, channel="EMAIL", default_language="en", variables=ALL, coupons=coupons
    )
    assert paths(problems) == [(f"texts.en.{field}", ErrorCode.MISSING_CONTENT)]
    assert problems[0].message.startswith(f"says nothing to {whose}")


@pytest.mark.parametrize(
    ("text", "coupons"),
    [
        ("{hasCoupon, select, yes {{coupon} off} other {}}", [True]),
        ("{hasCoupon, select, yes {{coupon} off} other {}}", []),
        ("{hasCoupon, select, yes {A} other {}}{hasCoupon, select, yes {} other {B}}", [True, False]),
        ("{hasName, select, yes {A} other {}}{hasName, select, no {B} other {}}", [True, False]),
        ("{productCount, plural, =0 {} one {A} other {#}}", [False]),
        ("{hasCoupon, select, yes {A} other {}} 🌷", [True, False]),
    ],
)
def test_a_text_of_which_every_reader_sees_something_is_fine(text: str, coupons: list[bool]) -> None:
    assert validate(content(text), channel="CHAT", default_language="en", variables=ALL, coupons=coupons) == []


@pytest.mark.parametrize("invisible", ["\u200b", " \u2060\ufeff ", "\u3164", "\u2800\u00ad"])
def test_a_text_of_which_nobody_sees_anything_is_missing(invisible: str) -> None:
    problems = validate(content(invisible, subject=invisible), channel="EMAIL", default_language="en")
    missing = ErrorCode.MISSING_CONTENT
    assert paths(problems) == [("texts.en.text", missing), ("texts.en.subject", missing)]


def test_a_preheader_may_say_nothing() -> None:
    fields = {"subject": "Hi", "preheader": "{hasCoupon, select, yes {A} other {}}"}
    assert validate(content("Hi", **fields), channel="EMAIL", default_language="en") == []


def test_content_is_stored_canonical() -> None:
    stored = normalised({"texts": {"ZH_tw": {"text": " a\r\nb\rc ", "subject": "e\u0301", "preheader": None}}})
    assert stored == {"texts": {"zh-TW": {"text": "a\nb\nc", "subject": "é"}}}


def test_a_message_names_its_reader_and_the_shop() -> None:
    assert said("Hi {name}, new at {shop}!", name="Ana", shop="Bl{o}'om") == "Hi Ana, new at Bl{o}'om!"


def test_a_missing_name_is_said_another_way() -> None:
    assert said("Hi {name}!", name=None) == "Hi friend!"
    assert said("Hi {name}!") == "Hi friend!"
    assert said("Hi {name}!", name="  ") == "Hi friend!"
    assert said("{hasName, select, yes {Hi {name}!} other {Hi there!}}", name="") == "Hi there!"
    assert said("{hasName, select, yes {Hi {name}!} other {Hi there!}}", name="no") == "Hi no!"


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("en", 1, "1 item"),
        ("en", 1200, "1,200 items"),
        ("de", 1200, "1.200 items"),
        ("ar", 3, "3 few"),
        ("ar", 11, "11 many"),
    ],
)
def test_counts_follow_the_language(language: str, count: int, words: str) -> None:
    pattern = "{productCount, plural, one {# item} few {# few} many {# many} other {# items}}"
    localised = localise(content(pattern, language), channel="CHAT", language=language, constants={})
    assert localised.variables == ("productCount",)
    assert fill(localised, {"productCount": count}).text == words
    assert said(pattern, language, productCount=count) == words


def test_what_all_recipients_share_is_written_in_and_the_rest_is_listed() -> None:
    pattern = "{hasName, select, yes {{name}, } other {}}{hasCoupon, select, yes {{coupon} off} other {new}} at {shop}"
    constants = {"shop": "Bloom", "coupon": "10 %"}
    localised = localise(content(pattern), channel="CHAT", language="en", constants=constants)
    assert localised.text == "{hasName, select, yes {{name}, } other {}}10 % off at Bloom"
    assert localised.variables == ("name",)
    without = localise(content(pattern), channel="CHAT", language="en", constants={"shop": "Bloom", "coupon": ""})
    assert fill(without, {}).text == "new at Bloom"


def test_a_smart_coupon_differs_per_recipient() -> None:
    pattern = "{hasCoupon, select, yes {{coupon} off!} other {Look!}}"
    localised = localise(content(pattern), channel="CHAT", language="en", constants={})
    assert localised.variables == ("coupon",)
    assert fill(localised, {"coupon": "5 %"}).text == "5 % off!"
    assert fill(localised, {"coupon": None}).text == "Look!"


def test_a_value_that_is_not_there_is_never_printed_as_its_variable() -> None:
    localised = localise(content("{product} is here"), channel="CHAT", language="en", constants={})
    with pytest.raises(Refused) as refused:
        fill(localised, {"name": "Ana"})
    assert paths(refused.value.problems) == [("variables.product", ErrorCode.MISSING_CONTENT)]


def test_there_is_no_message_in_a_language_without_a_text() -> None:
    with pytest.raises(Refused) as refused:
        localise(content("Hi"), channel="CHAT", language="id", constants={})
    assert paths(refused.value.problems) == [("texts.id", ErrorCode.MISSING_CONTENT)]


@pytest.mark.parametrize("name", ["{shop}", "{", "'", "''{''", "%%0%%", "{name, plural, other {x}}", "<b>&amp;", "#"])
def test_a_name_is_never_read_as_syntax(name: str) -> None:
    assert said("Hi {name}!", name=name) == f"Hi {name}!"
    assert said("{hasName, select, yes {Hi {name}!} other {}}", name=name) == f"Hi {name}!"


def test_a_name_is_one_line_without_controls_and_not_endless() -> None:
    assert said("Hi {name}!", name="A\r\nBcc: x\0\u202e\ud800é") == "Hi A Bcc: x é!"
    assert said("Hi {name}!", name="x" * 5000) == f"Hi {'x' * 199}…!"
    assert said(
        "Hi {name}!", name="👩\u200d💻 نسترن\u200cجان"
    ) == "Hi \u206890👩\u200d💻 نسترن\u200cجان\u2069!".replace("90", "")


def test_names_of_the_other_direction_are_isolated_but_not_in_the_subject() -> None:
    assert said("Hi {name}, 3 new", name="عمر") == "Hi \u2068عمر\u2069, 3 new"
    assert said("مرحبًا {name}، ٣ جديدة", "ar", name="Ana") == "مرحبًا \u2068Ana\u2069، ٣ جديدة"
    assert said("مرحبًا {name}!", "ar", name="عمر") == "مرحبًا عمر!"
    assert email("Hi", subject="{name}, look", name="عمر").subject == "عمر, look"


def test_everything_people_write_is_escaped_in_html_and_not_in_text() -> None:
    frame = Frame(
        "<b>&Shop",
        (ProductCard("<i>Cream</i> {x}", "{link}p1", "<3", 'https://img.example/a.png?a=1&b="2'),),
        Button("Go & see", "{link}b"),
        "<script>",
    )
    filled = email(
        "<u>Hi</u> {name} & all\n\n{hasName, select, yes {<s>{name}</s>} other {}}", frame=frame, name="<a href='x'>"
    )
    assert filled.html is not None
    for tag in ("<b>&Shop", "<i>", "<u>", "<s>", "<script", "<a href='x'", "{x"):
        assert tag not in filled.html.replace("{x}", "")
    assert "&lt;u&gt;Hi&lt;/u&gt; &lt;a href=&#x27;x&#x27;&gt; &amp; all" in filled.html
    assert 'src="https://img.example/a.png?a=1&amp;b=&quot;2"' in filled.html
    assert filled.text.startswith("<u>Hi</u> <a href='x'> & all\n\n<s><a href='x'></s>\n\n* <i>Cream</i> {x} (<3)")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_image_stands_once_between_the_shop_and_the_text_and_is_decoration(language: str) -> None:
    with_image = email(
        "Look at this", language, Frame("Bloom", image_url='https://img.example/a.png?a=1&b="{name}%%1%%')
    )
    without = email("Look at this", language)
    assert with_image.html is not None and without.html is not None
    [image] = re.findall(r"<img [^>]*>", with_image.html)
    assert 'src="https://img.example/a.png?a=1&amp;b=&quot;{name}%%1%%"' in image
    assert 'alt=""' in image and 'width="552"' in image and "width:100%" in image
    assert with_image.html.index(">Bloom<") < with_image.html.index(image) < with_image.html.index("Look at this")
    assert "<img" not in without.html
    assert with_image.text == without.text


def test_text_and_html_lead_to_the_same_places() -> None:
    frame = Frame("Bloom", (ProductCard("Cream", "{link}p1", "$3"),), Button("Shop", "{link}b"), "1 Main St")
    filled = email("Hi", frame=frame)
    assert filled.html is not None
    for place in ("https://shop.example/l/abc/p1", "https://shop.example/l/abc/b", "https://shop.example/u?t=a&b=c"):
        assert place in filled.text
        assert f'href="{place.replace("&", "&amp;")}"' in filled.html
    assert "1 Main St" in filled.text
    assert "1 Main St" in filled.html


def test_html_runs_the_way_of_its_language() -> None:
    assert re.search(r'<html[^>]* lang="ar"[^>]* dir="rtl"', email("مرحبًا", "ar").html or "")
    assert re.search(r'<html[^>]* lang="en"[^>]* dir="ltr"', email("Hi").html or "")


def test_a_chat_has_neither_subject_nor_html() -> None:
    localised = localise(content("Hi", subject="S", preheader="P"), channel="CHAT", language="en", constants={})
    assert fill(localised, {}) == Filled(subject=None, preheader=None, text="Hi", html=None)


@given(st.text(max_size=60))
def test_any_name_fills_any_message(name: str) -> None:
    filled = email("Hi {name}!\n\n{hasName, select, yes {{name}} other {-}}", subject="{name}: hi", name=name)
    filled.text.encode()
    assert filled.subject is not None
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", filled.subject)


def test_a_shop_name_of_the_other_direction_is_isolated_too() -> None:
    assert said("Hi! New at {shop}.", shop="متجر") == "Hi! New at \u2068متجر\u2069."
    arabic = fill(
        localise(
            content("Hi", subject="From {shop}"),
            channel="EMAIL", language="en", constants={"shop": "متجر"}, frame=Frame("متجر"),
        ),
        LINKS,
    )  # fmt: skip
    assert arabic.subject == "From متجر"
    assert "hear from \u2068متجر\u2069." in arabic.text


def test_a_product_s_title_of_the_other_direction_keeps_its_own() -> None:
    arabic = email("مرحبًا", "ar", Frame("Bloom", (ProductCard("Serum (new)", "{link}p1", "5 €"),)))
    assert '<b dir="auto">Serum (new)</b>' in (arabic.html or "")
    assert "* \u2068Serum (new)\u2069 (5 €)" in arabic.text
    english = email(
        "Hi", "en", Frame("Bloom", (ProductCard("كريم (جديد)", "{link}p1"), ProductCard("Mug", "{link}p2")))
    )
    assert "* \u2068كريم (جديد)\u2069\n" in english.text
    assert "* Mug\n" in english.text


def test_a_price_runs_the_way_that_its_language_marks_it() -> None:
    """A column runs left to right: an Arabic price had its currency before its number."""
    html = email("مرحبًا", "ar", Frame("Bloom", (ProductCard("كريم", "{link}p1", "\u200f5 US$"),))).html
    assert re.search(r'<span class="quiet" dir="auto" [^>]*>\u200f5 US\$</span>', html or "")


def test_each_line_of_a_postal_address_runs_its_own_way() -> None:
    """In Arabic "1 Orchard Road" read "Orchard Road 1"."""
    arabic = email("مرحبًا", "ar", Frame("Bloom", postal_address="شركة بلوم\n1 Orchard Road"))
    assert '<br /><span dir="auto">شركة بلوم</span><br /><span dir="auto">1 Orchard Road</span>' in (arabic.html or "")
    assert arabic.text.endswith("\nشركة بلوم\n1 Orchard Road\n")


def test_a_product_s_picture_which_is_a_link_says_where_it_leads() -> None:
    """A link around a picture that says nothing is read out as its address."""
    product = ProductCard('Serum "30 ml" {x}', "{link}p1", image_url="https://img.example/1.png")
    html = email("Hi", frame=Frame("Bloom", (product,))).html
    assert html is not None
    [image] = re.findall(r'<a href="https://shop.example/l/abc/p1"[^>]*>\s*(<img [^>]*>)', html)
    assert 'alt="Serum &quot;30 ml&quot; {x}"' in image
