"""The demo's rows: the same every time, within their year, and believable."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest

from local.demo.behaviour import Row
from local.demo.people import DOMAINS, person_of
from local.demo.seasons import Calendar, is_campaign, traffic
from local.demo.shops import HISTORY, DemoShop, demo_shops
from local.demo.story import story_of

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
DEMO, NEIGHBOUR = demo_shops()


def rows_of(shop: DemoShop, now: datetime = NOW) -> list[Row]:
    return [row for _, rows in story_of(shop, now, 5000) for row in rows]


@cache
def demo_rows() -> list[Row]:
    return rows_of(DEMO)


@cache
def neighbour_rows() -> list[Row]:
    return rows_of(NEIGHBOUR)


def of_type(rows: list[Row], name: str) -> list[Row]:
    return [row for row in rows if row["type"] == name]


def when(row: Row) -> datetime:
    return datetime.fromisoformat(row["orderedAt"] if row["type"] == "order" else row["occurredAt"])


def test_the_same_now_tells_the_same_rows():
    assert rows_of(NEIGHBOUR) == neighbour_rows()


def test_another_now_tells_another_year():
    assert rows_of(NEIGHBOUR, NOW + timedelta(hours=1)) != neighbour_rows()


def test_batches_cut_the_same_rows_anywhere_and_stay_small():
    batches = [rows for _, rows in story_of(NEIGHBOUR, NOW, 300)]
    assert [row for rows in batches for row in rows] == neighbour_rows()
    assert max(len(rows) for rows in batches) < 600


def test_progress_counts_every_customer():
    told = [told for told, _ in story_of(NEIGHBOUR, NOW, 300)]
    assert told == sorted(told)
    assert told[-1] == len(NEIGHBOUR.people) == 300


def test_external_ids_are_unique_within_their_kind():
    ids = Counter((row["type"], row["externalId"]) for row in demo_rows())
    assert max(ids.values()) == 1


def test_sizes_are_those_of_a_demo_that_fills_in_seconds():
    types = Counter(row["type"] for row in demo_rows())
    assert types["customer"] == 5000
    assert types["product"] == 40
    assert 5_000 < types["order"] < 8_000
    assert 140_000 < types["event"] < 220_000


def test_nothing_lies_outside_the_year():
    for row in of_type(demo_rows(), "event") + of_type(demo_rows(), "order"):
        assert NOW - HISTORY < when(row) < NOW


def test_cancelled_orders_are_cancelled_after_they_were_placed_and_before_now():
    orders = of_type(demo_rows(), "order")
    undone = [order for order in orders if order["status"] != "PLACED"]
    assert 0.03 < len(undone) / len(orders) < 0.09
    assert {order["status"] for order in undone} == {"CANCELLED", "REFUNDED"}
    for order in undone:
        assert when(order) < datetime.fromisoformat(order["cancelledAt"]) < NOW
    assert all(order["cancelledAt"] is None for order in orders if order["status"] == "PLACED")


def test_orders_and_events_name_products_and_customers_of_their_own_shop():
    for rows in (demo_rows(), neighbour_rows()):
        customers = {row["externalId"] for row in of_type(rows, "customer")}
        products = {row["externalId"] for row in of_type(rows, "product")}
        for row in of_type(rows, "order"):
            assert row["customer"] in customers
            assert row["products"]
            assert set(row["products"]) <= products
            assert row["amount"] > 0
        for row in of_type(rows, "event"):
            assert row["customer"] in customers
            assert row["product"] is None or row["product"] in products


def test_customers_speak_eight_languages_in_many_places():
    customers = of_type(demo_rows(), "customer")
    languages = Counter(customer["language"].partition("-")[0] for customer in customers if customer["language"])
    assert set(languages) == {"en", "id", "vi", "th", "es", "pt", "ar", "ja"}
    assert min(languages.values()) > 200
    zones = {customer["timeZone"] for customer in customers} - {None}
    assert len(zones) > 25
    assert all(ZoneInfo(zone) for zone in zones)
    assert all(c["region"].startswith(c["country"] + "-") for c in customers if c["region"])
    assert len({customer["country"] for customer in customers}) > 14


def test_names_hold_scripts_quotes_and_emoji_and_some_are_missing():
    names = [customer["name"] for customer in of_type(demo_rows(), "customer")]
    assert 10 < names.count(None) < 100
    told = " ".join(name for name in names if name)
    for sign in ('"', "'", "🌸", "佐", "ธ", "م", "ễ", "ç"):
        assert sign in told


def test_addresses_are_unique_and_only_of_domains_reserved_for_examples():
    customers = of_type(demo_rows(), "customer")
    emails = [customer["email"] for customer in customers if customer["email"]]
    assert 0.66 < len(emails) / len(customers) < 0.74
    assert len(set(emails)) == len(emails)
    assert {email.rpartition("@")[2] for email in emails} == set(DOMAINS)
    assert all(email.isascii() for email in emails)


def test_consent_belongs_to_those_with_an_address_and_comes_in_every_state():
    customers = of_type(demo_rows(), "customer")
    assert all((customer["emailConsent"] is None) == (customer["email"] is None) for customer in customers)
    states = Counter(customer["emailConsent"]["state"] for customer in customers if customer["emailConsent"])
    assert set(states) == {"SUBSCRIBED", "UNSUBSCRIBED", "NEVER"}
    assert states["SUBSCRIBED"] > 2 * (states["UNSUBSCRIBED"] + states["NEVER"])


def test_the_two_shops_share_eighty_persons_told_alike():
    def told(rows: list[Row]) -> dict[str, Row]:
        return {
            row["externalId"]: {key: value for key, value in row.items() if key != "emailConsent"}
            for row in of_type(rows, "customer")
        }

    ours, theirs = told(demo_rows()), told(neighbour_rows())
    shared = ours.keys() & theirs.keys()
    assert len(shared) == 80
    assert all(ours[customer] == theirs[customer] for customer in shared)


def test_evenings_are_busier_than_nights_in_the_customers_own_time():
    zones = {row["externalId"]: row["timeZone"] or DEMO.time_zone for row in of_type(demo_rows(), "customer")}
    hours = Counter(
        when(row).astimezone(ZoneInfo(zones[row["customer"]])).hour
        for row in of_type(demo_rows(), "event")
        if row["kind"] == "PRODUCT_VIEWED" and row["externalId"].endswith("0")
    )
    assert sum(hours[hour] for hour in (20, 21)) > 8 * sum(hours[hour] for hour in (2, 3))


def test_campaign_days_bring_more_orders_than_others():
    days = Counter(when(order).date() for order in of_type(demo_rows(), "order"))
    assert days[date(2025, 11, 11)] > 2 * days[date(2025, 11, 4)]


def test_each_step_of_the_funnel_is_narrower_than_the_one_before():
    kinds = Counter(row["kind"] for row in of_type(demo_rows(), "event"))
    orders = len(of_type(demo_rows(), "order"))
    assert kinds["PRODUCT_VIEWED"] > 4 * kinds["CART_ADDED"]
    assert kinds["CART_ADDED"] > 1.3 * kinds["CHECKOUT_STARTED"]
    assert kinds["CHECKOUT_STARTED"] > 1.1 * orders
    assert len(kinds) == 15


def test_lives_are_watched_while_they_last_and_carry_their_category():
    lives = {live.external_id: live for live in DEMO.lives(NOW)}
    assert 140 < len(lives) < 170
    for row in of_type(demo_rows(), "event"):
        if row["kind"] == "LIVE_WATCHED":
            live = lives[row["reference"]]
            assert row["category"] == live.category
            assert timedelta() <= when(row) - live.starts_at < timedelta(hours=1)
            assert 5 <= row["seconds"] < 3600


def preset_sizes(rows: list[Row], now: datetime) -> dict[str, int]:
    """Brute force over the rows, by the wording of R4."""
    orders: dict[str, list[datetime]] = defaultdict(list)
    events: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for row in rows:
        if row["type"] == "order" and row["status"] == "PLACED":
            orders[row["customer"]].append(when(row))
        elif row["type"] == "event":
            events[row["customer"]].append((row["kind"], when(row)))
    sizes: Counter[str] = Counter()
    for customer in orders.keys() | events.keys():
        for preset in presets_of(sorted(orders[customer]), events[customer], now):
            sizes[preset] += 1
    return sizes


def presets_of(orders: list[datetime], events: list[tuple[str, datetime]], now: datetime) -> set[str]:
    def within(at: datetime, days: int) -> bool:
        return now - timedelta(days=days) < at

    recent = {kind for kind, at in events if within(at, 30)}
    followed = max((at for kind, at in events if kind == "FOLLOWED"), default=None)
    unfollowed = max((at for kind, at in events if kind == "UNFOLLOWED"), default=None)
    follows = followed is not None and (unfollowed is None or followed > unfollowed)
    engaging = {kind for kind in recent if kind.startswith(("LIVE_", "VIDEO_")) or kind == "PRODUCT_CARD_CLICKED"}
    truths = {
        "POTENTIAL_NEW": not orders and bool(recent & {"CART_ADDED", "PRODUCT_FAVOURITED"}),
        "RECENT": bool(orders) and within(orders[0], 30),
        "REPEAT": len(orders) > 1 and within(orders[-1], 30),
        "FREQUENT": sum(within(at, 90) for at in orders) > 1,
        "LAPSED": bool(orders) and not within(orders[-1], 90),
        "NEW_FOLLOWERS": follows and followed is not None and within(followed, 30),
        "ACTIVE_FOLLOWERS": follows and bool(engaging),
    }
    return {preset for preset, true in truths.items() if true}


@pytest.mark.parametrize("now", [NOW, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 8, 31, 23, 59, tzinfo=UTC)])
def test_every_preset_has_a_size_worth_looking_at_whenever_the_demo_starts(now):
    sizes = preset_sizes(demo_rows() if now == NOW else rows_of(DEMO, now), now)
    assert len(sizes) == 7
    assert all(100 < size < 1500 for size in sizes.values()), sizes


def test_the_neighbours_presets_are_not_empty():
    sizes = preset_sizes(neighbour_rows(), NOW)
    assert len(sizes) == 7
    assert all(5 < size < 150 for size in sizes.values()), sizes


def test_long_beauty_lives_without_buying_happen():
    bought = {order["customer"] for order in of_type(demo_rows(), "order")}
    watched = {
        row["customer"]
        for row in of_type(demo_rows(), "event")
        if row["kind"] == "LIVE_WATCHED" and row["category"] == "beauty" and row["seconds"] >= 600
    }
    assert 50 < len(watched - bought) < 500


def test_a_person_depends_on_their_number_alone():
    assert person_of(17) == person_of(17)
    assert person_of(17) != person_of(18)


def test_days_in_traffic():
    assert is_campaign(date(2025, 11, 11))
    assert is_campaign(date(2025, 11, 28))
    assert not is_campaign(date(2025, 11, 21))
    assert traffic(date(2026, 2, 10)) == 1.0
    assert traffic(date(2026, 2, 14)) == 1.25


def test_a_visit_outside_the_year_is_none():
    calendar = Calendar(NOW)

    assert calendar.visit(Random(1), ZoneInfo("Pacific/Honolulu"), 1.0, 1.0) is None
