"""One SMTP connection's work: letter after letter, the final dot only after the ledger allows it (R22).

MAIL, RCPT, DATA and the body go out first. Then the *intent* is committed; only then the dot. Until the
dot the relay must forget the message if the connection closes (RFC 5321 §4.1.1.10), so a crash before
the intent repeats nothing, and one after it leaves at most one message per connection in doubt.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from jobs.channels.bookkeeping.group_commit import Grant, GroupCommit
from jobs.channels.smtp.outgoing import Outgoing, Source, no_such_address, not_left, refused, sent
from jobs.channels.smtp.wire import ConnectionLost, Reply, Wire
from models.clock import now
from models.delivery import DeliveryState, Reason
from models.errors import Refused
from models.intent import Settlement
from models.mail.envelope import Envelope
from models.slice import Waiting

log = logging.getLogger(__name__)

REPLY_WAIT = 300.0
"""Seconds to wait for any reply but that to the dot."""

DOT_WAIT = 600.0
"""Seconds to wait after the dot: a shorter patience duplicates mail (RFC 5321 §4.5.3.2.6)."""
MOST_TRIES = 3
"""How often a letter is begun on a fresh connection before it waits as if it had been refused for now."""


OUT_OF_TURN = "the relay spoke out of turn"


@dataclass(frozen=True, slots=True)
class Extensions:
    """Which of SMTP's service extensions the relay has: commands in one go (RFC 2920), addresses that are not ASCII (RFC 6531)."""

    pipelining: bool
    smtputf8: bool


@dataclass(slots=True)
class _Begun:
    """A letter whose envelope may leave. What it says is written when the wire has something to do meanwhile."""

    outgoing: Outgoing
    envelope: Envelope
    _body: bytes | None = None

    def body(self) -> bytes:
        """What goes between DATA and the dot, written once."""
        if self._body is None:
            self._body = self.outgoing.body()
        return self._body


class _OutOfStepError(ConnectionLost):
    """A reply that belongs to no command that was sent: what was taken for the answers before it may belong to none either."""


class _Refusal(NamedTuple):
    """A refusal, and whether it was of the sender: then the relay had not been told whom the letter goes to."""

    reply: Reply
    of_sender: bool = False

    def of(self, message: Waiting, attempt: int | None = None) -> Settlement:
        """What it means for a letter. A sender who is refused is nothing against the recipient's address."""
        settlement = refused(message, self.reply.code, self.reply.text, attempt=attempt)
        return settlement._replace(suppresses=False) if self.of_sender else settlement


class SmtpSession:
    """Sends letters over one open connection until there are none or it is lost.

    A settlement is not committed on its own while letters keep coming: it rides with the next intent.
    """

    def __init__(self, wire: Wire, commits: GroupCommit, source: Source, extensions: Extensions) -> None:
        self._wire = wire
        self._commits = commits
        self._source = source
        self._extensions = extensions
        self._current: Outgoing | None = None
        self._announced: _Begun | None = None
        self._settled: tuple[Settlement, Outgoing] | None = None
        self._was_idle = False
        """Whether no letter has been begun since the connection waited for one: what is lost then is lost by nobody's fault."""

    async def run(self, first: Outgoing) -> bool:
        """Send `first` and what follows; whether the connection was kept, but for the end that idle ones come to.

        Every letter taken is settled, put back or told to stay, however it ends.
        """
        self._current = first
        try:
            while self._current is not None or self._announced is not None:
                await self._send()
                if self._announced is None and self._current is None:
                    self._current = await self._next()
            if self._wire.is_open:
                self._wire.write(b"QUIT\r\n")
                self._wire.close()
        except ConnectionLost as error:
            log.info("connection to the relay lost: %s", error, extra=self._ids())
            return self._was_idle
        finally:
            if self._wire.is_open:
                self._wire.abort("the session ended")
            await asyncio.shield(self._wind_up())
        return True

    def _ids(self) -> dict[str, int | str]:
        """The ids of the letter that is concerned, for logs: its plan, and its delivery as its Message-ID has it."""
        outgoing = self._settled[1] if self._settled else self._current
        if outgoing is None:
            return {}
        message = outgoing.message
        return {"plan": message.plan_id, "delivery": f"{message.plan_id}.{message.customer_id.hex}"}

    async def _wind_up(self) -> None:
        """Store what is known, and let go of what was not sent."""
        if self._settled is not None:
            self._source.ended(self._settled[1], self._settled[0])
        await self._settle()
        for left in (self._current, self._announced.outgoing if self._announced else None):
            if left is not None:
                await self._again(left)

    async def _next(self) -> Outgoing | None:
        """The next letter: at once if one waits; else what is known is settled before waiting for one."""
        if not self._wire.is_open:
            return None
        outgoing = self._source.poll()
        if outgoing is None:
            await self._settle()
            outgoing = await self._source.wait()
            self._was_idle = True
        return outgoing

    async def _send(self) -> None:
        """One letter, from its envelope to its answer. It is in `_current` for as long as nothing became of it."""
        begun, self._announced = self._announced, None
        if begun is None:
            assert self._current is not None
            begun = await self._begin(self._current)
            if begun is None:
                return
            if not self._wire.is_quiet:
                self._wire.abort(OUT_OF_TURN)
                raise ConnectionLost(OUT_OF_TURN)
            self._was_idle = False
            if self._extensions.pipelining:
                self._wire.write(b"".join(begun.envelope.commands))
        else:
            self._current = begun.outgoing
        refusal = await self._transmit(begun)
        if refusal is None:
            await self._finish(begun.outgoing)
        else:
            await self._conclude(begun.outgoing, refusal.of(begun.outgoing.message))

    async def _begin(self, outgoing: Outgoing) -> _Begun | None:
        """The letter, addressed; None when it cannot be sent here, and that is settled."""
        try:
            envelope = outgoing.envelope()
        except Refused:
            await self._conclude(outgoing, no_such_address(outgoing.message))
            return None
        if envelope.needs_smtputf8 and not self._extensions.smtputf8:
            reason = "5.6.7 the relay takes no addresses that are not ASCII"
            await self._conclude(outgoing, refused(outgoing.message, 550, reason))
            return None
        return _Begun(outgoing, envelope)

    async def _conclude(self, outgoing: Outgoing, settlement: Settlement) -> None:
        """What became of a letter without an intent; one settlement rides along at a time."""
        await self._settle()
        self._off_the_wire(outgoing, settlement)

    async def _transmit(self, begun: _Begun) -> _Refusal | None:
        """Envelope and body; the refusal, if any. One that comes before the relay hangs up counts as well."""
        body = begun.body()
        refusal = await self._envelope(begun.envelope)
        if refusal is not None:
            return refusal
        try:
            self._wire.write(body)
            await self._wire.drain(REPLY_WAIT)
        except ConnectionLost:
            last_word = await self._last_word()
            if last_word is None:
                raise
            return _Refusal(last_word)
        return None

    async def _last_word(self) -> Reply | None:
        """What the relay refuses the letter for that it did not wait for the end of."""
        if self._wire.has_reply and (said := await self._wire.reply(0)).code >= 500:
            return said
        return None

    async def _envelope(self, envelope: Envelope) -> _Refusal | None:
        """The answers to MAIL, RCPT and DATA, which are on their way already where the relay allows it (RFC 2920).

        A refusal stands even if the relay hangs up after it, but not if it answers something else than was asked.
        """
        refusal = reply = None
        try:
            for command in envelope.commands:
                if not self._extensions.pipelining:
                    self._wire.write(command)
                reply = await self._wire.reply(REPLY_WAIT)
                self._check(reply, data=command is envelope.commands[-1])
                if reply.code >= 400:
                    refusal = refusal or _Refusal(reply, of_sender=command is envelope.commands[0])
                    if not self._extensions.pipelining:
                        break
            if refusal is not None:
                await self._forget(data_open=reply is not None and reply.code == 354)
        except _OutOfStepError:
            raise
        except ConnectionLost:
            if refusal is None:
                raise
        return refusal

    def _check(self, reply: Reply, *, data: bool) -> None:
        """421 is about the relay, not the letter; and only 354 opens DATA (RFC 5321 §4.2.2, §3.3)."""
        if reply.code == 421:
            self._wire.abort(f"421 {reply.text}")
            raise ConnectionLost(f"421 {reply.text}")
        if reply.code < 400 and (reply.code == 354) is not data:
            self._wire.abort(f"unexpected {reply.code}")
            raise _OutOfStepError(f"unexpected {reply.code}")

    async def _forget(self, *, data_open: bool) -> None:
        """Make the relay drop the transaction; a DATA it opened in spite of a refusal can only be cut off."""
        if data_open:
            self._wire.abort("the relay opened DATA after refusing the envelope")
            return
        self._wire.write(b"RSET\r\n")
        await self._wire.reply(REPLY_WAIT)

    async def _finish(self, outgoing: Outgoing) -> None:
        """The late dot: only for an intent that was granted, and in time."""
        message = outgoing.message
        if now() >= message.goes_until:
            self._wire.abort("the customer's day is over")
            self._off_the_wire(outgoing, None)
            return
        grant = await self._granted(outgoing)
        if grant is None:
            self._wire.abort("the message may not go any more")
            self._off_the_wire(outgoing, None)
            await self._source.denied(outgoing)
            return
        self._current = None
        try:
            self._dot(grant, outgoing, self._following())
        except BaseException:
            said = await self._last_word()
            never_left = _Refusal(said).of(message, grant.attempt) if said else not_left(message, attempt=grant.attempt)
            self._settled = self._settled or (never_left, outgoing)
            raise
        self._settled = (Settlement(message, grant.attempt, DeliveryState.UNKNOWN, Reason.CONNECTION_LOST), outgoing)
        await self._write_ahead()
        reply = await self._wire.reply(DOT_WAIT)
        if 200 <= reply.code < 300:
            self._off_the_wire(outgoing, sent(message, grant.attempt))
        elif reply.code >= 400:
            self._off_the_wire(outgoing, refused(message, reply.code, reply.text, attempt=grant.attempt))
        else:
            raise ConnectionLost(f"unexpected {reply.code}")

    async def _granted(self, outgoing: Outgoing) -> Grant | None:
        """The intent's answer. Cancelled while waiting for it, what it says is still settled: the dot never left."""
        settled, self._settled = self._settled, None
        asked = self._commits.exchange(settled[0] if settled else None, outgoing.message)
        try:
            grant = await asked
        except asyncio.CancelledError:
            grant = await asked
            if grant is not None:
                self._current = None
                never_left = Settlement(outgoing.message, grant.attempt, DeliveryState.PENDING)
                self._settled = (never_left, outgoing)
            raise
        finally:
            if settled:
                settled[1].finish()
        return grant

    def _following(self) -> _Begun | None:
        """The next letter, for its envelope to leave in the same breath as the dot; None when that cannot be."""
        outgoing = self._source.poll() if self._extensions.pipelining else None
        if outgoing is None:
            return None
        self._current = outgoing
        try:
            envelope = outgoing.envelope()
        except Refused:
            return None
        return _Begun(outgoing, envelope) if self._extensions.smtputf8 or not envelope.needs_smtputf8 else None

    def _dot(self, grant: Grant, outgoing: Outgoing, following: _Begun | None) -> None:
        """The dot, and the next envelope (RFC 2920 §3.1 allows it). Raises ConnectionLost when it did not leave."""
        if not self._wire.is_quiet:
            self._wire.abort(OUT_OF_TURN)
            raise ConnectionLost(OUT_OF_TURN)
        envelope = b"".join(following.envelope.commands) if following else b""
        if asyncio.get_running_loop().time() >= grant.until:
            self._settled = (Settlement(outgoing.message, grant.attempt, DeliveryState.PENDING), outgoing)
            self._wire.abort("the grant came too late")
            raise ConnectionLost("the grant came too late")
        self._wire.write(b".\r\n" + envelope)
        if following:
            self._current, self._announced = None, following

    async def _write_ahead(self) -> None:
        """Write the announced letter while the relay answers, but only once every other granted dot has left."""
        await asyncio.sleep(0)
        if self._announced is not None:
            with suppress(Exception):  # shown when its turn comes: the letter before it still waits for its answer
                self._announced.body()

    def _off_the_wire(self, outgoing: Outgoing, settlement: Settlement | None) -> None:
        """Something became of it, or nothing: then it is finished here and waits in the ledger."""
        if self._current is outgoing:
            self._current = None
        self._source.ended(outgoing, settlement)
        if settlement is None:
            outgoing.finish()
        else:
            self._settled = (settlement, outgoing)

    async def _again(self, outgoing: Outgoing) -> None:
        """A letter whose dot has not left may be begun anew, a few times; then it waits."""
        if not self._was_idle:
            outgoing.tries += 1
        if outgoing.tries < MOST_TRIES:
            self._source.ended(outgoing, None)
            self._source.put_back(outgoing)
        else:
            self._off_the_wire(outgoing, not_left(outgoing.message))
            await self._settle()

    async def _settle(self) -> None:
        """Commit the last settlement now, with no intent to ride with."""
        settled, self._settled = self._settled, None
        if settled is not None:
            await self._commits.settle(settled[0])
            settled[1].finish()
