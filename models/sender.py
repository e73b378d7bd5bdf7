"""Who a shop's emails are from: From, Reply-To, and what must be in order before they may go (R21).

The platform writes a shop's addresses, since whoever may choose a From address can pretend to be another shop.
A shop without an address of its own writes from the operator's mail domain.
"""

from dataclasses import dataclass
from datetime import datetime

from models import database, sender_domain
from models.delivery import MessageChannel
from models.errors import ErrorCode, Problem, Refused
from models.mail.dkim import Signer, signer
from models.plan.draft import PlanChannel
from models.sender_domain import DomainState, SenderDomain
from models.shop import Shop
from models.signed_link import keys_of
from settings import Settings


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes a plan's mails, and where their links lead.

    `mail_domain` is the operator's: bounces go there, whomever the mails are from.
    """

    shop_id: int
    shop_name: str
    own_address: str | None
    reply_to: str | None
    mail_domain: str
    public_url: str
    key: bytes
    signer: Signer | None = None

    @property
    def address(self) -> str:
        """The shop's own address, or else one at the operator's mail domain."""
        return _address(self.shop_id, self.own_address, self.mail_domain)

    def signed(self, mail: bytes, at: datetime) -> bytes:
        """A mail with its signature before it, where the operator's relay does not sign (DKIM)."""
        return self.signer.field(mail, at) + mail if self.signer else mail


async def of_plan(plan_id: int, settings: Settings) -> Sender:
    """Who writes a plan's mails."""
    shop = await database.fetch_one(
        "SELECT s.id, s.name, s.sender_address, s.reply_to FROM plan p JOIN shop s ON s.id = p.shop_id WHERE p.id = $1",
        plan_id,
    )
    assert shop is not None
    return _sender(shop["id"], shop["name"], shop["sender_address"], shop["reply_to"], settings)


def of_shop(shop: Shop, settings: Settings) -> Sender:
    """Who writes a shop's mails."""
    return _sender(shop.id, shop.name, shop.sender_address, shop.reply_to, settings)


async def require(shop: Shop, channel: PlanChannel, settings: Settings) -> None:
    """Refuse a plan that goes by email while the shop may not send any. Call in the transaction of the submit."""
    if MessageChannel.EMAIL not in channel.channels:
        return
    problems = await unmet(shop, settings)
    if problems:
        raise Refused(problems)


async def domain(shop: Shop, settings: Settings) -> SenderDomain | None:
    """What is known of the domain that the shop's emails are from; None when it is not looked at."""
    name = sender_domain.domain_of(of_shop(shop, settings).address)
    if not sender_domain.is_checked(name, settings):
        return None
    return await sender_domain.found_or_unchecked(name)


async def unmet(shop: Shop, settings: Settings) -> list[Problem]:
    """What keeps the shop's emails from going, beside its access; nothing when they may."""
    return [*_about_post(shop, settings), *_about_domain(await domain(shop, settings))]


def _about_domain(found: SenderDomain | None) -> list[Problem]:
    if found is None or found.state is DomainState.VERIFIED:
        return []
    if found.state is DomainState.UNCHECKED:
        message = f"Whether mail from {found.domain} will be believed is being looked up: try again in a minute."
        return [_not_ready(message)]
    return [_not_ready(finding.message) for finding in found.findings if finding.passes is False]


def _not_ready(message: str) -> Problem:
    return Problem(("channel",), message, ErrorCode.SENDER_NOT_READY, "R21")


def _about_post(shop: Shop, settings: Settings) -> list[Problem]:
    """Laws on marketing mail want a postal address in each (CAN-SPAM, 15 U.S.C. § 7704(a)(5)), whatever it says."""
    if settings.postal_address == "required" and not shop.postal_address:
        message = (
            "Every marketing email shows where the shop can be written to by post, and this shop has told of no"
            " postal address: the platform writes it (shopsUpsert, postalAddress)."
        )
        return [_not_ready(message)]
    return []


def _address(shop_id: int, own_address: str | None, mail_domain: str) -> str:
    return own_address or f"shop-{shop_id}@{mail_domain}"


def _sender(shop_id: int, name: str, own_address: str | None, reply_to: str | None, settings: Settings) -> Sender:
    return Sender(
        shop_id,
        name,
        own_address,
        reply_to,
        settings.mail_domain,
        settings.base_url,
        keys_of(settings)[0],
        signer(settings, sender_domain.domain_of(_address(shop_id, own_address, settings.mail_domain))),
    )
