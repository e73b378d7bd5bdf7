"""Mail relays: each is connected to, secured and entered as a worker would; no mail is sent."""

from collections.abc import AsyncIterator

from jobs.channels.smtp.relay import UNREACHABLE, Address, Relay
from operations.doctor.diagnosis import Diagnosis, fail, ok
from settings import Settings


async def check(settings: Settings) -> AsyncIterator[Diagnosis]:
    """One diagnosis for each relay."""
    for url in (settings.smtp_url or "").split():
        yield await _try(Address.parse(url), settings)


async def _try(address: Address, settings: Settings) -> Diagnosis:
    relay = Relay(address, limit=1, encrypted=settings.smtp_tls == "required", local_hostname=settings.mail_domain)
    subject = f"relay {address.name}"
    try:
        wire, offers = await relay.connect()
    except UNREACHABLE as error:
        return fail(subject, f"{type(error).__name__}: {error}", _mend(error))
    wire.write(b"QUIT\r\n")
    wire.close()
    how = "encrypted" if address.implicit_tls or settings.smtp_tls == "required" else "not encrypted"
    entered = ", entered" if address.username else ""
    return ok(subject, f"{how}{entered}{', pipelining' if offers.pipelining else ''}")


def _mend(error: Exception) -> str:
    kind = type(error).__name__
    if "Authentication" in kind:
        return "see user and password in SMTP_URL"
    if "TLS" in str(error) or "SSL" in kind or "certificate" in str(error).lower():
        return "give the relay a certificate that this machine trusts; SMTP_TLS=none only for one on the same host"
    return "see that the relay runs, and that host and port of SMTP_URL are its own"
