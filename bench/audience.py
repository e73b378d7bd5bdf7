"""Sizes of segments over a million customers and ten million events, against the same questions by hand.

The seven presets and five custom conditions are asked as the product asks them: the definition compiled,
counted live from the roll-up. Yardsticks: `events`, SQL written by hand over the raw events, orders and
messages, with the same indexes at hand; and `scan`, one reading of every roll-up row. Before any time is
taken each answer is held against the hand-written one: they must be equal.

Cases, in seconds a count: the presets by their names, and five custom conditions. `a`: two orders in 60 days that average
over 30; `b`: watched beauty LIVEs for 600 s in 90 days and never ordered; `c`: women of 25–34 in three regions who carted in
7 days and do not follow; `d`: read in 30 days without a click, lifetime amount 200–1,000; `e`: first order in a quarter,
none in 90 days, favourited in 14.
"""

import asyncio

from bench import memory
from bench.by_hand import BY_HAND, SCAN
from bench.place import scratch_database
from bench.population import NOW, QUARTER, Population, populate
from bench.report import Case, Report, measured_on
from bench.rounds import Work, interleaved
from bench.shop import make_shop
from models import database
from models.clock import clock
from models.condition import PRESETS, Definition
from models.segment import member
from models.segment.definition import define
from models.segment.member import Question
from models.shop import Shop

SIZES = {
    "small": (Population(customers=5_000, events=50_000, orders=10_000, messages=5_000), 1),
    "full": (Population(customers=1_000_000, events=10_000_000, orders=2_000_000, messages=1_000_000), 7),
}

CUSTOM = {
    "a": "orders(within: 60d) >= 2 and average_order(within: 60d) > 30 USD",
    "b": "live_watched(within: 90d, category: beauty, seconds: 600) and orders = 0",
    "c": (
        "gender = female and age in 25..34 and region in (MX-CMX, MX-JAL, MX-NLE) and carted(within: 7d)"
        " and not follows"
    ),
    "d": "message_read(within: 30d) and not message_clicked(within: 30d) and spent in 200..1000 USD",
    "e": f"first_order in {QUARTER[0]}..{QUARTER[1]} and orders(within: 90d) = 0 and favourited(within: 14d)",
}
"""The custom conditions as a seller writes them."""


async def measure(size: str) -> Report:
    """Every case against both yardsticks, in seconds."""
    population, rounds = SIZES[size]
    clock.freeze(NOW)
    async with scratch_database() as _:
        shop = await make_shop(country="MX")
        await populate(shop.id, population)
        async with database.connection() as raw:
            machine = await measured_on(raw)
        cases = [case for name, question in questions(shop).items() for case in await _cases(name, question, rounds)]
    return Report("audience", population.as_json(), cases, machine, {"bench": memory.most_held()})


def questions(shop: Shop) -> dict[str, Question]:
    """Every case by its name."""
    presets = {code.value: Definition(condition, shop.time_zone) for code, (_, condition) in PRESETS.items()}
    customs = {name: define(shop, text=text) for name, text in CUSTOM.items()}
    return {name: Question(shop.id, definition) for name, definition in {**presets, **customs}.items()}


async def _cases(name: str, question: Question, rounds: int) -> list[Case]:
    works: dict[str, Work] = {
        "ours": lambda: member.size(question),
        "events": lambda: database.fetch_value(BY_HAND[name], question.shop_id, NOW),
        "scan": lambda: database.fetch_value(SCAN, question.shop_id),
    }
    ours, by_hand = await works["ours"](), await works["events"]()
    if ours != by_hand:
        raise RuntimeError(f"{name}: {ours} by the compiler, {by_hand} by hand")
    seconds = await interleaved(rounds, works, before=lambda: asyncio.sleep(0))
    return [Case(name, yardstick, seconds["ours"], seconds[yardstick], "s") for yardstick in ("events", "scan")]
