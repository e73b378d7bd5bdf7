"""Domains that mail is from: what DNS says of each, looked at daily, and sooner while something is to mend (R21).

What a look could not find out changes nothing: a domain that was in order stays so while DNS is away. A domain
that ceases to be in order stops further submits; plans under way go on.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from models import database
from models.clock import now
from models.mail import authentication
from models.mail.authentication import Expected, Look, SenderCheckKind, SenderFinding
from models.mail.dkim import public_key
from settings import Settings

EVERY = timedelta(days=1)
"""How often a domain that is in order is looked at."""

SOON = timedelta(hours=1)
"""How soon one that is not is looked at again."""

AT_MOST_EVERY = timedelta(minutes=1)
"""How often somebody may ask for a look."""

AT_ONCE = 20
"""Domains looked at in one go."""


class DomainState(StrEnum):
    """What is known of a domain."""

    UNCHECKED = "UNCHECKED"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """A domain and what the last look at it found."""

    domain: str
    state: DomainState
    findings: Sequence[SenderFinding]
    checked_at: datetime | None


def domain_of(address: str) -> str:
    """The domain of an address."""
    return address.rpartition("@")[2].lower()


def is_checked(domain: str, settings: Settings) -> bool:
    """Whether a domain is looked at: not when that is waived, nor one that never leaves this machine (RFC 6761 §6.3)."""
    is_local = domain == "localhost" or domain.endswith(".localhost")
    return settings.sender_check == "required" and (settings.production or not is_local)


def state_after(findings: Sequence[SenderFinding], before: DomainState) -> DomainState:
    """One failure fails; all must pass; what DNS did not say leaves it as it was."""
    if any(finding.passes is False for finding in findings):
        return DomainState.FAILED
    return DomainState.VERIFIED if all(finding.passes for finding in findings) else before


async def find(domain: str) -> SenderDomain | None:
    """What is known of a domain."""
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM sender_domain WHERE domain = $1", domain)
    return _domain(row) if row else None


async def found_or_unchecked(domain: str) -> SenderDomain:
    """What is known of a domain that is looked at: nothing until a worker has noted it."""
    return await find(domain) or SenderDomain(domain, DomainState.UNCHECKED, (), None)


async def is_due(settings: Settings) -> bool:
    """Whether a domain waits to be looked at: the operator's own, or that of a shop's address."""
    if settings.sender_check == "waived":
        return False
    await database.execute(_NOTE, settings.mail_domain.lower(), now(), settings.production)
    return bool(await _due(1))


async def ask(domain: str) -> bool:
    """Have a domain looked at again now; False when that was done a moment ago."""
    at = now()
    return bool(
        await database.execute(
            "UPDATE sender_domain SET due_at = $2 WHERE domain = $1 AND (checked_at IS NULL OR checked_at <= $3)",
            domain, at, at - AT_MOST_EVERY,
        )
    )  # fmt: skip


async def check_due(settings: Settings, look: Look) -> list[SenderDomain]:
    """Look at the domains that are due (at most `AT_ONCE`), and keep what was found. Two at once do no harm."""
    checked = []
    for before in await _due(AT_ONCE):
        expected = Expected(before.domain, settings.mail_domain.lower(), settings.dkim_selector, public_key(settings))
        began = now()
        findings = await authentication.check(expected, look)
        checked.append(await _keep(before, findings, began))
    return checked


async def _due(limit: int) -> list[SenderDomain]:
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM sender_domain WHERE due_at <= $1 ORDER BY due_at, domain LIMIT $2", now(), limit
    )
    return [_domain(row) for row in rows]


async def _keep(before: SenderDomain, findings: Sequence[SenderFinding], began: datetime) -> SenderDomain:
    """Keep what a look found that `began` then; one that was asked for since is still to come."""
    at = now()
    state = state_after(findings, before.state)
    is_settled = state is DomainState.VERIFIED and all(finding.passes for finding in findings)
    await database.execute(
        "UPDATE sender_domain SET state = $2, findings = $3, checked_at = $4,"
        " due_at = CASE WHEN due_at > $6 THEN due_at ELSE $5 END WHERE domain = $1",
        before.domain,
        state,
        orjson.dumps([asdict(finding) for finding in findings]).decode(),
        at,
        at + (EVERY if is_settled else SOON),
        began,
    )
    return SenderDomain(before.domain, state, findings, at)


def _domain(row: database.Record) -> SenderDomain:
    findings = [
        SenderFinding(SenderCheckKind(each["check"]), each["passes"], each["message"])
        for each in database.decode(row[2])
    ]
    return SenderDomain(row[0], DomainState(row[1]), findings, row[3])


_COLUMNS = "domain, state, findings, checked_at"

_NOTE = """
INSERT INTO sender_domain (domain, state, due_at)
SELECT domain, 'UNCHECKED', $2 FROM (
    SELECT $1 AS domain
    UNION SELECT lower(split_part(sender_address, '@', 2)) FROM shop WHERE sender_address IS NOT NULL
) wanted WHERE NOT EXISTS (SELECT FROM sender_domain k WHERE k.domain = wanted.domain)
  AND ($3 OR NOT (domain = 'localhost' OR domain LIKE '%.localhost'))
ON CONFLICT DO NOTHING
"""
