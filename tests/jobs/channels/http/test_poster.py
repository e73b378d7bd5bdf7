"""The one way out: no redirect is followed, nothing is read without end, every wait has one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.channels.http import poster as posters
from jobs.channels.http.poster import Answer, LostError, NotReachedError, Poster, WholeBody
from tests.http_sink import Act, HttpSink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[HttpSink]:
    """A scripted receiver."""
    sink = HttpSink(tmp_path / "requests")
    yield sink
    if sink.port:
        sink.stop()


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """A poster that may call this machine."""
    poster = Poster("any")
    yield poster
    await poster.close()


async def post(poster: Poster, url: str) -> Answer:
    return await poster.post(url, {"webhook-id": "one"}, WholeBody(b"{}"), length=2)


async def test_a_redirect_is_an_answer_and_is_not_followed(sink: HttpSink, poster: Poster):
    url = sink.start()
    sink.script = lambda _number: f"302\nlocation: {url}/next\r\n"

    assert (await post(poster, url)).status == 302
    assert sink.begun == 1


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)), ("999999999", posters.LONGEST_PAUSE), ("-5", None), ("soon", None), ("", None),
        ("Thu, 15 Jan 2026 12:05:00 GMT", timedelta(minutes=5)), ("Thu, 15 Jan 2026 11:00:00 GMT", timedelta()),
        ("99999999999999999999", None), ("Thu, 15 Jan 2026 12:05:00 +9999999999999", None),
        (f"Thu, 15 Jan {'9' * 30} 12:05:00 GMT", None),
    ],
)  # fmt: skip
async def test_an_answer_says_how_long_to_wait(sink: HttpSink, poster: Poster, said: str, wait: timedelta | None):
    sink.script = lambda _number: f"503\nretry-after: {said}\r\n"

    assert await post(poster, sink.start()) == Answer(503, wait)


async def test_nobody_who_listens_means_that_nothing_left(sink: HttpSink, poster: Poster):
    url = sink.start()
    sink.stop()
    with pytest.raises(NotReachedError):
        await post(poster, url)
    with pytest.raises(NotReachedError):
        await post(poster, "http://no-such-name.invalid/")
    for label in ("", "a" * 64):
        with pytest.raises(NotReachedError):
            await post(poster, f"http://a.{label}.invalid/")
    sink.start()


async def test_no_answer_is_waited_for_without_end(sink: HttpSink, poster: Poster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posters, "ANSWER_WAIT", 0.1)
    sink.script = lambda _number: Act.TAKE_AND_STALL
    with pytest.raises(LostError):
        await post(poster, sink.start())

    assert sink.taken() == ["one"]


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


async def test_connections_are_used_again(sink: HttpSink, poster: Poster):
    url = sink.start()
    for _ in range(5):
        await post(poster, url)

    assert (sink.begun, sink.most_open) == (5, 1)
