"""Reading ICU patterns: what ICU reads, with positions."""

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from icu4py.messageformat import MessageFormat

from models.content.pattern import Argument, Choice, Message, arguments, merge, pattern_of, quote
from models.content.pattern_reader import MessageError, parse

texts = st.text(st.sampled_from("a #'{}|,=\n\"ñ名😀"), max_size=8)
names = st.sampled_from(["name", "shop", "n"])


def choices(messages: st.SearchStrategy[Message]) -> st.SearchStrategy[Choice]:
    keys = {"select": ["yes", "no", "a_1"], "plural": ["=0", "one", "few"], "selectordinal": ["=1", "two", "many"]}

    def of_kind(kind: str) -> st.SearchStrategy[Choice]:
        branches = st.dictionaries(st.sampled_from(keys[kind]), messages, max_size=2).flatmap(
            lambda some: messages.map(lambda other: (*some.items(), ("other", other)))
        )
        offsets = st.just(0) if kind == "select" else st.sampled_from([0, 1])
        return st.builds(Choice, names, st.just(kind), offsets, branches)

    return st.sampled_from(sorted(keys)).flatmap(of_kind)


messages: st.SearchStrategy[Message] = st.recursive(
    st.lists(texts | st.builds(Argument, names), max_size=4).map(merge),
    lambda inner: st.lists(texts | choices(inner), max_size=3).map(merge),
    max_leaves=6,
)


def without_positions(message: Message) -> Message:
    return tuple(
        Argument(part.name)
        if isinstance(part, Argument)
        else Choice(
            part.name, part.kind, part.offset, tuple((key, without_positions(inner)) for key, inner in part.branches)
        )
        if isinstance(part, Choice)
        else part
        for part in message
    )


def test_a_pattern_is_text_arguments_and_choices() -> None:
    assert parse("Hi { name }, {n, plural, offset:1 =0 {none} other {# more}}") == (
        "Hi ",
        Argument("name", 3),
        ", ",
        Choice("n", "plural", 1, (("=0", ("none",)), ("other", (Argument("#", 51), " more"))), 13),
    )


def test_arguments_are_found_inside_choices_and_the_number_sign_is_none_of_them() -> None:
    message = parse("{hasName, select, yes {{name}: {n, plural, one {#} other {# {shop}}}} other {}}")
    assert [part.name for part in arguments(message)] == ["hasName", "name", "n", "shop"]


@given(messages)
def test_a_message_written_as_a_pattern_reads_as_the_same_message(message: Message) -> None:
    assume(len([part for part in arguments(message) if isinstance(part, Choice)]) < 20)
    assert without_positions(parse(pattern_of(message))) == message


@given(st.text(st.characters(blacklist_categories=["C", "Zl", "Zp"]), max_size=30), st.booleans())
def test_quoted_text_says_exactly_itself_to_icu(text: str, in_plural: bool) -> None:
    quoted = quote(text, in_plural=in_plural)
    pattern = f"{{n, plural, other {{{quoted}}}}}" if in_plural else quoted
    assert MessageFormat(pattern, "en").format({"n": 1}) == text


@given(
    st.lists(
        st.sampled_from([*"{}'#,=: ", "name", "plural", "select", "other", "one", "x", "''", "offset:1"]), max_size=14
    )
)
def test_what_is_read_here_is_read_by_icu(tokens: list[str]) -> None:
    pattern = "".join(tokens)
    try:
        message = parse(pattern)
    except MessageError:
        return
    formatted = MessageFormat(pattern, "en").format(
        {"name": "N", "x": "X", "one": "O", "other": "R", "plural": "P", "select": "S"}
    )
    if not list(arguments(message)):
        assert formatted == "".join(part for part in message if isinstance(part, str))


@pytest.mark.parametrize(
    ("pattern", "position", "reason"),
    [
        ("Hi {name", 3, "never closed"),
        ("Hi {", 3, "never closed"),
        ("Hi }", 3, "without its '{'"),
        ("Hi {}", 4, "a variable's name was expected, not '}'"),
        ("Hi {na-me}", 6, "was expected, not '-'"),
        ("Hi {first name}", 10, "'}' or ',' after 'first' was expected, not 'n'"),
        ("{n, number}", 4, "'number' is not one of plural"),
        ("{n, plural}", 10, "',' after 'plural' was expected, not '}'"),
        ("{n, plural, one {a}}", 0, "needs a branch 'other"),
        ("{n, plural, eins {a} other {b}}", 12, "'eins' is no plural form"),
        ("{n, plural, one {a} one {b} other {c}}", 20, "there twice"),
        ("{n, select, =1 {a} other {b}}", 12, "is for plurals"),
        ("{n, select, a other {b}}", 14, "'{' after the key 'a' was expected, not 'o'"),
        ("{n, select, other {b}", 0, "never closed"),
        ("{n, select, other {b", 18, "never closed"),
        ("😀 {n", 2, "never closed"),
    ],
)
def test_a_mistake_is_found_where_it_is(pattern: str, position: int, reason: str) -> None:
    with pytest.raises(MessageError) as error:
        parse(pattern)
    assert error.value.position == position
    assert reason in error.value.reason


@given(st.text(st.sampled_from("{}#', \nanplural=0"), max_size=20))
def test_the_place_of_a_mistake_is_in_the_pattern(pattern: str) -> None:
    mistakes = list(mistake(pattern))
    assert all(0 <= error.position < len(pattern) for error in mistakes)


def mistake(pattern: str) -> Iterator[MessageError]:
    try:
        parse(pattern)
    except MessageError as error:
        yield error


def test_choices_cannot_be_nested_or_multiplied_without_bound() -> None:
    nested = "{n, select, other {" * 5 + "}}" * 5
    with pytest.raises(MessageError, match="more than 4 deep"):
        parse(nested)
    with pytest.raises(MessageError, match="more than 100 branches"):
        parse("{n, select, other {}}" * 101)
    with pytest.raises(MessageError, match="more than 4 deep"):
        parse("{n, select, other {" * 5_000)
