"""Which URLs a shop may have called."""

import pytest

from models.errors import Refused
from models.webhook.endpoint import MAX_LENGTH, check_url


@pytest.mark.parametrize("host", ["a..example", ".example.com", f"{'a' * 64}.example", "example", "example..", "10.1"])
def test_a_host_that_no_name_can_be_is_refused(host: str):
    with pytest.raises(Refused):
        check_url(f"https://{host}/hook", targets="public")


def test_where_an_operator_allows_it_local_targets_are_taken_and_nothing_odd():
    assert check_url(" http://127.0.0.1:9000/hook ", targets="any") == "http://127.0.0.1:9000/hook"
    with pytest.raises(Refused):
        check_url("gopher://127.0.0.1/", targets="any")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://user@hook.example/", "no user name"), ("http://:secret@hook.example/", "no user name"),
        ("http://hook.example/#top", "no fragment"), ("http://hook.example/#", "no fragment"),
        ("http://hook.example:0/", "is no URL"), ("http://hook.example:port/", "is no URL"), ("http:///hook", "is no URL"),
        ("http://hook.example/a b", "is no URL"), ("http://hook.example/a\tb", "is no URL"),
        ("http://hook.example/ü", "is no URL"),
    ],
)  # fmt: skip
def test_whatever_the_targets_a_url_is_one_that_can_be_called_as_it_is_written(url: str, says: str):
    with pytest.raises(Refused, match=says):
        check_url(url, targets="any")


def test_a_url_may_be_of_any_port_and_as_long_as_is_said():
    longest = "http://hook.example:1/".ljust(MAX_LENGTH, "x")

    assert check_url(f" {longest} ", targets="any") == longest
    with pytest.raises(Refused, match="at most 2,000 characters"):
        check_url(f"{longest}x", targets="any")
