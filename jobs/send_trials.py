"""Job: send the trials that sellers asked for, one connection, one after the other."""

import logging

from jobs.channels.smtp.relay import UNREACHABLE, Address, Relay
from jobs.channels.smtp.session import Extensions
from jobs.channels.smtp.wire import ConnectionLost, Reply, Wire
from jobs.context import Context
from models import trial
from models.delivery import DeliveryState
from models.errors import Refused
from models.mail import bounce
from models.mail.envelope import Envelope
from models.trial import Trial, TrialLetter
from settings import Settings

log = logging.getLogger(__name__)

REPLY_WAIT = 60.0
"""Seconds to wait for each reply of the relay."""


async def send_trials(ctx: Context) -> None:
    """Send what waits. Safe to run many times at once; what a crash leaves in flight is never sent again."""
    taken = await trial.take()
    if not taken:
        return
    settings = ctx["settings"]
    try:
        wire, extensions = await _relay(settings).connect()
    except UNREACHABLE as error:
        log.warning("trials wait for the relay: %s", error)
        for each in taken:
            await trial.settle(each, DeliveryState.PENDING, "RELAY_UNAVAILABLE")
        return
    try:
        for each in taken:
            await _send(wire, extensions, each, settings)
        wire.write(b"QUIT\r\n")
    finally:
        wire.close()


def _relay(settings: Settings) -> Relay:
    """The first of the operator's relays."""
    url = (settings.smtp_url or "").split()[0]
    encrypted = settings.smtp_tls == "required"
    return Relay(Address.parse(url), limit=1, encrypted=encrypted, local_hostname=settings.mail_domain)


async def _send(wire: Wire, extensions: Extensions, each: Trial, settings: Settings) -> None:
    """Send one trial and settle it."""
    try:
        letter = await trial.write(each, settings=settings)
    except Refused as refused:
        await trial.settle(each, DeliveryState.FAILED, refused.problems[0].message)
        return
    await trial.settle(each, *await _transmit(wire, extensions, letter))


async def _transmit(wire: Wire, extensions: Extensions, letter: TrialLetter) -> tuple[DeliveryState, str | None]:
    """Send a letter; what became of it, as a state and a reason."""
    if letter.envelope.needs_smtputf8 and not extensions.smtputf8:
        return DeliveryState.FAILED, "5.6.7"
    try:
        reply = await _send_envelope(wire, letter.envelope)
    except ConnectionLost:
        return DeliveryState.PENDING, "CONNECTION_LOST"
    if reply.code < 400:
        try:
            wire.write(letter.body + b".\r\n")
            reply = await wire.reply(REPLY_WAIT)
        except ConnectionLost:
            return DeliveryState.UNKNOWN, "CONNECTION_LOST"
    if reply.code < 400:
        return DeliveryState.SENT, None
    return DeliveryState.FAILED, bounce.judge(reply.code, reply.text).status


async def _send_envelope(wire: Wire, envelope: Envelope) -> Reply:
    """The reply to DATA, or the first refusal before it."""
    reply = Reply(250, "")
    for command in envelope.commands:
        wire.write(command)
        reply = await wire.reply(REPLY_WAIT)
        if reply.code >= 400:
            wire.write(b"RSET\r\n")
            await wire.reply(REPLY_WAIT)
            break
    return reply
