"""What a customer without a name is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.content.binding import bind
from models.content.nameless import WORDS, nameless
from models.content.pattern import Message, arguments, pattern_of
from models.content.pattern_reader import parse


@pytest.mark.parametrize(
    ("language", "pattern", "said"),
    [
        ("en", "Hi {name}!", "Hi friend!"),
        ("en-GB", "{name}, your cart is waiting", "Friend, your cart is waiting"),
        ("en", "Hello.\n{name}, thanks", "Hello.\nFriend, thanks"),
        ("es", "¡Hola, {name}!", "¡Hola!"),
        ("es", "{name}, te echamos de menos", "Te echamos de menos"),
        ("es", "Gracias {name} por tu compra", "Gracias por tu compra"),
        ("fr", "Bonjour {name} !", "Bonjour !"),
        ("fr", "Merci. {name}, à bientôt", "Merci. À bientôt"),
        ("de", "Hallo {name},\n\nschön", "Hallo,\n\nschön"),
        ("ar", "مرحبًا، {name}!", "مرحبًا!"),
        ("id", "Halo Kak {name}!", "Halo Kak!"),
        ("id", "Halo {name}!", "Halo Kak!"),
        ("ja", "{name}様、こんにちは", "お客様、こんにちは"),
        ("ja", "{name}さん", "お客さん"),
        ("ja", "{name}、こんにちは", "お客様、こんにちは"),
        ("ko", "{name}님, 안녕하세요", "고객님, 안녕하세요"),
        ("th", "สวัสดีคุณ{name}", "สวัสดีคุณลูกค้า"),
        ("vi", "Chào {name}!", "Chào bạn!"),
        ("de", "{shop}{name}!", "{shop}!"),
        ("de", "{hasName, select, yes {Hi {name}!} other {Hi!}}", "{hasName, select, yes {Hi!} other {Hi!}}"),
        ("de", "{name}", ""),
    ],
)
def test_a_customer_without_a_name_is_called_by_a_word_that_fits_or_not_at_all(
    language: str, pattern: str, said: str
) -> None:
    assert pattern_of(nameless(parse(pattern), language)) == said


@given(
    st.lists(st.sampled_from(["{name}", "{shop}", " ", ", ", "!", "Hi", "様", "\n"]), max_size=8),
    st.sampled_from([*WORDS, "de"]),
)
def test_no_name_is_left_and_everything_else_stays(tokens: list[str], language: str) -> None:
    message = nameless(parse("".join(tokens)), language)
    assert [part.name for part in arguments(message)] == ["shop"] * tokens.count("{shop}")


@pytest.mark.parametrize("blank", [" ", "\t ", "\n", ".", " ,", "\n.", "(", ". "])
@pytest.mark.timeout(60)
def test_no_blanks_before_a_name_take_more_than_their_number_is_worth(blank: str):
    """What grew with the square of the length would not be done with this one within the hour."""
    before = "a" + (blank * 200_000)[:200_000]

    assert pattern_of(nameless(parse(before + "b, {name}!"), "de")) == f"{before}b!"
    assert pattern_of(nameless(parse(before + "b {name} c {name}"), "de")) == f"{before}b c"


@pytest.mark.parametrize("part", ["{shop}", "{shop} {name}, ", "{name}", "a{name}"])
@pytest.mark.timeout(60)
def test_no_number_of_variables_takes_more_than_it_is_worth(part: str):
    """What grew with the square of their number would not be done with these within the hour."""
    message = parse(part * 50_000)

    assert arguments_named(nameless(message, "de")) == {"shop"} & arguments_named(message)
    assert arguments_named(bind(message, "de", {"shop": "Bloom"})) == {"name"} & arguments_named(message)


def arguments_named(message: Message) -> set[str]:
    """The names of the variables that a message still has."""
    return {part.name for part in arguments(message)}
