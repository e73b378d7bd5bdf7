"""What DNS says of a domain that mail is from, judged: SPF, DKIM and DMARC, and what to mend (R21).

Pure: records in, findings out. Mailbox providers refuse bulk mail without them. SPF is about the envelope's
domain, which is the operator's; DKIM and DMARC are about the domain in From, where the two must agree.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.mail import spf
from models.mail.spf import Answer

Look = Callable[[str], Awaitable[Sequence[str]]]
"""Looks up the TXT records of a name, each as one text; none is an answer. Raises LookUpFailed when there is none."""

MOST_LABELS = 8
"""Labels from which the search for a DMARC record begins (RFC 9989 §4.10)."""


class LookUpFailed(Exception):
    """DNS did not say: it could not be asked, or did not know just now."""


class SenderCheckKind(StrEnum):
    """What is looked at."""

    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"


@dataclass(frozen=True, slots=True)
class SenderFinding:
    """What one check found: whether it passes (None when DNS did not say), and what there is or what to mend."""

    check: SenderCheckKind
    passes: bool | None
    message: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be found: the domain in From, the envelope's, and how its mails are signed.

    `public_key` is ours in base64, when we sign ourselves.
    """

    domain: str
    mail_domain: str
    selector: str | None
    public_key: str | None = None


async def check(expected: Expected, look: Look) -> list[SenderFinding]:
    """Look up everything, and judge it."""
    sent_for = await spf.gather(expected.mail_domain, lambda name: _ask(look, name))
    dkim = await _ask(look, f"{expected.selector}._domainkey.{expected.domain}") if expected.selector else []
    dmarc: Answer = []
    for name in dmarc_names(expected.domain):
        dmarc = await _ask(look, name)
        if dmarc is None or _of_version(dmarc, "DMARC1"):
            break
    return [judge_spf(expected, sent_for), judge_dkim(expected, dkim), judge_dmarc(expected, dmarc)]


async def _ask(look: Look, name: str) -> Answer:
    try:
        return await look(name)
    except LookUpFailed:
        return None


def dmarc_names(domain: str) -> list[str]:
    """Where a domain's DMARC record may stand: at the domain, or at one above it, but for the topmost."""
    labels = domain.split(".")
    above = [labels[start:] for start in range(max(1, len(labels) - MOST_LABELS + 1), len(labels) - 1)]
    return [f"_dmarc.{'.'.join(each)}" for each in (labels, *above)]


def judge_spf(expected: Expected, records: Mapping[str, Answer]) -> SenderFinding:
    """Whether the envelope's domain names who may send for it, and not everybody; `records` as `spf.gather` found them."""
    where = expected.mail_domain
    try:
        wrong = spf.fault(where, records)
    except spf.Unanswered as unanswered:
        return _unknown(SenderCheckKind.SPF, str(unanswered))
    return (
        _fails(SenderCheckKind.SPF, wrong)
        if wrong
        else SenderFinding(SenderCheckKind.SPF, True, f"{where} says who may send for it.")
    )


def judge_dkim(expected: Expected, records: Answer) -> SenderFinding:
    """Whether the key that signs the mails is published, and is ours where we sign."""
    if expected.selector is None:
        return _fails(SenderCheckKind.DKIM, "Under which selector mails are signed is not known: set DKIM_SELECTOR.")
    where = f"{expected.selector}._domainkey.{expected.domain}"
    if records is None:
        return _unknown(SenderCheckKind.DKIM, where)
    ours = f": publish the TXT record 'v=DKIM1; k=rsa; p={expected.public_key}'" if expected.public_key else ""
    keys = [tags for tags in map(_tags, records) if "p" in tags and tags.get("v", "DKIM1") == "DKIM1"]
    if len(keys) != 1:
        there = "There is no key" if not keys else "There are several keys"
        return _fails(SenderCheckKind.DKIM, f"{there} at {where}{ours}.")
    published = re.sub(r"\s", "", keys[0]["p"])
    if not published:
        return _fails(SenderCheckKind.DKIM, f"The key at {where} is revoked{ours}.")
    if expected.public_key and published != expected.public_key:
        return _fails(SenderCheckKind.DKIM, f"The key at {where} is not the one that mails are signed with{ours}.")
    return SenderFinding(SenderCheckKind.DKIM, True, f"The key is published at {where}.")


def judge_dmarc(expected: Expected, records: Answer) -> SenderFinding:
    """Whether the domain in From has a policy: providers of bulk mailboxes ask for one, be it `none`."""
    if records is None:
        return _unknown(SenderCheckKind.DMARC, f"_dmarc.{expected.domain}")
    found = _of_version(records, "DMARC1")
    where = f"_dmarc.{expected.domain}"
    if len(found) != 1:
        there = "There is no DMARC record" if not found else f"There are {len(found)} DMARC records"
        return _fails(
            SenderCheckKind.DMARC, f"{there} at {where}: publish one TXT record such as 'v=DMARC1; p=quarantine'."
        )
    policy = found[0].get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return _fails(
            SenderCheckKind.DMARC, f"The DMARC record for {expected.domain} has no policy: add p=quarantine or p=none."
        )
    return SenderFinding(SenderCheckKind.DMARC, True, f"The policy of {expected.domain} is {policy}.")


def _of_version(records: Sequence[str], version: str) -> list[Mapping[str, str]]:
    return [tags for tags in map(_tags, records) if tags.get("v") == version]


def _tags(record: str) -> dict[str, str]:
    """A record's tags (RFC 6376 §3.2), names in lower case."""
    pairs = (tag.partition("=") for tag in record.split(";"))
    return {name.strip().lower(): value.strip() for name, mark, value in pairs if mark}


def _fails(which: SenderCheckKind, message: str) -> SenderFinding:
    return SenderFinding(which, False, message)


def _unknown(which: SenderCheckKind, where: str) -> SenderFinding:
    return SenderFinding(which, None, f"DNS did not answer about {where}.")
