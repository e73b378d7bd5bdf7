"""The one way out: no redirect is followed, nothing is read without end, every wait has one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jobs.channels.http import poster as posters
from jobs.channels.http.network import AddressRefusedError, NotReachedError
from jobs.channels.http.poster import Answer, HungUpError, LostError, Poster, WholeBody
from models.webhook.endpoint import Targets
from tests.http_sink import Act, HttpSink
from tests.waiting import until


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """A poster that may call this machine."""
    poster = Poster("any")
    yield poster
    await poster.close()


async def post(poster: Poster, url: str) -> Answer:
    return await poster.post(url, {"webhook-id": "one"}, WholeBody(b"{}"), length=2)


async def test_a_redirect_is_an_answer_and_is_not_followed(receiver: HttpSink, poster: Poster):
    url = receiver.start()
    receiver.script = lambda _number: f"302\nlocation: {url}/next\r\n"

    assert (await post(poster, url)).status == 302
    assert receiver.begun == 1


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)), ("999999999", posters.LONGEST_PAUSE), ("-5", None), ("soon", None), ("", None),
        ("Thu, 15 Jan 2026 12:05:00 GMT", timedelta(minutes=5)), ("Thu, 15 Jan 2026 11:00:00 GMT", timedelta()),
        ("99999999999999999999", None), ("Thu, 15 Jan 2026 12:05:00 +9999999999999", None),
        (f"Thu, 15 Jan {'9' * 30} 12:05:00 GMT", None),
    ],
)  # fmt: skip
async def test_an_answer_says_how_long_to_wait(receiver: HttpSink, poster: Poster, said: str, wait: timedelta | None):
    receiver.script = lambda _number: f"503\nretry-after: {said}\r\n"

    assert await post(poster, receiver.start()) == Answer(503, wait)


async def test_nobody_who_listens_means_that_nothing_left(receiver: HttpSink, poster: Poster):
    url = receiver.start()
    receiver.stop()
    with pytest.raises(NotReachedError):
        await post(poster, url)
    with pytest.raises(NotReachedError):
        await post(poster, "http://no-such-name.invalid/")
    for label in ("", "a" * 64):
        with pytest.raises(NotReachedError):
            await post(poster, f"http://a.{label}.invalid/")


async def test_no_answer_is_waited_for_without_end(receiver: HttpSink, poster: Poster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posters, "ANSWER_WAIT", 0.1)
    receiver.script = lambda _number: Act.TAKE_AND_STALL
    with pytest.raises(LostError):
        await post(poster, receiver.start())

    await until(lambda: receiver.taken() == ["one"])  # sent whole, to a disk that may be slower than such a patience


async def test_an_answer_without_end_is_read_a_little_and_its_status_counts(poster: Poster):
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 So\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await post(poster, f"http://127.0.0.1:{port}/")
    server.close()
    await server.wait_closed()

    assert answer.status == 200


async def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_and_its_status_counts(
    poster: Poster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posters, "REST_WAIT", 0.1)
    for wait in ("CONNECT_WAIT", "WRITE_WAIT", "ANSWER_WAIT"):
        monkeypatch.setattr(posters, wait, 2.0)

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 So\r\nretry-after: 60\r\ncontent-length: 10000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await post(poster, f"http://127.0.0.1:{port}/")
    server.close()
    await server.wait_closed()

    assert answer == Answer(429, timedelta(seconds=60))


async def test_provisional_answers_without_end_are_no_answer(poster: Poster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posters, "ANSWER_WAIT", 600.0)

    async def put_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(put_off, "127.0.0.1", 0)
    with pytest.raises(LostError, match="says too much"):
        await asyncio.wait_for(post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), 20)
    server.close()
    await server.wait_closed()


async def test_what_is_no_http_is_told_in_short(poster: Poster):
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"@a" * 30_000 + b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    with pytest.raises(LostError) as lost:
        await post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    await server.wait_closed()

    assert "illegal status line" in str(lost.value)
    assert len(str(lost.value)) <= posters.LONGEST_ERROR


async def test_a_receiver_that_hangs_up_after_the_last_byte_may_have_taken_the_request(
    receiver: HttpSink, poster: Poster
):
    receiver.script = lambda _number: Act.TAKE_AND_RESET

    class Body(WholeBody):
        async def __anext__(self) -> bytes:
            try:
                return await super().__anext__()
            except StopAsyncIteration:
                await until(
                    lambda: receiver.begun == 1 and not receiver.open
                )  # it has hung up before the end is noticed
                raise

    with pytest.raises(LostError) as lost:
        await poster.post(receiver.start(), {"webhook-id": "one"}, Body(b"{}"), length=2)

    assert receiver.taken() == ["one"]
    assert not isinstance(lost.value, HungUpError)


async def test_connections_are_used_again(receiver: HttpSink, poster: Poster):
    url = receiver.start()
    for _ in range(5):
        await post(poster, url)

    assert (receiver.begun, receiver.most_open) == (5, 1)


@pytest.mark.parametrize("targets", ["public", "any"])
async def test_a_name_is_judged_by_the_addresses_it_has_when_it_is_called(receiver: HttpSink, targets: Targets):
    url = receiver.start().replace("127.0.0.1", "localhost")
    poster = Poster(targets)
    try:
        if targets == "public":
            with pytest.raises(AddressRefusedError):
                await poster.post(url, {}, WholeBody(b"{}"), length=2)
            assert receiver.begun == 0
        else:
            answer = await poster.post(url, {"webhook-id": "one"}, WholeBody(b"{}"), length=2)
            assert answer.status == 204
    finally:
        await poster.close()
