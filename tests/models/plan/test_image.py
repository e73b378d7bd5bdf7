"""A plan's image is an address that everybody's programs can fetch, and that gives nobody away (R13)."""

import pytest

from models.errors import ErrorCode
from models.plan.image import MAX_LENGTH, check_image

HOST = "https://img.example/"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://img.example/spring.png",
        "HTTPS://img.example:8443/a/b?width=1104&v=%C3%A9#top",
        "https://img.example/@ana/a.png",
        "https://xn--bcher-kva.example/a.png",
        "https://93.184.216.34/a.png",
        HOST + "a" * (MAX_LENGTH - len(HOST)),
    ],
)
def test_an_address_that_anybody_can_fetch_may_be_shown(url: str | None):
    assert check_image(url) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://img.example/a.png", "https://"),
        ("//img.example/a.png", "https://"),
        ("data:image/png;base64,AAAA", "https://"),
        ("javascript:alert(1)", "https://"),
        ("", "https://"),
        ("https:img.example/a.png", "https://"),
        ("https:///a.png", "no address"),
        ("https://img.example:x/a.png", "no address"),
        ("https://[img.example/a.png", "no address"),
        ("https://ana@img.example/a.png", "user name"),
        ("https://ana:secret@img.example/a.png", "user name"),
        ("https://:@img.example/a.png", "user name"),
        ("https://img.example\\@other.example/a.png", "user name"),
        ("https://img.example/a b.png", "blanks"),
        (" https://img.example/a.png", "blanks"),
        ("https://img.example/a.png\n", "blanks"),
        ("https://img.example/\x00", "blanks"),
        ("https://img.example/\N{NO-BREAK SPACE}a.png", "blanks"),
        ("https://img.example/\N{RIGHT-TO-LEFT OVERRIDE}gnp.a", "blanks"),
        ("https://bücher.example/a.png", "percent-encoded"),
        ("https://localhost:3000/a.png", "public"),
        ("https://shop/a.png", "public"),
        ("https://192.168.0.1/reboot", "public"),
        ("https://[::1]/a.png", "public"),
        ("https://192.168.0.0x1/reboot", "public"),
        ("https://192.168.0.%31/reboot", "public"),
        (r"https://192.168.0.1\.shop.example/reboot", "public"),
    ],
)
def test_any_other_is_refused_with_what_is_wrong_with_it(url: str, words: str):
    [problem] = check_image(url)
    assert (problem.field, problem.code, problem.rule) == (("imageUrl",), ErrorCode.INVALID, "R13")
    assert words in problem.message


def test_an_address_of_more_than_2000_characters_is_refused():
    [problem] = check_image(HOST + "a" * (MAX_LENGTH - len(HOST) + 1))
    assert (problem.field, problem.code, problem.rule) == (("imageUrl",), ErrorCode.TOO_LONG, "R13")
    assert problem.message == "An image's address has at most 2,000 characters, not 2,001."
