"""The console: GraphiQL with examples, all from here, so that it works where there is no internet."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from models.clock import now

PAGE = Path(__file__).with_name("page.html")
ASSETS = Path(__file__).with_name("assets")
"""What the page loads: GraphiQL and React as published (`README.md` there says which), and a script of ours."""

EXAMPLES = Path(__file__).with_name("examples.graphql")

PLACE = '<script id="examples" type="application/json">[]</script>'
"""Where the examples go in the page: data, which no browser runs."""

_DAY = re.compile(r'"(?:today|(?P<ago>\d+) days ago|in (?P<ahead>\d+) days)(?P<time>T[^"]*)?"')
"""A day that is counted from today: the demo is of the day on which it was made."""

_BEGINNING = re.compile(r"^# (Seller|Platform|Shopper): (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """An operation to try: whose token it wants, what it does in a few words, and its text."""

    role: str
    title: str
    query: str


def examples() -> list[Example]:
    """The operations of `examples.graphql`, in its order, with days as they are today."""
    return _examples(now().date())


def console() -> bytes:
    """The page with the examples in it."""
    return _console(now().date())


def console_files() -> GZipMiddleware:
    """What the page loads, to be mounted at /console."""
    return GZipMiddleware(StaticFiles(directory=ASSETS))


def to_console(_request: Request) -> Response:
    """The way from the server's bare address, which is what people type, to the page."""
    return RedirectResponse("graphql")


@lru_cache(maxsize=1)
def _examples(today: date) -> list[Example]:
    _, *parts = _BEGINNING.split(_dated(EXAMPLES.read_text("utf-8"), today))
    return [
        Example(role, title, query.strip())
        for role, title, query in zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    ]


@lru_cache(maxsize=1)
def _console(today: date) -> bytes:
    listed = json.dumps([asdict(example) for example in _examples(today)], ensure_ascii=False).replace("<", "\\u003c")
    return PAGE.read_text("utf-8").replace(PLACE, PLACE.replace("[]", listed)).encode()


def _dated(text: str, today: date) -> str:
    """Examples with the days they speak of.

    >>> _dated('"in 30 daysT00:00:00Z"', date(2026, 1, 15))
    '"2026-02-14T00:00:00Z"'
    """

    def day(found: re.Match[str]) -> str:
        distance = timedelta(days=int(found["ahead"] or 0) - int(found["ago"] or 0))
        return f'"{today + distance}{found["time"] or ""}"'

    return _DAY.sub(day, text)
