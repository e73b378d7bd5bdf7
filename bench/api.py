"""A seller's pages under load, each against a bare Strawberry app that serves the same JSON from memory.

Ours does everything: tokens, limits, the bucket in Redis, and every figure from PostgreSQL. Clients are
sellers of one shop, each with a connection of its own. `overview` is thirty days by day, channel, language, plan and
product, beside the thirty before; `dashboard` seven segments with their sizes, ten plans with their progress, and thirty
days by day. For each page there are three cases: answers per second, and the median (p50) and the 99th percentile (p99) of
one answer, in seconds; theirs is the yardstick `bare`.
"""

import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import orjson

from bench.load import Load, asked, loaded
from bench.outreach import year_of_plans
from bench.place import scratch_database
from bench.population import NOW, Population, populate
from bench.report import Case, Report, measured_on
from bench.serving import Served, api_server, served, token_of
from bench.shop import make_shop
from models import database
from models.caller import Role
from models.clock import clock
from models.metric import day as metric_day


@dataclass(frozen=True, slots=True)
class Work:
    """A year of plans, and who asks about it how long: `rounds` of `seconds` by `clients` at once."""

    plans: int
    messages: int
    clients: int
    rounds: int
    seconds: float


SIZES = {
    "small": (Population(customers=1_000, events=5_000, orders=1_000, messages=0), Work(12, 12_000, 4, 1, 1)),
    "full": (
        Population(customers=1_000_000, events=10_000_000, orders=2_000_000, messages=0),
        Work(200, 2_000_000, 16, 5, 5),
    ),
}

ACTIVITY = "{ sent read clicked replied orders gmv }"
OVERVIEW = f"""
query Overview {{
  shop {{ id name currency timeZone }}
  overview(from: "2025-12-02", to: "2025-12-31") {{
    currency
    total {ACTIVITY}
    before {ACTIVITY}
    days {{ day activity {ACTIVITY} }}
    channels {{ key activity {ACTIVITY} }}
    languages {{ key activity {ACTIVITY} }}
    plans {{ plan {{ id name status channel }} activity {ACTIVITY} }}
    products {{ product {{ id title }} activity {{ clicked orders gmv }} }}
  }}
}}
"""
"""What an overview page shows of the last thirty days."""

DASHBOARD = f"""
query Dashboard {{
  shop {{ id name currency }}
  segments(first: 10) {{ nodes {{ id name preset size }} }}
  plans(first: 10) {{ nodes {{ id name status channel progress {{ recipients pending inFlight sent failed unknown }} }} }}
  overview(from: "2025-12-02", to: "2025-12-31") {{
    currency
    total {ACTIVITY}
    before {ACTIVITY}
    days {{ day activity {ACTIVITY} }}
  }}
}}
"""
"""What a seller sees first: how large segments are just now, how far the latest plans have come, and the month by day."""

PAGES = {"overview": OVERVIEW, "dashboard": DASHBOARD}


def bare_of(query: str) -> str:
    """The same query without arguments: the bare app's fields take none."""
    return re.sub(r"\([^)]*\)", "", query)


async def measure(size: str) -> Report:
    """Each page in turn with the bare app, round after round."""
    population, work = SIZES[size]
    clock.freeze(NOW)
    async with scratch_database() as url:
        shop = await make_shop()
        await populate(shop.id, population)
        await year_of_plans(shop, plans=work.plans, messages=work.messages, customers=population.customers, until=NOW)
        await metric_day.fold_all()
        await database.execute("ANALYZE")
        async with database.connection() as raw:
            machine = await measured_on(raw)
        async with api_server(url, clock=NOW) as (ours, _):
            tokens = [token_of(Role.OWNER, f"u{number}", "bench") for number in range(work.clients)]
            cases = [case for page in PAGES for case in await _page(page, ours, tokens, work)]
            memory = ours.megabytes()
    return Report("api", {**population.as_json(), **asdict(work)}, cases, machine, {"api": memory})


async def _page(page: str, ours: Served, tokens: list[str], work: Work) -> list[Case]:
    """What both make of one page."""
    query = PAGES[page]
    answer = orjson.loads(await asked(ours.port, query, tokens[0]))["data"]
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        path = Path(folder) / "answer.json"
        path.write_bytes(orjson.dumps(answer))
        async with served(["-m", "bench.bare"], {"BENCH_ANSWER": str(path)}, "/") as bare:
            if orjson.loads(await asked(bare.port, bare_of(query), tokens[0]))["data"] != answer:
                raise RuntimeError("the bare app answers something else")
            apps = {"ours": (ours.port, query), "theirs": (bare.port, bare_of(query))}
            return _cases(page, await _rounds(apps, tokens, work.rounds, work.seconds))


async def _rounds(
    apps: dict[str, tuple[int, str]], tokens: list[str], rounds: int, seconds: float
) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in apps}
    for port, query in apps.values():
        await loaded(port, query, tokens, seconds / 4)
    for number in range(rounds):
        names = list(apps) if number % 2 == 0 else list(reversed(apps))
        for name in names:
            found[name].append(await loaded(*apps[name], tokens, seconds))
    return found


def _cases(page: str, found: dict[str, list[Load]]) -> list[Case]:
    cases = []
    figures = ((page, "per_second", "/s"), (f"{page}, p50", "p50", "s"), (f"{page}, p99", "p99", "s"))
    for case, figure, unit in figures:
        ours, theirs = (median(getattr(load, figure) for load in found[name]) for name in ("ours", "theirs"))
        cases.append(Case(case, "bare", ours, theirs, unit))
    return cases
