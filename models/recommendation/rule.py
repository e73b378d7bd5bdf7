"""The rules: what a shop's figures recommend, each with the numbers that led to it (R25). Pure functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.experiment.interval import newcombe
from models.recommendation.figure import Conversion, ShopFigures
from models.recommendation.threshold import RecommendationKind, Thresholds


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: about what (a coupon's, segment's or shop's id, a time zone, a language), and its numbers.

    `severity` grows as things get worse, or more promising.
    """

    kind: RecommendationKind
    subject: str
    message: str
    severity: float
    numbers: Mapping[str, float]


def findings(figures: ShopFigures, limits: Thresholds) -> list[Finding]:
    """All that the figures recommend: by priority, then the most severe first."""
    found = [finding for kind, rule in RULES.items() for finding in rule(figures, limits, kind)]
    return sorted(found, key=lambda each: (limits.priorities[each.kind], -each.severity, each.kind, each.subject))


def _unsubscribing(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """R19: more than 5 percent of messages make somebody leave."""
    percent = _percent(figures.unsubscribed, figures.sent)
    if figures.sent >= limits.limit(kind, "least_sent") and percent > limits.limit(kind, "percent"):
        message = (
            f"{figures.unsubscribed} customers unsubscribed or blocked the chat for {figures.sent} messages"
            f" ({percent:.1f} %): write less often, or to narrower segments."
        )
        numbers = {"unsubscribed": figures.unsubscribed, "sent": figures.sent, "percent": percent}
        yield Finding(kind, "", message, percent, numbers)


def _bouncing(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """Relays judge a sender by its bounces."""
    percent = _percent(figures.bounced, figures.emails)
    if figures.emails >= limits.limit(kind, "least_sent") and percent > limits.limit(kind, "percent"):
        message = (
            f"{figures.bounced} of {figures.emails} emails were refused for good ({percent:.1f} %): have addresses"
            " confirmed, or mail will no longer be taken."
        )
        numbers = {"bounced": figures.bounced, "emails": figures.emails, "percent": percent}
        yield Finding(kind, "", message, percent, numbers)


def _language(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """Many read a language that the plans have no text in."""
    for reader in figures.readers:
        percent = _percent(reader.foreign, figures.sent)
        if reader.foreign >= limits.limit(kind, "least_sent") and percent > limits.limit(kind, "percent"):
            message = (
                f"{reader.foreign} messages ({percent:.1f} %) went to readers of {reader.tag} in another language:"
                f" write plans in {reader.tag} too."
            )
            numbers = {"foreign": reader.foreign, "ofTheirs": reader.sent, "sent": figures.sent, "percent": percent}
            yield Finding(kind, reader.tag, message, percent, numbers)


def _coupon(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """One coupon surely brings more orders a message than the others together."""
    yield from _better(figures.coupons, limits, kind, "The coupon “{name}”", "use it again")


def _segment(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """One segment surely brings more orders a message than the others together."""
    yield from _better(figures.segments, limits, kind, "The segment “{name}”", "write to it more often")


def _better(
    conversions: Sequence[Conversion], limits: Thresholds, kind: RecommendationKind, subject: str, advice: str
) -> Iterator[Finding]:
    """The best of several conversions, if the interval of its difference from the rest excludes none."""
    enough = limits.limit(kind, "least_sent")
    usable = [each for each in conversions if each.is_usable and each.sent >= enough]
    if not usable:
        return
    best = max(usable, key=lambda each: (_percent(each.orders, each.sent), -each.id))
    sent = sum(each.sent for each in conversions) - best.sent
    orders = sum(each.orders for each in conversions) - best.orders
    if sent < enough:
        return
    # Somebody may order twice; a share cannot be more than all.
    lowest = newcombe(min(best.orders, best.sent), best.sent, min(orders, sent), sent, limits.confidence).low
    if lowest > 0:
        own, others = _percent(best.orders, best.sent), _percent(orders, sent)
        message = (
            f"{subject.format(name=best.name)} brought {own:.1f} orders per 100 messages, the others {others:.1f}:"
            f" {advice}."
        )
        numbers = {
            "orders": best.orders, "sent": best.sent, "percent": own, "othersOrders": orders, "othersSent": sent,
            "othersPercent": others,
        }  # fmt: skip
        yield Finding(kind, str(best.id), message, own - others, numbers)


def _hour(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """In a time zone messages are read at an hour at which few are sent."""
    for zone, hours in sorted(figures.hours.items()):
        read, sent = sum(hours.read), sum(hours.sent)
        best = max(range(len(hours.read)), key=lambda hour: (hours.read[hour], -hour))
        read_percent, sent_percent = _percent(hours.read[best], read), _percent(hours.sent[best], sent)
        is_read_then = read >= limits.limit(kind, "least_read") and read_percent >= limits.limit(kind, "percent")
        if is_read_then and sent_percent <= read_percent * limits.limit(kind, "sent_percent") / 100:
            message = (
                f"In {zone} {read_percent:.0f} % of messages are first read from {best}:00 to {best}:59, when"
                f" {sent_percent:.0f} % are sent: send at {best}:00 local time."
            )
            numbers = {"hour": best, "read": read, "readPercent": read_percent, "sentPercent": sent_percent}
            yield Finding(kind, zone, message, read_percent - sent_percent, numbers)


def _broad(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """A segment that plans go to is nearly everybody."""
    if figures.customers < limits.limit(kind, "least_customers"):
        return
    for segment in figures.breadths:
        percent = _percent(segment.size, figures.customers)
        if percent > limits.limit(kind, "percent"):
            message = (
                f"The segment “{segment.name}” has {segment.size} of the shop's {figures.customers} customers"
                f" ({percent:.0f} %): narrow it, so that messages speak to those they reach."
            )
            numbers = {"size": segment.size, "customers": figures.customers, "percent": percent}
            yield Finding(kind, str(segment.id), message, percent, numbers)


def _quota(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """Much of the weekly quota is left."""
    if not figures.quota or not figures.quota_left:
        return
    percent = _percent(figures.quota_used, figures.quota)
    if percent <= limits.limit(kind, "percent"):
        message = (
            f"Of {figures.quota} one-time plans in the last four weeks {figures.quota_used} were used;"
            f" {figures.quota_left} are left this week."
        )
        numbers = {
            "quota": figures.quota, "used": figures.quota_used, "left": figures.quota_left, "percent": percent
        }  # fmt: skip
        yield Finding(kind, "", message, 100 - percent, numbers)


def _holdout(figures: ShopFigures, limits: Thresholds, kind: RecommendationKind) -> Iterator[Finding]:
    """Nothing is held out, so nobody can tell what the messages brought."""
    is_enough = figures.plans >= limits.limit(kind, "least_plans") and figures.sent >= limits.limit(kind, "least_sent")
    if is_enough and not figures.holds_out:
        message = (
            f"{figures.plans} plans sent {figures.sent} messages and held nobody out: with 5 % held out you would see"
            " what they bring beyond what would have been bought anyway."
        )
        yield Finding(kind, "", message, 1.0, {"plans": figures.plans, "sent": figures.sent})


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


Rule = Callable[[ShopFigures, Thresholds, RecommendationKind], Iterator[Finding]]

RULES: Mapping[RecommendationKind, Rule] = {
    RecommendationKind.UNSUBSCRIBE_RATE_HIGH: _unsubscribing,
    RecommendationKind.EMAILS_BOUNCING: _bouncing,
    RecommendationKind.LANGUAGE_MISSING: _language,
    RecommendationKind.COUPON_CONVERTS_BETTER: _coupon,
    RecommendationKind.SEGMENT_CONVERTS_BETTER: _segment,
    RecommendationKind.BEST_HOUR: _hour,
    RecommendationKind.SEGMENT_TOO_BROAD: _broad,
    RecommendationKind.QUOTA_UNUSED: _quota,
    RecommendationKind.HOLDOUT_OFF: _holdout,
}
