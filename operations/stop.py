"""The commands `stop-sending` and `resume-sending`: the global stop, for whoever sits at the machine."""

from models import database, sending
from settings import Settings

NAME = "rekindle stop"
"""What PostgreSQL calls these commands."""

ACTOR = "COMMAND"
"""Who stopped or resumed, when it was a command."""


async def stop_sending(settings: Settings, reason: str) -> str:
    """Let nothing leave any more; what to tell. Refused without a reason."""
    async with database.connected(settings, application=NAME):
        held = await sending.stop(reason, actor=ACTOR)
        in_flight = (await sending.read()).in_flight
    since = held.stopped_at.isoformat(timespec="seconds")
    return f"stopped since {since} by {held.stopped_by}: {held.reason}\non the wire, and awaited: {in_flight}"


async def resume_sending(settings: Settings) -> str:
    """Let everything go on; what to tell."""
    async with database.connected(settings, application=NAME):
        held = await sending.resume(actor=ACTOR)
    return "it was not stopped" if held is None else f"it goes on; it was stopped for: {held.reason}"
