"""Which URLs a shop may have called."""

import pytest

from models.errors import Refused
from models.webhook.endpoint import check_url


@pytest.mark.parametrize("host", ["a..example", ".example.com", f"{'a' * 64}.example", "example", "example..", "10.1"])
def test_a_host_that_no_name_can_be_is_refused(host: str):
    with pytest.raises(Refused):
        check_url(f"https://{host}/hook", targets="public")


def test_where_an_operator_allows_it_local_targets_are_taken_and_nothing_odd():
    assert check_url(" http://127.0.0.1:9000/hook ", targets="any") == "http://127.0.0.1:9000/hook"
    with pytest.raises(Refused):
        check_url("gopher://127.0.0.1/", targets="any")
    with pytest.raises(Refused):
        check_url("http://user@127.0.0.1/", targets="any")
