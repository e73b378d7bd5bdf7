"""Which text a customer reads (R14), and what counts as a language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langcodes import Language

from models import language
from models.errors import ErrorCode, Refused

TAGS = [
    "ar", "ar-EG", "az-Arab", "de", "de-AT", "en", "en-GB", "en-US", "es", "es-419", "es-MX", "fil", "he", "hi",
    "hi-Latn", "id", "ja", "ku", "no", "nb-NO", "pa", "pa-PK", "pt", "pt-BR", "pt-PT", "sr", "sr-Latn", "sr-RS",
    "th", "vi", "yue", "zh", "zh-CN", "zh-HK", "zh-Hans", "zh-Hant", "zh-Hant-HK", "zh-TW",
]  # fmt: skip

tags = st.sampled_from(TAGS)
collections = st.sets(tags, min_size=1, max_size=8)


def script(tag: str) -> str | None:
    return Language.get(tag).maximize().script


def spoken(tag: str) -> str:
    return tag.partition("-")[0].replace("nb", "no")


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("ZH_tw", "zh-TW"), ("EN-us", "en-US"), ("iw", "he"), ("in", "id"), ("tl", "fil"), ("mo", "ro"),
        ("zh-cmn-Hans-CN", "zh-Hans-CN"), ("en-Latn", "en"), ("sh", "sr-Latn"), (" de ", "de"), ("es-419", "es-419"),
    ],
)  # fmt: skip
def test_a_tag_is_brought_to_its_canonical_form(written: str, tag: str) -> None:
    assert language.canonical(written) == tag


@pytest.mark.parametrize(
    "nonsense",
    [
        "", " ", "english", "xx", "und", "root", "mul", "zxx", "x-private", "C", "en_US.UTF-8", "日本", "e1", "12",
        "en-", "-en", "en--US", "en\r\nX: y", "en\0", "*", "a" * 36, "en-" * 20 + "us",
    ],
)  # fmt: skip
def test_what_names_no_language_is_refused(nonsense: str) -> None:
    with pytest.raises(Refused) as refused:
        language.canonical(nonsense)
    assert [problem.code for problem in refused.value.problems] == [ErrorCode.UNKNOWN_LANGUAGE]


def test_a_tag_longer_than_any_that_names_a_language_is_refused_whatever_it_says() -> None:
    longest = "en-x-" + "-".join(["aaaaaaaa"] * 3) + "-aaa"
    assert len(longest) == language.LONGEST and language.canonical(longest) == longest

    with pytest.raises(Refused) as refused:
        language.canonical(f"{longest}a")

    assert [problem.code for problem in refused.value.problems] == [ErrorCode.UNKNOWN_LANGUAGE]


@given(st.text(max_size=40))
def test_any_text_is_either_canonical_or_refused(text: str) -> None:
    try:
        tag = language.canonical(text)
    except Refused:
        return
    assert language.canonical(tag) == tag
    assert tag.isascii()
    assert len(tag) <= language.LONGEST


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("de", {"de", "en"}, "de"),
        ("de-AT", {"de", "en"}, "de"),
        ("de-at", {"de", "de-AT", "en"}, "de-AT"),
        ("pt-BR", {"pt", "en"}, "pt"),
        ("pt", {"pt-BR", "en"}, "pt-BR"),
        ("es-MX", {"es", "en"}, "es"),
        ("es-MX", {"es-ES", "en"}, "en"),
        ("es-MX", {"es-AR", "en"}, "en"),
        ("zh-TW", {"zh-Hans", "zh", "en"}, "en"),
        ("zh-TW", {"zh-Hant", "zh", "en"}, "zh-Hant"),
        ("zh-TW", {"zh-Hant-TW", "zh-Hant", "en"}, "zh-Hant-TW"),
        ("zh-HK", {"zh-Hant", "zh-TW", "en"}, "zh-Hant"),
        ("zh-HK", {"zh", "en"}, "en"),
        ("zh-SG", {"zh", "en"}, "zh"),
        ("zh-SG", {"zh", "zh-Hans", "en"}, "zh-Hans"),
        ("zh-Hans", {"zh-CN", "en"}, "zh-CN"),
        ("cmn", {"zh", "en"}, "zh"),
        ("yue-HK", {"zh", "en"}, "en"),
        ("sr-Latn", {"sr", "sr-Cyrl", "en"}, "en"),
        ("sr-Latn-RS", {"sr-Latn", "sr", "en"}, "sr-Latn"),
        ("sr-RS", {"sr-Cyrl", "en"}, "sr-Cyrl"),
        ("sr-Cyrl-RS", {"sr-Cyrl", "sr-RS", "en"}, "sr-Cyrl"),
        ("sr-ME", {"sr", "en"}, "en"),
        ("pa-PK", {"pa", "en"}, "en"),
        ("hi-Latn", {"hi", "en"}, "en"),
        ("nb-NO", {"no", "en"}, "no"),
        ("tl", {"fil", "en"}, "fil"),
        ("iw-IL", {"he", "en"}, "he"),
        ("en-u-hc-h12", {"en", "id"}, "en"),
        ("fr-CA", {"en"}, "en"),
        ("klingon", {"fr", "en"}, "en"),
        ("", {"fr", "en"}, "en"),
        (None, {"fr", "en"}, "en"),
    ],
)
def test_a_customer_gets_exactly_their_language_or_it_without_region_or_the_default(
    wanted: str | None, available: set[str], chosen: str
) -> None:
    assert language.choose(wanted, available, "en") == chosen


@given(tags, collections, tags)
def test_an_available_exact_tag_is_always_chosen(wanted: str, available: set[str], default: str) -> None:
    assert language.choose(wanted, available | {wanted}, default) == wanted


@given(tags, collections)
def test_a_choice_never_crosses_scripts_or_languages(wanted: str, available: set[str]) -> None:
    chosen = language.choose(wanted, available, "")
    assert chosen == "" or chosen in available
    if chosen:
        assert script(chosen) == script(wanted)
        assert spoken(chosen) == spoken(wanted)


@given(tags, st.lists(tags, min_size=1, max_size=8, unique=True), st.randoms())
def test_the_order_of_the_texts_decides_nothing(wanted: str, available: list[str], random: object) -> None:
    shuffled = list(available)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert language.choose(wanted, shuffled, "en") == language.choose(wanted, available, "en")


@given(st.text(max_size=40), collections, tags)
def test_any_wish_is_answered(wanted: str, available: set[str], default: str) -> None:
    assert language.choose(wanted, available, default) in available | {default}


@pytest.mark.parametrize(
    ("tag", "way"),
    [("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl"), ("pa-PK", "rtl"), ("az-Arab", "rtl"), ("pa", "ltr"), ("en", "ltr"),
     ("ja", "ltr"), ("ar-Latn", "ltr")],
)  # fmt: skip
def test_direction_follows_the_script(tag: str, way: str) -> None:
    assert language.direction(tag) == way


@pytest.mark.parametrize(
    ("header", "tags_in_order"),
    [
        ("de-AT, en;q=0.5, fr;q=0.8", ["de-AT", "fr", "en"]),
        ("*, zz, en;q=zero, id ; q=0.3", ["id"]),
        ("en;q=0", []),
        ("en;Q=0.5, de; ", ["de", "en"]),
        ("", []),
        (None, []),
        ("en\r\nSet-Cookie: a=b", []),
    ],
)
def test_an_accept_language_header_is_read_by_weight(header: str | None, tags_in_order: list[str]) -> None:
    assert language.accepted(header) == tags_in_order


def test_a_header_as_long_as_can_be_is_read_in_part() -> None:
    assert len(language.accepted("en," * 100_000)) == language.MOST_ACCEPTED


def test_a_caller_is_answered_in_the_first_language_there_is() -> None:
    assert language.negotiate("fr-CA, id-ID;q=0.9, en;q=0.5", {"en", "id"}, "en") == "id"
    assert language.negotiate("fr-CA", {"en", "id"}, "en") == "en"
    assert language.negotiate("zh-TW", {"en", "zh"}, "en") == "en"
