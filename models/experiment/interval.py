"""Intervals of confidence for what two groups differ by, and how surely two shares differ (B4, B7).

Pure functions of counts and sums. An interval of level 0.95 covers the true difference in 95 of 100 experiments;
tests/models/experiment/test_interval.py repeats experiments whose truth is known, and counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEVEL = 0.95
LEAST_FREEDOM = 4.0
"""Degrees of freedom that are assumed at least; below, an interval says nothing any more."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a difference lies."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether there is a difference, as surely as the interval's level says."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A mean of `size` values, their variance (divided by size − 1), and how much heavier than a normal's their tails are.

    `tails` is the excess kurtosis: what a few customers spend varies far more than their number does.
    """

    size: int
    mean: float
    variance: float
    tails: float

    @classmethod
    def of(cls, size: int, powers: Sequence[int]) -> "Sample":
        """The sample of `size` ≥ 2 whole values whose first to fourth powers have these sums.

        In whole numbers to the last division: of large amounts that hardly differ, floats would leave no variance, or a
        negative one.
        """
        first, second, third, fourth = powers
        spread = size * second - first**2  # variance times size²
        high = size**3 * fourth - 4 * size**2 * third * first + 6 * size * second * first**2 - 3 * first**4
        tails = max(0.0, high / spread**2 - 3) if spread else 0.0
        return cls(size, first / size, spread / (size * (size - 1)), tails)


def wilson(part: int, whole: int, level: float = LEVEL) -> Interval:
    """Where a share lies of which `part` of `whole` were seen (Wilson 1927)."""
    z = _normal(level)
    share, spread = part / whole, z * z / whole
    middle = share + spread / 2
    reach = z * sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return Interval(max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread)))


def newcombe(part: int, whole: int, other_part: int, other_whole: int, level: float = LEVEL) -> Interval:
    """Where the difference of two shares lies, the first less the other (Newcombe 1998, method 10).

    It holds for small counts too, where the usual interval is too narrow.
    """
    one, other = part / whole, other_part / other_whole
    mine, theirs = wilson(part, whole, level), wilson(other_part, other_whole, level)
    difference = one - other
    below = sqrt((one - mine.low) ** 2 + (theirs.high - other) ** 2)
    above = sqrt((mine.high - one) ** 2 + (other - theirs.low) ** 2)
    return Interval(difference - below, difference + above)


def welch(pairs: Sequence[tuple[Sample, Sample]], weights: Sequence[float]) -> Interval:
    """Where a weighted sum of differences of means lies, each the first sample's less the second's (Welch 1947).

    The pairs are experiments of their own; one pair of weight 1 is Welch's interval as it is known, but for its
    degrees of freedom: a variance that few values make up is less sure than Satterthwaite's formula has it, which is
    made for normal values. So the variance of each variance is taken with the sample's own tails.
    """
    parts = [
        (weight * weight * sample.variance / sample.size, 1 / (sample.size - 1) + sample.tails / (2 * sample.size))
        for pair, weight in zip(pairs, weights, strict=True)
        for sample in pair
    ]
    difference = sum(w * (one.mean - other.mean) for (one, other), w in zip(pairs, weights, strict=True))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return Interval(difference, difference)
    freedom = variance * variance / sum(part * part * unsure for part, unsure in parts)
    reach = student(1 - (1 - LEVEL) / 2, max(freedom, LEAST_FREEDOM)) * sqrt(variance)
    return Interval(difference - reach, difference + reach)


def student(probability: float, freedom: float) -> float:
    """The quantile of Student's t (Abramowitz and Stegun 26.7.5); to three digits from five degrees of freedom on."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def p_value(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """How often chance alone would make two shares differ by so much or more (two-sided z-test, pooled)."""
    pooled = (part + other_part) / (whole + other_whole)
    variance = pooled * (1 - pooled) * (1 / whole + 1 / other_whole)
    if variance == 0:
        return 1.0
    return 2 * NormalDist().cdf(-abs(part / whole - other_part / other_whole) / sqrt(variance))


def _normal(level: float) -> float:
    return NormalDist().inv_cdf(1 - (1 - level) / 2)
