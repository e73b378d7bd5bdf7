"""Letters: a waiting message as SMTP will carry it, envelope and body (R21).

The Message-ID is the same whenever and wherever the same ledger row is sent, and the envelope's sender
carries the row's key (VERP), so that a bounce finds its way back without reading what bounced.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from models.clock import now
from models.content import Localised
from models.mail import MailForm
from models.mail.envelope import Envelope
from models.mail.header import address
from models.mail.return_path import ReturnKey, occasion, write_return_key
from models.plan import wording
from models.plan.wording import Text
from models.sender import Sender, of_plan
from models.signed_link import Link, Purpose, sign
from models.slice import Waiting
from settings import Settings


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a plan's letters: everything that readers of the same text share is prepared."""

    sender: Sender
    forms: Mapping[Text, MailForm]

    def envelope(self, message: Waiting) -> Envelope:
        """Whom a message goes to, and where it bounces to. Raises Refused when its address is none."""
        return Envelope.of(envelope_sender(message, self.sender), address(message.email or ""))

    def body(self, message: Waiting) -> bytes:
        """The mail of a message whose text is one of those prepared, dot-stuffed, without its final dot.

        Raises Refused when its address is none.
        """
        link = Link(self.sender.shop_id, message.plan_id, message.customer_id)
        touch, unsubscribe = (sign(self.sender.key, purpose, link) for purpose in (Purpose.TOUCH, Purpose.UNSUBSCRIBE))
        body = self.forms[message.language, message.variant].fill(
            recipient_name=message.name,
            address=message.email or "",
            message_id=message_id(message, self.sender.mail_domain),
            date=now(),
            values={"name": message.name, "link": f"{self.sender.public_url}/mail/{touch}/"},
            unsubscribe_url=f"{self.sender.public_url}/unsubscribe/{unsubscribe}",
        )
        return self.sender.signed(body, now())


async def writer(plan_id: int, texts: Collection[Text], *, settings: Settings) -> Writer:
    """A writer of this plan's letters with these texts."""
    sender = await of_plan(plan_id, settings)
    return Writer(sender, await _forms(plan_id, texts, sender))


def message_id(message: Waiting, mail_domain: str) -> str:
    """The Message-ID of a ledger row (RFC 5322 §3.6.4), the same at every attempt."""
    suffix = f".{occasion(message.reference)}" if message.reference else ""
    return f"<{message.plan_id}.{message.customer_id.hex}{suffix}@{mail_domain}>"


def envelope_sender(message: Waiting, sender: Sender) -> str:
    """Where bounces of this message go; its local part has at most 64 octets (RFC 5321 §4.5.3.1.1)."""
    key = ReturnKey(message.plan_id, message.customer_id, occasion(message.reference))
    return f"{write_return_key(sender.key, key)}@{sender.mail_domain}"


async def _forms(plan_id: int, texts: Collection[Text], sender: Sender) -> Mapping[Text, MailForm]:
    pinned = await wording.of_plan(plan_id, "EMAIL", texts)
    feedback_id = f"{plan_id}:{sender.shop_id}:marketing:rekindle"
    return {
        text: _form(localised, sender.shop_name, sender.address, sender.reply_to, feedback_id)
        for text, localised in pinned.items()
    }


@lru_cache(maxsize=64)
def _form(localised: Localised, name: str, address: str, reply_to: str | None, feedback_id: str) -> MailForm:
    """A text ready to be filled, prepared once for all slices of its plan: what is pinned never changes."""
    return MailForm.build(
        localised, sender_name=name, sender_address=address, reply_to=reply_to, feedback_id=feedback_id
    )
