"""Keys are made once, kept for their owner alone, and never made in production."""

import stat
from pathlib import Path

import pytest

from local.keys import with_keys
from local.place import LocalError
from tests.local.installations import settings_in


def test_keys_are_made_once_and_kept(tmp_path: Path):
    first = with_keys(settings_in(tmp_path))
    second = with_keys(settings_in(tmp_path))

    assert first.token_secret is not None
    assert len(first.token_secret.get_secret_value()) >= 32
    assert (first.token_secret, first.secret_key) == (second.token_secret, second.secret_key)
    assert first.token_secret != first.secret_key


def test_only_their_owner_can_read_them(tmp_path: Path):
    with_keys(settings_in(tmp_path))

    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_a_key_that_is_set_is_left_alone(tmp_path: Path):
    given = settings_in(tmp_path, token_secret="t" * 40, secret_key="s" * 40)

    assert with_keys(given) == given
    assert list(tmp_path.iterdir()) == []


def test_with_an_issuer_of_the_operators_own_no_token_secret_is_made(tmp_path: Path):
    found = with_keys(settings_in(tmp_path, token_jwks_url="https://issuer.example.com/jwks"))

    assert found.token_secret is None
    assert found.secret_key is not None


def test_in_production_missing_keys_are_named(tmp_path: Path):
    with pytest.raises(LocalError, match="TOKEN_SECRET and SECRET_KEY must be set"):
        with_keys(settings_in(tmp_path, production=True))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "{"])
def test_a_spoilt_file_of_keys_is_named_and_left(tmp_path: Path, content: str):
    (tmp_path / "keys.json").write_text(content)

    with pytest.raises(LocalError, match=r"keys\.json is not readable"):
        with_keys(settings_in(tmp_path))

    assert (tmp_path / "keys.json").read_text() == content
