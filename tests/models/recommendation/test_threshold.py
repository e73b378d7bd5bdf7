"""The thresholds of recommendations: what holds together, and that every rule has those that it asks for (R25)."""

from datetime import timedelta

import pytest

from models.recommendation import RecommendationKind
from models.recommendation.threshold import FILE, NEEDS, read, thresholds

LIMITS = thresholds()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("percent = 5.0\nleast_sent = 200\n\n[EMAILS", "percent = 5.0\n\n[EMAILS"), "UNSUBSCRIBE_RATE_HIGH: needs"),
        (("[HOLDOUT_OFF]", "[HOLDOUT_OF]"), "HOLDOUT_OFF: needs"),
        (("window_days = 28", "window_days = 0"), "window_days"),
        (("back_when_worse = 1.25", "back_when_worse = 0.5"), "back_when_worse"),
        (("confidence = 0.99", "confidence = 1"), "confidence"),
        (("confidence = 0.99", "confidence = 0"), "confidence"),
        (("window_days = 28", "window_days = 28\nother = 1"), "unknown: other"),
        (("percent = 80.0", "percent = -1"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = '80'"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = nan"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = true"), "SEGMENT_TOO_BROAD: each value"),
        (("priority = 3\npercent = 80.0", "priority = 2.5\npercent = 80.0"), "SEGMENT_TOO_BROAD: a priority"),
        (("[HOLDOUT_OFF]", "[[HOLDOUT_OFF]]"), "HOLDOUT_OFF: needs"),
        (("window_days = 28", ""), "window_days, .*: each is needed"),
        (("window_days = 28", "window_days = '28'"), "window_days, .*: each is needed"),
        (("window_days = 28", "window_days = 36501"), "window_days is 1–36500"),
        (("back_after_days = 30", "back_after_days = -1"), "back_after_days, .*: each is needed"),
        (("back_after_days = 30", "back_after_days = 36501"), "back_after_days 0–36500"),
        (("confidence = 0.99", "confidence = 'sure'"), "confidence: each is needed"),
    ],
)
def test_thresholds_that_do_not_hold_together_are_refused(change: tuple[str, str], says: str):
    text = FILE.read_text("utf-8")
    assert change[0] in text
    with pytest.raises(ValueError, match=says):
        read(text.replace(*change))


def test_thresholds_may_be_as_small_as_they_can_be():
    text = FILE.read_text("utf-8").replace("window_days = 28", "window_days = 1").replace("= 1.25", "= 1")
    text = text.replace("back_after_days = 30", "back_after_days = 0").replace("percent = 80.0", "percent = 0")

    found = read(text)

    assert (found.window, found.back_after, found.back_when_worse) == (timedelta(days=1), timedelta(), 1.0)
    assert found.limit(RecommendationKind.SEGMENT_TOO_BROAD, "percent") == 0


def test_every_rule_has_the_limits_that_it_asks():
    assert {kind: set(limits) for kind, limits in LIMITS.limits.items()} == {
        kind: set(NEEDS[kind]) for kind in RecommendationKind
    }
