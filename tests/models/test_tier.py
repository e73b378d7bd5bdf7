"""Tiers are data: read, checked, and applied to a shop's GMV (R17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tier import read, terms, tier_of

TOML = """
[[tiers]]
name = "T1"
basic = 3
[[tiers]]
name = "T2"
basic = 4
[bounds]
USD = [100]
[rewards]
window_days = 28
least_sent = 1
least_shops = 5
beaten_percent = 70
"""


def test_the_basic_quotas_are_those_of_the_rule():
    assert [(tier.name, tier.basic) for tier in terms().tiers] == [
        ("T1", 3), ("T2", 4), ("T3", 6), ("T4", 7), ("T5", 8),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gmv", "tier"),
    [
        (None, "T1"), (0, "T1"), (999_99, "T1"), (1_000_00, "T2"), (9_999_99, "T2"), (10_000_00, "T3"),
        (50_000_00, "T4"), (250_000_00, "T5"), (10**15, "T5"),
    ],
)  # fmt: skip
def test_a_tier_begins_at_its_bound(gmv, tier):
    assert tier_of(gmv, "USD").name == tier


def test_a_currency_without_bounds_is_in_the_lowest_tier_unless_the_platform_says_otherwise():
    assert (tier_of(10**12, "XAU").name, tier_of(10**12, "XAU", "T4").name) == ("T1", "T4")


def test_a_tier_that_is_not_in_the_file_any_more_counts_for_nothing():
    assert tier_of(10_000_00, "USD", "PLATINUM").name == "T3"


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(sorted(terms().bounds)))
def test_more_gmv_never_means_a_lower_quota(one, other, currency):
    low, high = sorted((one, other))
    assert tier_of(low, currency).basic <= tier_of(high, currency).basic


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (TOML.replace('"T2"', '"T1"'), "tiers"),
        (TOML.replace("basic = 4", "basic = -1"), "tiers"),
        (TOML.replace("[100]", "[100, 200]"), "bounds.USD"),
        (TOML.replace("[100]", "[]"), "bounds.USD"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(wrong, what):
    assert read(TOML).bounds == {"USD": (100,)}
    with pytest.raises(ValueError, match=what):
        read(wrong)
