"""Rates: what share of the messages that arrived was read, was clicked, or led to an order (R23)."""

from typing import Protocol


def rate(part: int, whole: int) -> float | None:
    """`part` of `whole`; None when there is no whole, for then nothing can be said."""
    return part / whole if whole else None


class Counts(Protocol):
    """What rates are made of. `orders` are credited ones that stand."""

    @property
    def delivered(self) -> int:
        """Messages that arrived, as far as is known."""

    @property
    def read(self) -> int:
        """Of them, those that a person read."""

    @property
    def clicked(self) -> int:
        """Of them, those that a person clicked."""

    @property
    def orders(self) -> int:
        """Orders that they are credited with."""


class Rates:
    """The rates of whatever has such counts, 0–1; None before anything was delivered."""

    __slots__ = ()

    @property
    def read_rate(self: Counts) -> float | None:
        """Read of delivered."""
        return rate(self.read, self.delivered)

    @property
    def click_rate(self: Counts) -> float | None:
        """Clicked of delivered."""
        return rate(self.clicked, self.delivered)

    @property
    def order_rate(self: Counts) -> float | None:
        """Standing orders of delivered: above 1 when many buy twice."""
        return rate(self.orders, self.delivered)
