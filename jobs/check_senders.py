"""Job: look up whether mail from the domains that are due will be believed (R21)."""

import logging
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.resolver

from jobs.context import Context
from models import sender_domain
from models.mail.authentication import Look, LookUpFailed
from models.sender_domain import DomainState

log = logging.getLogger(__name__)

LOOK_UP_WITHIN = 5.0
"""Seconds that one look-up may take."""


async def check_senders(ctx: Context) -> None:
    """Look at what is due; what fails or is left over is found again by a later sweep."""
    for found in await sender_domain.check_due(ctx["settings"], looking_at()):
        if found.state is DomainState.FAILED:
            failed = ", ".join(finding.check for finding in found.findings if finding.passes is False)
            log.warning("mail from %s will not be believed: %s", found.domain, failed)


def looking_at(resolver: dns.asyncresolver.Resolver | None = None) -> Look:
    """Look-ups by this resolver, or by the system's."""

    async def look(name: str) -> Sequence[str]:
        try:
            answer = await (resolver or dns.asyncresolver.get_default_resolver()).resolve(
                name, "TXT", lifetime=LOOK_UP_WITHIN, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise LookUpFailed(type(error).__name__) from None
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return look
