"""What shoppers ask for and do."""

from models.caller import Role
from tests.isolation.case import Case, mutation
from tests.selections import CLAIM, CONVERSATION, MESSAGE, OFFER, connection

CASES: dict[str, Case] = {
    "Query.offers": Case(
        Role.CUSTOMER,
        f"query ($shop: ID!) {{ offers(shopId: $shop) {connection(OFFER)} }}",
        lambda ids: {"shop": ids["Shop"]},
    ),
    "Query.claims": Case(Role.CUSTOMER, f"{{ claims(first: 5) {connection(CLAIM)} }}"),
    "Query.inbox": Case(Role.CUSTOMER, f"{{ inbox {connection(MESSAGE)} }}"),
    "Query.message": Case(
        Role.CUSTOMER, f"query ($id: ID!) {{ message(id: $id) {{ {MESSAGE} }} }}", lambda ids: {"id": ids["Message"]}
    ),
    "Mutation.couponClaim": Case(
        Role.CUSTOMER,
        mutation("couponClaim", f"claim {{ {CLAIM} }}"),
        lambda ids: {"input": {"id": ids["Offer"], "messageId": ids["Message"]}},
    ),
    "Mutation.messageReply": Case(
        Role.CUSTOMER,
        mutation("messageReply", f"conversation {{ {CONVERSATION} }}"),
        lambda ids: {"input": {"id": ids["Message"], "text": "Is it warm?"}},
    ),
    "Mutation.messageMarkRead": Case(
        Role.CUSTOMER,
        mutation("messageMarkRead", f"message {{ {MESSAGE} }}"),
        lambda ids: {"input": {"id": ids["Message"]}},
    ),
    "Mutation.messageClick": Case(
        Role.CUSTOMER,
        mutation("messageClick", f"message {{ {MESSAGE} }}"),
        lambda ids: {"input": {"id": ids["Message"]}},
    ),
    # Any shopper may block any shop, so for these only what they end is held apart, in tests of its own.
    "Mutation.emailUnsubscribe": Case(
        Role.CUSTOMER, mutation("emailUnsubscribe", "unsubscription { sender { id name isBlocked } mayStillArrive }")
    ),
    "Mutation.shopBlock": Case(Role.CUSTOMER, mutation("shopBlock", "sender { id name isBlocked }")),
    "Mutation.shopUnblock": Case(Role.CUSTOMER, mutation("shopUnblock", "sender { id name isBlocked }")),
    "Subscription.inboxMessage": Case(
        Role.CUSTOMER, f"subscription {{ inboxMessage {{ version unreadCount messages {{ {MESSAGE} }} }} }}"
    ),
}
