"""The receiver that docs/webhooks.md shows takes what we sign, and nothing else."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.clock import now
from models.webhook import signature

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "webhooks.md").read_text("utf-8")
KEY = b"a key of the server, long enough for this"


@pytest.fixture
def received() -> Callable[..., Any]:
    """The page's function."""
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(example[1], names)
    function: Callable[..., Any] = names["received"]
    return function


def signed(body: bytes, *salts: str) -> dict[str, str]:
    return dict(signature.signed(KEY, salts, "msg_1", now(), body))


def test_what_we_sign_is_received_by_the_new_secret_and_by_the_one_before(received: Callable[..., Any]):
    body = b'{"type": "chat.message"}'
    headers = signed(body, "new", "old")

    for salt in ("new", "old"):
        assert received(headers, body, signature.secret(KEY, salt), now().timestamp()) == {"type": "chat.message"}


@pytest.mark.parametrize("wrong", ["body", "id", "secret", "time", "signature"])
def test_what_we_did_not_sign_is_refused(received: Callable[..., Any], wrong: str):
    body, at, salt = b"{}", now().timestamp(), "new"
    headers = signed(body, salt)
    match wrong:
        case "body":
            body = b"{ }"
        case "id":
            headers["webhook-id"] = "msg_2"
        case "secret":
            salt = "another"
        case "time":
            at += 301
        case "signature":
            headers["webhook-signature"] = "v2,AAAA v1,AAAA"

    with pytest.raises(ValueError, match=r"hold|old"):
        received(headers, body, signature.secret(KEY, salt), at)
