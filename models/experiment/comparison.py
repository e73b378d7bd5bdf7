"""Comparisons: customers written to held against those held out, and where the difference lies (B4). Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.experiment.interval import Interval, Sample, newcombe, welch

LEAST_HEADS = 100
"""Customers that each group needs before anything is said."""
LEAST_BUYERS = 20
"""Buyers that each group needs before anything is said of money: a few large orders would decide it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Customers written to, or held out, and what they bought; `gmv` in minor units.

    `powers`: sums of the first to fourth powers of what each customer spent, in minor units.
    """

    heads: int = 0
    buyers: int = 0
    orders: int = 0
    powers: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def gmv(self) -> int:
        """What its orders amount to."""
        return self.powers[0]

    @property
    def spent(self) -> Sample:
        """What its customers spent; it needs two of them."""
        return Sample.of(self.heads, self.powers)

    @property
    def bought(self) -> Sample:
        """Whether its customers bought at all, as zeros and ones."""
        return Sample.of(self.heads, (self.buyers,) * 4)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a head written to did, what a head held out did, and where the difference lies at 95 % confidence.

    `heads` were written to: so many times the difference is what outreach brought in all.
    """

    treated: float
    held_out: float
    interval: Interval
    heads: int

    @property
    def difference(self) -> float:
        """How much more a head written to did."""
        return self.treated - self.held_out


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups held against each other, once or (an experiment per pair) several times over.

    `pairs` are (written to, held out). Of several pairs each counts by how many it wrote to, so that plans
    with other shares held out do not distort one another.
    """

    pairs: Sequence[tuple[Group, Group]]

    @property
    def treated(self) -> Group:
        """All who were written to."""
        return _sum(treated for treated, _ in self.pairs)

    @property
    def held_out(self) -> Group:
        """All who were held out."""
        return _sum(held for _, held in self.pairs)

    @property
    def buyers(self) -> Difference | None:
        """Buyers per head; None when there are too few customers to tell."""
        if not self._has(LEAST_HEADS, 0):
            return None
        if len(self.pairs) == 1:
            [(one, other)] = self.pairs
            interval = newcombe(one.buyers, one.heads, other.buyers, other.heads)
            return Difference(one.buyers / one.heads, other.buyers / other.heads, interval, one.heads)
        return self._weighted([(one.bought, other.bought) for one, other in self.pairs]) if self.has_money else None

    @property
    def gmv(self) -> Difference | None:
        """Minor units per head; None when there are too few customers or buyers to tell."""
        return self._weighted([(one.spent, other.spent) for one, other in self.pairs]) if self.has_money else None

    @property
    def has_money(self) -> bool:
        """Whether there are enough buyers to speak of money."""
        return self._has(LEAST_HEADS, LEAST_BUYERS)

    @property
    def shortage(self) -> str | None:
        """What is too little to tell, with the numbers; None when nothing is."""
        groups = (("written to", self.treated), ("held out", self.held_out))
        if not self._has(LEAST_HEADS, 0):
            counts = ", ".join(f"{group.heads} customers {name}" for name, group in groups)
            return f"Too little data: {counts}; {LEAST_HEADS} of each are needed."
        if not self.has_money:
            counts = ", ".join(f"{group.buyers} buyers among the {name}" for name, group in groups)
            return f"Too little data about money: {counts}; {LEAST_BUYERS} of each are needed."
        return None

    def _has(self, heads: int, buyers: int) -> bool:
        """Whether both groups have so many customers and buyers."""
        return all(group.heads >= heads and group.buyers >= buyers for group in (self.treated, self.held_out))

    def _weighted(self, samples: Sequence[tuple[Sample, Sample]]) -> Difference:
        total = sum(treated.heads for treated, _ in self.pairs)
        weights = [treated.heads / total for treated, _ in self.pairs]
        treated = sum(weight * one.mean for weight, (one, _) in zip(weights, samples, strict=True))
        held_out = sum(weight * other.mean for weight, (_, other) in zip(weights, samples, strict=True))
        return Difference(treated, held_out, welch(samples, weights), total)


def _sum(groups: Iterable[Group]) -> Group:
    total = Group()
    for each in groups:
        first, second, third, fourth = (one + other for one, other in zip(total.powers, each.powers, strict=True))
        total = Group(
            total.heads + each.heads, total.buyers + each.buyers, total.orders + each.orders,
            (first, second, third, fourth),
        )  # fmt: skip
    return total
