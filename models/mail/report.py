"""What comes back from mail systems, read: bounces, delays, proofs of delivery and complaints (R21).

Pure: bytes in, a `Report` out, or None for what says nothing about one of our mails (holiday replies above all).
Which message a report is about is believed only from what we have sealed ourselves: the return path it came
back to (VERP), or the unsubscribe link in the mail that it encloses. A Message-ID anybody may know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from itertools import islice

from models.mail import stranger
from models.mail.return_path import ANYWHERE, ReturnKey, read_return_key
from models.signed_link import LONGEST, Purpose, verify

LARGEST = 2**20
"""Bytes of the largest report that is taken: it may enclose the whole mail that it is about."""

MOST_CANDIDATES = 20
"""Return paths or links of a report that are tried before it is given up."""

UNSPECIFIC = "5.0.0"
"""Failed for good, and the report does not say why (RFC 3463 §3.1: other undefined status)."""

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)", re.ASCII)
_PERMANENT = re.compile(r"(?<![\w.])(5\.\d{1,3}\.\d{1,3})(?!\.?\w)", re.ASCII)
_LINK = re.compile(rb"/unsubscribe/([A-Za-z0-9_-]{20,%d})" % LONGEST)
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery (?:sub)?system", re.IGNORECASE)
_FAILURE = re.compile(
    r"undeliver|not be delivered|failure|failed|returned mail|returned to sender|bounce|non[ -]?remis", re.IGNORECASE
)
_NOT_YET = re.compile(r"delay|warning|still trying|not yet", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"^(?:--.*(?:copy|original|forwarded|below).*|(?:Return-Path|Received|List-Unsubscribe):.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
"""Feedback types (RFC 5965 §7.3) after which nothing more is wanted; `not-spam` and `auth-failure` are none."""

_DELIVERED = frozenset({"delivered", "relayed", "expanded"})


class Outcome(StrEnum):
    """What a report says became of the mail."""

    FAILED = "FAILED"
    """It will not arrive."""
    DELAYED = "DELAYED"
    """It has not arrived yet; whoever says so has it."""
    DELIVERED = "DELIVERED"
    """It arrived."""
    COMPLAINT = "COMPLAINT"
    """It arrived, and the reader called it spam."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report about one mail; `status` is the enhanced code (RFC 3463) of a failure or delay."""

    about: ReturnKey
    outcome: Outcome
    status: str | None = None


def read(raw: bytes, recipients: Sequence[str], keys: Sequence[bytes], *, sender: str | None = None) -> Report | None:
    """The report that a message is, or None.

    `recipients` and `sender` are its envelope's, as far as they are known; without a recipient of ours the
    message itself is searched for one. `keys` are those of return paths and links.
    """
    if len(raw) > LARGEST:
        return None
    about = _about(raw, recipients, keys)
    if about is None:
        return None
    try:
        said = _said(stranger.parse(raw), sender)
    except stranger.UnreadableError:
        return None
    except (LookupError, TypeError, ValueError, RecursionError):  # a charset or a structure nobody can make sense of
        return None
    return Report(about, *said) if said else None


def _about(raw: bytes, recipients: Sequence[str], keys: Sequence[bytes]) -> ReturnKey | None:
    """The ledger row a message is about, by the first thing in it that we have sealed."""
    for local_part in _local_parts(raw, recipients):
        if found := read_return_key(keys, local_part):
            return found
    for match in islice(_LINK.finditer(raw), MOST_CANDIDATES):
        if link := verify(keys, Purpose.UNSUBSCRIBE, match[1].decode()):
            return ReturnKey(link.plan_id, link.customer_id, "")
    return None


def _local_parts(raw: bytes, recipients: Sequence[str]) -> Iterator[str]:
    yield from (recipient.rpartition("@")[0] for recipient in recipients)
    yield from (match[0].decode() for match in islice(ANYWHERE.finditer(raw), MOST_CANDIDATES))


def _said(message: Message, sender: str | None) -> tuple[Outcome, str | None] | None:
    """What a message says, by its type; by its words only when it has none of the types that reports have."""
    kind = str(message.get_param("report-type", "")).lower()
    if message.get_content_type() == "multipart/report" or kind:
        for part in message.walk():
            match part.get_content_type():
                case "message/delivery-status" | "message/global-delivery-status":
                    return _of_groups(list(_groups(part))[1:])
                case "message/feedback-report":
                    return _of_feedback(next(_groups(part), None))
                case "message/disposition-notification":
                    return None
    return _of_words(message) if _is_bounce(message, sender) else None


def _groups(part: Message) -> Iterator[Message]:
    """The groups of fields of a status part (RFC 3464 §2.1): one about the message, then one per recipient."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return
    for group in payload:
        if isinstance(group, Message):
            yield group
            rest = group.get_payload()
            if isinstance(rest, str) and rest.strip():  # what the parser did not know to be groups
                blocks = rest.strip().split("\n\n")[: stranger.MOST_PARTS]
                yield from (stranger.parse(block.encode()) for block in blocks)


def _of_groups(groups: Sequence[Message]) -> tuple[Outcome, str | None] | None:
    """One mail of ours had one recipient: an alias behind it may have several, and one that has it is enough."""
    actions = [(str(group.get("Action", "")).strip().lower(), group) for group in groups]
    if any(action in _DELIVERED for action, _ in actions):
        return Outcome.DELIVERED, None
    for wanted, outcome in (("failed", Outcome.FAILED), ("delayed", Outcome.DELAYED)):
        for action, group in actions:
            if action == wanted:
                return outcome, _status(group)
    return None


def _status(group: Message) -> str:
    """A group's status, or that of the other system's own words where they say more (RFC 3464 §2.3.4, §2.3.6)."""
    told = [_STATUS.search(str(group.get(field, ""))) for field in ("Status", "Diagnostic-Code")]
    codes = [found[1] for found in told if found and found[1][0] != "2"]
    return next((code for code in codes if not code.endswith(".0.0")), codes[0] if codes else UNSPECIFIC)


def _of_feedback(fields: Message | None) -> tuple[Outcome, str | None] | None:
    kind = str(fields.get("Feedback-Type", "")).strip().lower() if fields is not None else ""
    return (Outcome.COMPLAINT, None) if kind in _COMPLAINTS else None


def _is_bounce(message: Message, sender: str | None) -> bool:
    """Whether a message without a report in it comes from a mail system rather than from somebody's holiday.

    Both may have an empty sender, and call themselves replies (RFC 3834 §2): then a mail system says its name.
    """
    if message.get("X-Failed-Recipients") or _DAEMON.search(str(message.get("From", ""))):
        return True
    automatic = str(message.get("Auto-Submitted", "")).lower()
    precedence = str(message.get("Precedence", "")).lower()
    if automatic.startswith("auto-replied") or "reply" in precedence or message.get("X-Autoreply"):
        return False
    origin = message.get("Return-Path", "") if sender is None else f"<{sender}>"
    return str(origin).strip() == "<>"


def _of_words(message: Message) -> tuple[Outcome, str | None] | None:
    """What a bounce of the older kinds says (qmail, Exim, and whoever writes prose), up to the mail it encloses."""
    subject = str(message.get("Subject", ""))
    words = _ORIGINAL.split(_text(message), maxsplit=1)[0]
    if _NOT_YET.search(subject):
        return None
    if message.get("X-Failed-Recipients") or _FAILURE.search(subject) or "qmail-send program" in words:
        found = _PERMANENT.search(words)
        return Outcome.FAILED, found[1] if found else UNSPECIFIC
    return None


def _text(message: Message) -> str:
    """The first readable part of a message."""
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return ""
