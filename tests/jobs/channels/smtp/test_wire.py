"""The wire: replies in order however they arrive, and one clear error when none can come any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from jobs.channels.smtp import wire as wires
from jobs.channels.smtp.wire import ConnectionLost, Reply, Wire
from tests.waiting import until

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Open = Callable[[Serve], Awaitable[Wire]]


@pytest.fixture
async def open_wire() -> AsyncIterator[Open]:
    """Opens a wire to a server of the test's own."""
    servers, opened = [], []

    async def open_one(serve: Serve) -> Wire:
        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(once, "127.0.0.1", 0)
        servers.append(server)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        opened.append(Wire(transport))
        return opened[-1]

    yield open_one
    for wire in opened:
        if wire.is_open:
            wire.abort("the test is over")
    for server in servers:
        server.close()


def saying(*chunks: bytes, hangs_up: bool = False) -> Serve:
    """A server that says these chunks, one after the other, and then nothing, until the wire is let go of."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.01)
        if not hangs_up:
            await reader.read()

    return serve


async def test_replies_come_in_order_however_the_bytes_were_cut(open_wire: Open):
    wire = await open_wire(saying(b"25", b"0 2.1.0 ok\r\n250-a\r", b"\n250 b\r\n354", b" go\n"))

    replies = [await wire.reply(30), await wire.reply(30), await wire.reply(30)]

    assert replies == [Reply(250, "2.1.0 ok"), Reply(250, "a\nb"), Reply(354, "go")]


async def test_a_reply_without_text_is_a_reply(open_wire: Open):
    wire = await open_wire(saying(b"250\r\n"))

    assert await wire.reply(30) == Reply(250, "")


async def test_what_came_before_the_end_is_still_handed_out(open_wire: Open):
    wire = await open_wire(saying(b"552 5.3.4 too big\r\n", hangs_up=True))
    await until(lambda: not wire.is_open)

    assert wire.has_reply
    assert await wire.reply(30) == Reply(552, "5.3.4 too big")
    with pytest.raises(ConnectionLost):
        await wire.reply(30)


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 200 OK\r\n", b"25x ok\r\n", b"\r\n", b"250_ok\r\n", b"999 no\r\n"])
async def test_what_is_no_smtp_ends_the_connection(open_wire: Open, nonsense: bytes):
    wire = await open_wire(saying(nonsense + b"550 5.1.1 nobody\r\n"))

    with pytest.raises(ConnectionLost, match="not an SMTP reply"):
        await wire.reply(30)
    assert not (wire.is_open or wire.has_reply)


async def test_an_endless_reply_ends_the_connection(open_wire: Open):
    wire = await open_wire(saying(*[b"250-" + b"x" * 1000 + b"\r\n"] * 70, hangs_up=True))

    with pytest.raises(ConnectionLost, match="too much"):
        await wire.reply(30)


async def test_a_line_without_an_end_ends_the_connection(open_wire: Open):
    wire = await open_wire(saying(b"250 " + b"x" * wires.LONGEST_REPLY))

    with pytest.raises(ConnectionLost, match="too much"):
        await wire.reply(30)


async def test_what_a_relay_says_in_all_may_be_long_when_no_reply_is(open_wire: Open):
    said = b"250-hello\r\n250 " + b"x" * (wires.LONGEST_REPLY // 10) + b"\r\n"
    wire = await open_wire(saying(*[said] * 20))

    replies = [await wire.reply(30) for _ in range(20)]

    assert [reply.code for reply in replies] == [250] * 20
    assert wire.is_quiet


async def test_replies_that_nobody_asked_for_end_the_connection_when_they_are_too_many(open_wire: Open):
    many = await open_wire(saying(b"250 hello\r\n" * wires.MOST_REPLIES))
    too_many = await open_wire(saying(b"250 hello\r\n" * (wires.MOST_REPLIES + 1)))

    await until(lambda: not too_many.is_open)

    assert [(await many.reply(30)).code for _ in range(wires.MOST_REPLIES)] == [250] * wires.MOST_REPLIES
    assert many.is_quiet


async def test_a_relay_that_says_nothing_is_given_up_in_time(open_wire: Open):
    wire = await open_wire(saying())

    async with asyncio.timeout(30):
        with pytest.raises(ConnectionLost, match="in time"):
            await wire.reply(0.1)
    with pytest.raises(ConnectionLost, match="in time"):
        wire.write(b"NOOP\r\n")


async def test_each_wait_has_its_own_patience(open_wire: Open):
    """The second outlasts the first one's time limit, and the third is not given the second one's."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for delay in (0, 1.2):
            await reader.readline()
            await asyncio.sleep(delay)
            writer.write(b"250 ok\r\n")
        await reader.read()

    wire = await open_wire(relay)
    for patience in (1.0, 60.0):
        wire.write(b"NOOP\r\n")
        assert (await wire.reply(patience)).code == 250
    wire.write(b"NOOP\r\n")
    async with asyncio.timeout(30):
        with pytest.raises(ConnectionLost, match="in time"):
            await wire.reply(0.05)


@pytest.mark.parametrize("word", [b"421 4.3.2 going down\r\n", b"421-4.3.2 going\r\n", b"421 4.3"])
async def test_a_word_out_of_turn_is_noticed_also_before_its_end(open_wire: Open, word: bytes):
    wire = await open_wire(saying(word))
    assert wire.is_quiet

    await until(lambda: not wire.is_quiet)

    assert wire.is_open


async def test_drained_means_that_nothing_is_left_in_this_process(open_wire: Open):
    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    wire = await open_wire(never_read)
    wire.write(b"x" * 50_000_000)

    with pytest.raises(ConnectionLost, match="takes nothing more"):
        await wire.drain(0.1)


async def test_a_wire_that_was_lost_is_not_quiet_and_neither_drains_nor_answers(open_wire: Open):
    wire = await open_wire(saying())
    wire.abort("we have had enough")

    assert not wire.is_quiet
    with pytest.raises(ConnectionLost, match="had enough"):
        await wire.drain(3600)
    with pytest.raises(ConnectionLost, match="had enough"):
        await wire.reply(3600)


async def test_who_waits_until_all_has_left_goes_on_as_soon_as_it_has(open_wire: Open):
    """And also when it is written to again, and once more, after that."""
    wire = await open_wire(counting := Counting())
    for _ in range(2):
        wire.write(b"x" * 20_000_000)
        await wire.drain(60)
    await wire.drain(60)  # nothing is left to wait for

    wire.close()

    await asyncio.wait_for(counting.ended.wait(), 60)
    assert counting.count == 40_000_000


async def test_what_was_written_before_a_wire_is_closed_still_leaves(open_wire: Open):
    wire = await open_wire(counting := Counting())
    wire.write(b"x" * 20_000_000)

    wire.close()

    assert not wire.is_open
    await asyncio.wait_for(counting.ended.wait(), 60)
    assert counting.count == 20_000_000


class Counting:
    """A server that counts the bytes it is sent, until they end."""

    def __init__(self) -> None:
        self.count = 0
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1_000_000):
            self.count += len(chunk)
        self.ended.set()


async def test_an_aborted_wire_wakes_who_waits_for_it(open_wire: Open):
    wire = await open_wire(saying())
    waiting = asyncio.create_task(wire.reply(60))
    await asyncio.sleep(0.01)

    wire.abort("we have had enough")

    with pytest.raises(ConnectionLost, match="had enough"):
        await waiting


async def test_a_waiter_that_is_cancelled_leaves_the_wire_usable(open_wire: Open):
    wire = await open_wire(saying(b"", b"", b"", b"", b"", b"250 late\r\n"))
    waiting = asyncio.create_task(wire.reply(60))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert (await wire.reply(30)).text == "late"
