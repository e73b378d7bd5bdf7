"""What plans are for: the scenarios that templates exist for, once-sent (R8) and automated (R9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.content.variable import ALWAYS, OF_PRODUCTS


class Destination(StrEnum):
    """Where a button may lead: nowhere but into the shop (R13)."""

    STORE = "STORE"
    PRODUCTS = "PRODUCTS"
    PRODUCT = "PRODUCT"
    CART = "CART"
    LIVE = "LIVE"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A reason to write to customers: where its button leads, and what its text may speak of besides ALWAYS."""

    code: str
    destination: Destination
    automated: bool = False
    concerns: frozenset[str] = frozenset()

    @property
    def variables(self) -> frozenset[str]:
        """The variables that a text for this scenario may use."""
        return ALWAYS | self.concerns


SCENARIOS: Mapping[str, Scenario] = {
    scenario.code: scenario
    for scenario in (
        Scenario("NEW_ARRIVAL", Destination.PRODUCTS),
        Scenario("LIMITED_TIME", Destination.PRODUCTS),
        Scenario("BEST_SELLERS", Destination.PRODUCTS),
        Scenario("PROMOTE_LIVE", Destination.LIVE),
        Scenario("SEASONAL_SALE", Destination.PRODUCTS),
        Scenario("FOLLOWERS_TO_CUSTOMERS", Destination.STORE),
        Scenario("BUY_AGAIN", Destination.PRODUCTS),
        Scenario("WIN_BACK", Destination.STORE),
        Scenario("ASK_FOR_REVIEWS", Destination.PRODUCTS),
        Scenario("WELCOME_FOLLOWER", Destination.STORE, automated=True),
        Scenario("LIVE_REMINDER", Destination.LIVE, automated=True, concerns=frozenset({"startsAt"})),
        Scenario("PRICE_DROP", Destination.PRODUCT, automated=True, concerns=OF_PRODUCTS),
        Scenario("ABANDONED_CART", Destination.CART, automated=True, concerns=OF_PRODUCTS),
        Scenario("INCOMPLETE_CHECKOUT", Destination.CART, automated=True, concerns=OF_PRODUCTS),
        Scenario("THANK_YOU", Destination.STORE, automated=True, concerns=OF_PRODUCTS | {"order"}),
        Scenario("ORDER_CONFIRMATION", Destination.STORE, automated=True, concerns=OF_PRODUCTS | {"order"}),
        Scenario("REPURCHASE_REMINDER", Destination.PRODUCT, automated=True, concerns=OF_PRODUCTS),
    )
}
"""Every scenario by its code, as the product lists them."""
