"""The operator's own issuer of tokens: who waits for it, and for how long its keys are believed."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from models.errors import Unauthenticated, Unavailable
from resolvers import issuer
from resolvers.issuer import Issuer
from tests.waiting import until

CURVE = ec.generate_private_key(ec.SECP256R1())


class Publisher:
    """A JWKS document on a local port, whose server answers, or hangs for as long as a test lets it."""

    def __init__(self) -> None:
        self.names = ["k1"]
        self.instead: bytes | None = None
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                publisher.answers.wait()
                with suppress(ConnectionError):  # who asked may wait no longer
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(publisher.instead or publisher.document())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def document(self) -> bytes:
        """The keys that are published."""
        return json.dumps({"keys": [key(name) for name in self.names]}).encode()

    def close(self) -> None:
        """Let whoever waits be answered, and end."""
        self.answers.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def key(name: str) -> dict[str, Any]:
    """A public key, as a document has it."""
    jwk: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(CURVE.public_key()))
    return {**jwk, "kid": name, "use": "sig", "alg": "ES256"}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """One that answers."""
    made = Publisher()
    yield made
    made.close()


async def test_an_issuer_that_hangs_keeps_nobody_waiting_whose_key_is_known(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    asked = Issuer(publisher.url)
    await asked.key("k1")
    monkeypatch.setattr(issuer, "COOLDOWN", 0.0)
    monkeypatch.setattr(issuer, "RENEWED_AFTER", 0.0)
    publisher.answers.clear()

    unknown = asyncio.create_task(asked.key("k2"))
    await until(lambda: publisher.asked == 2)
    known = [await asked.key("k1") for _ in range(10)]

    assert [each.key_id for each in known] == ["k1"] * 10
    assert not unknown.done()
    assert publisher.asked == 2
    publisher.names.append("k2")
    publisher.answers.set()
    assert (await unknown).key_id == "k2"


async def test_who_brings_an_unknown_key_is_told_in_bounded_time_that_the_issuer_does_not_answer(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(issuer, "ANSWER_WITHIN", 0.2)
    publisher.answers.clear()
    asked = Issuer(publisher.url)

    found = await asyncio.gather(*(asked.key("k1") for _ in range(20)), return_exceptions=True)

    assert [type(each) for each in found] == [Unavailable] * 20
    assert publisher.asked == 1


async def test_a_key_that_its_issuer_took_back_is_believed_no_longer(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(issuer, "RENEWED_AFTER", 0.0)
    asked = Issuer(publisher.url)
    await asked.key("k1")
    publisher.names[:] = ["k2"]

    async def is_taken_back() -> bool:
        try:
            await asked.key("k1")
        except Unauthenticated:
            return True
        return False

    await until(is_taken_back)
    assert (await asked.key("k2")).key_id == "k2"


async def test_what_was_read_too_long_ago_is_not_believed_of_an_issuer_that_does_not_answer(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    asked = Issuer(publisher.url)
    await asked.key("k1")
    monkeypatch.setattr(issuer, "LIFETIME", 0.0)
    monkeypatch.setattr(issuer, "COOLDOWN", 0.0)
    monkeypatch.setattr(issuer, "ANSWER_WITHIN", 0.2)
    publisher.answers.clear()

    with pytest.raises(Unavailable):
        await asked.key("k1")


async def test_names_that_no_key_has_ask_the_issuer_for_its_keys_once_in_a_while_only(publisher: Publisher):
    asked = Issuer(publisher.url)

    for name in ("k1", "k2", "k3"):
        if name == "k1":
            await asked.key(name)
        else:
            with pytest.raises(Unauthenticated):
                await asked.key(name)

    assert publisher.asked == 1


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(json.dumps({"keys": [{**key("k1"), "alg": ["ES256"]}]}).encode(), id="a list for a name"),
    ],
)
async def test_of_a_document_that_cannot_be_read_the_keys_known_before_are_believed_and_it_is_not_asked_for_at_once(
    publisher: Publisher, document: bytes, monkeypatch: pytest.MonkeyPatch
):
    asked = Issuer(publisher.url)
    await asked.key("k1")
    monkeypatch.setattr(issuer, "RENEWED_AFTER", 0.0)
    monkeypatch.setattr(issuer, "COOLDOWN", 0.0)
    publisher.instead = document

    with pytest.raises(Unavailable):
        await asked.key("k2")
    known = [await asked.key("k1") for _ in range(10)]

    assert [each.key_id for each in known] == ["k1"] * 10
    assert publisher.asked == 2


@asynccontextmanager
async def endless(head: bytes, more: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server that never comes to the end of its answer: its URL, and whether who asked has hung up."""
    left, over = asyncio.Event(), asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        with suppress(ConnectionError):
            while not over.is_set():
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0.01)
        left.set()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/jwks.json", left
    finally:
        over.set()
        listening.close()


@pytest.mark.parametrize(
    ("head", "more"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nx: ", b"x", id="a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b" ", id="a body"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="answers before the answer"),
    ],
)
async def test_of_an_issuer_that_sends_a_byte_now_and_then_nothing_is_left_once_it_is_given_up(
    head: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(issuer, "ANSWER_WITHIN", 0.2)
    async with endless(head, more) as (url, left):
        with pytest.raises(Unavailable):
            await Issuer(url).key("k1")
        await until(left.is_set, within=10)


async def test_a_document_without_end_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(issuer, "ANSWER_WITHIN", 600.0)
    async with endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 64 * 1024) as (url, left):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(Issuer(url).key("k1"), 10)
        await until(left.is_set, within=10)


async def test_keys_are_read_by_the_proxy_that_the_environment_names(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", publisher.url.removesuffix("/jwks.json"))
    monkeypatch.setenv("no_proxy", "")

    assert (await Issuer("http://issuer.test/jwks.json").key("k1")).key_id == "k1"


def test_an_issuer_is_asked_over_http_alone():
    with pytest.raises(ValueError, match="TOKEN_JWKS_URL"):
        Issuer("file:///etc/passwd")
