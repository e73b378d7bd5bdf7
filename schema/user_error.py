"""What a caller can mend, as mutations answer it."""

import strawberry

from models.errors import ErrorCode
from schema.enums import describe

describe(
    ErrorCode,
    "What is wrong with an input. Codes are stable: switch on them, not on messages.",
    {
        "INVALID": "The value is not of the right form, or not in its range.",
        "NOT_FOUND": "There is no such thing, or it is not yours.",
        "TOO_LONG": "The text is longer than allowed.",
        "TOO_MANY": "There are more entries than allowed, or it was asked for too often.",
        "IN_FUTURE": "The time lies too far ahead of the server's clock: by more than five minutes, asOf at all, a LIVE's start by over 366 days.",
        "IN_PAST": "The time lies behind the server's clock by more than five minutes.",
        "WRONG_CURRENCY": "The amount is not in the shop's currency.",
        "UNKNOWN_LANGUAGE": "The language is not a BCP 47 tag.",
        "UNKNOWN_TIME_ZONE": "The time zone is not in the IANA database.",
        "CONFLICT": "It contradicts what is already stored, or names one thing twice.",
        "ILLEGAL_TRANSITION": "The plan's status does not allow this.",
        "MISSING_CONTENT": "A text that some customers would get is missing.",
        "UNKNOWN_VARIABLE": "The text uses a variable that does not exist.",
        "CHAT_BLOCKED": "The shopper has blocked the shop's chat, and is written to no more until they unblock it.",
        "FORBIDDEN_CONTENT": "The text leads out of the shop: a link, a messenger, a phone number or an e-mail address.",
        "KEY_REUSED": "The idempotency key was used with another input.",
        "ACCESS_FROZEN": "The shop's score is below 3.5, or it has none: no plan is created, changed, submitted, duplicated, resumed or retried.",
        "ACCESS_REVOKED": "The shop's score is below 3: no plan is created, changed, submitted, duplicated, resumed or retried.",
        "EMAIL_NOT_ALLOWED": "Email needs a score of 3.5 or more and a GMV above zero.",
        "SENDER_NOT_READY": "Email needs a postal address of the shop, and a sender that mailbox providers believe.",
        "QUOTA_EXHAUSTED": "This week's quota of one-time plans is used up.",
        "COUPON_NOT_RUNNING": "The coupon has not begun, or has ended, at that time.",
        "COUPON_SOLD_OUT": "All of the coupon's claims are taken.",
        "CLAIM_LIMIT_REACHED": "This customer has claimed the coupon as often as it allows.",
        "NOTHING_TO_RETRY": "Nothing of the plan failed, so nothing can be tried again.",
        "TERMS_FIXED": "What a coupon gives no longer changes once it is claimed or promised in a message.",
        "ORDER_DOES_NOT_QUALIFY": "The order does not meet the coupon's conditions.",
        "ALREADY_REDEEMED": "The claim, or the order, has been used with a coupon already.",
        "ERASED": "The customer was erased: nothing more is taken in about them.",
    },
    name="UserErrorCode",
)


@strawberry.type(description="One thing to mend in an input, of which nothing was stored.")
class UserError:
    """A problem, its place in the input, and its code."""

    field: list[str] = strawberry.field(
        description=(
            "Path into the input, or of a bulk call into the row; empty when it is about the whole. A place in a list is "
            "its number from 0 on; of texts it is their language, of quiet hours the region. What a plan says already "
            "has the path by which it was drafted."
        )
    )
    message: str = strawberry.field(description="What is wrong, for people, in English.")
    code: ErrorCode = strawberry.field(description="What is wrong, for programs.")
    rule: str | None = strawberry.field(description="The product rule behind it, such as R17, where there is one.")
