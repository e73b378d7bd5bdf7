"""Who a shop's emails are from, and what DNS says of it, as its sellers see it."""

from datetime import datetime

import strawberry

from models.mail.authentication import SenderCheckKind
from models.sender_domain import DomainState
from resolvers import sender as resolvers
from schema.enums import describe
from schema.user_error import UserError

describe(
    SenderCheckKind,
    "What mailbox providers look at before they believe a sender.",
    {
        "SPF": "Who may send for the domain that bounces go to (RFC 7208).",
        "DKIM": "Whether the key that signs the mails is published (RFC 6376).",
        "DMARC": "Whether the domain says what to do with mail that is not its own (RFC 9989).",
    },
)
describe(
    DomainState,
    "What is known of a domain that mail is from.",
    {
        "UNCHECKED": "It has not been looked at yet.",
        "VERIFIED": "Everything was in order when it was last looked at.",
        "FAILED": "Something is to mend.",
    },
)


@strawberry.type(description="What one look at a domain found.")
class SenderFinding:
    """One check."""

    check: SenderCheckKind = strawberry.field(description="What was looked at.")
    passes: bool | None = strawberry.field(description="Whether it is in order; null when DNS did not answer.")
    message: str = strawberry.field(description="What there is, or what to mend.")


@strawberry.type(
    description="A domain that mail is from. It is looked at daily, and hourly while something is to mend."
)
class SenderDomain:
    """What DNS says of a domain."""

    domain: str = strawberry.field(description="The domain in From.")
    state: DomainState = strawberry.field(description="What is known of it.")
    findings: list[SenderFinding] = strawberry.field(description="What the last look found; empty before the first.")
    checked_at: datetime | None = strawberry.field(
        description="When it was last looked at; null before the first time."
    )


@strawberry.type(description="Who a shop's emails are from, as the platform wrote it.")
class EmailSender:
    """The addresses of a shop's emails."""

    address: str = strawberry.field(resolver=resolvers.address, description="The address its emails are from.")
    reply_to: str | None = strawberry.field(
        description="Where answers go; null when there is none: they go back to `address`."
    )
    postal_address: str | None = strawberry.field(
        description="Where the shop can be written to by post, at the foot of each of its emails; null when not told."
    )
    domain = strawberry.field(
        resolver=resolvers.domain,
        graphql_type=SenderDomain | None,
        description="What DNS says of the address's domain; null where the operator has waived the check.",
    )
    unmet: list[str] = strawberry.field(
        resolver=resolvers.unmet,
        description="What is left to mend before a plan may be submitted that goes by email; empty when it may.",
    )


@strawberry.type(description="What became of senderCheck.")
class SenderCheckPayload:
    """The domain as it is known until the look is done, or why there is none."""

    domain: SenderDomain | None = strawberry.field(
        description="The domain, as it was before this look; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="What is wrong with the call.")
