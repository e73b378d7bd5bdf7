"""Intervals: published values, and experiments whose truth is known, repeated and counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.experiment.interval import LEVEL, Sample, newcombe, p_value, student, welch, wilson

EXPERIMENTS = 1000
SLACK = 4 * sqrt(EXPERIMENTS * LEVEL * (1 - LEVEL))
"""Four standard deviations of how many of so many experiments are covered, were the level exactly true."""


@dataclass(frozen=True)
class Crowd:
    """Customers of whom a share buys, each for a lognormal amount: a few buy much, as in shops."""

    size: int
    share: float
    spread: float = 0.8

    @property
    def spends(self) -> float:
        """What a head spends, in truth."""
        return self.share * exp(8 + self.spread**2 / 2)

    def observe(self, random: Random) -> list[int]:
        """What each buyer spent, in one experiment."""
        return [round(random.lognormvariate(8, self.spread)) for _ in self._buyers(random)]

    def _buyers(self, random: Random) -> Iterator[int]:
        """Who buys: the steps from one buyer to the next are geometric."""
        number = -1
        while True:
            number += 1 + int(log(1 - random.random()) / log(1 - self.share))
            if number >= self.size:
                return
            yield number


def sample(crowd: Crowd, spent: list[int]) -> Sample:
    return Sample.of(crowd.size, [sum(amount**power for amount in spent) for power in range(1, 5)])


@pytest.mark.parametrize("amount", [1_000_007, 10**9 + 7, 10**12 + 3])
def test_large_amounts_that_hardly_differ_have_the_variance_that_they_have(amount: int):
    amounts = [amount] * 100 + [amount + 1]

    found = Sample.of(len(amounts), [sum(each**power for each in amounts) for power in range(1, 5)])

    assert found.variance == pytest.approx(1 / 101)
    assert welch([(found, found)], [1.0]).excludes_zero is False


EFFECTS = {
    "none": (Crowd(9_500, 0.06), Crowd(500, 0.06)),
    "none, rare": (Crowd(40_000, 0.03), Crowd(2_000, 0.03)),
    "a fifth more": (Crowd(19_000, 0.06), Crowd(1_000, 0.05)),
    "twice as many": (Crowd(5_000, 0.10), Crowd(1_000, 0.05)),
    "harm": (Crowd(9_500, 0.05), Crowd(1_000, 0.07)),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_intervals_cover_the_truth_at_their_stated_rate(name: str):
    treated, held_out = EFFECTS[name]
    random = Random(20260115)
    shares = means = 0
    for _ in range(EXPERIMENTS):
        one, other = treated.observe(random), held_out.observe(random)
        share = newcombe(len(one), treated.size, len(other), held_out.size)
        shares += share.low <= treated.share - held_out.share <= share.high
        mean = welch([(sample(treated, one), sample(held_out, other))], [1.0])
        means += mean.low <= treated.spends - held_out.spends <= mean.high

    assert abs(shares - LEVEL * EXPERIMENTS) <= SLACK
    assert abs(means - LEVEL * EXPERIMENTS) <= SLACK


def test_the_interval_of_several_experiments_together_covers_at_its_stated_rate():
    plans = [
        (Crowd(4_000, 0.08), Crowd(400, 0.06)),
        (Crowd(900, 0.05), Crowd(900, 0.05)),
        (Crowd(2_000, 0.2), Crowd(200, 0.2)),
    ]
    total = sum(treated.size for treated, _ in plans)
    weights = [treated.size / total for treated, _ in plans]
    truth = sum(w * (one.spends - other.spends) for w, (one, other) in zip(weights, plans, strict=True))
    random = Random(7)
    covered = 0
    for _ in range(EXPERIMENTS):
        pairs = [(sample(one, one.observe(random)), sample(other, other.observe(random))) for one, other in plans]
        found = welch(pairs, weights)
        covered += found.low <= truth <= found.high

    assert abs(covered - LEVEL * EXPERIMENTS) <= SLACK


def test_chance_alone_seldom_looks_significant():
    treated, other = Crowd(2_000, 0.05), Crowd(2_000, 0.05)
    random = Random(11)
    found = sum(
        p_value(len(treated.observe(random)), treated.size, len(other.observe(random)), other.size) < 1 - LEVEL
        for _ in range(EXPERIMENTS)
    )

    assert abs(found - (1 - LEVEL) * EXPERIMENTS) <= SLACK


def test_published_examples_come_out():
    share, difference = wilson(81, 263), newcombe(56, 70, 48, 80)

    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)  # Newcombe 1998, part I, table I
    assert (round(difference.low, 4), round(difference.high, 4)) == (0.0524, 0.3339)  # part II, table II, method 10
    assert p_value(56, 70, 48, 80) == pytest.approx(0.00805, abs=1e-5)  # by hand: z = 2.650


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(5, 2.5706), (10, 2.2281), (20, 2.0860), (30, 2.0423), (100, 1.9840), (10**9, 1.9600)]
)
def test_student_s_quantiles_are_those_of_the_tables(freedom: int, quantile: float):
    assert student(0.975, freedom) == pytest.approx(quantile, abs=0.002 if freedom < 10 else 5e-5)


counts = st.integers(1, 10**6).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(counts, counts)
def test_an_interval_of_shares_holds_the_observed_difference_and_turns_round_with_the_groups(one, other):
    found, turned = newcombe(*one, *other), newcombe(*other, *one)
    difference = one[0] / one[1] - other[0] / other[1]

    assert -1 - 1e-9 <= found.low <= difference + 1e-9 and difference - 1e-9 <= found.high <= 1 + 1e-9
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low))
    assert 0 <= p_value(*one, *other) <= 1


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=50))
def test_a_sample_of_powers_is_the_sample_of_the_values(values):
    found = Sample.of(len(values), [sum(value**power for value in values) for power in range(1, 5)])
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)

    assert found.mean == pytest.approx(mean)
    assert found.variance == pytest.approx(variance, rel=1e-6, abs=1e-3)
    second, fourth = (
        sum((value - Fraction(sum(values), len(values))) ** power for value in values) for power in (2, 4)
    )
    assert found.tails == pytest.approx(float(max(0, len(values) * fourth / second**2 - 3)) if second else 0, abs=1e-9)


def test_groups_that_all_did_the_same_differ_by_nothing_or_by_exactly_that():
    same = Sample.of(10, [50, 250, 1250, 6250])

    found = welch([(same, Sample.of(10, [0, 0, 0, 0]))], [1.0])
    assert (found.low, found.high) == (5.0, 5.0)
