"""What a link of a mail shows in a browser: a sentence in the reader's language, and perhaps a button."""

import asyncio
from collections.abc import Awaitable, Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models.language import direction
from models.words import LinkWords, language_of_caller, link_words
from resolvers import away

ANSWER_WITHIN = 20.0
"""Seconds after which whoever follows a link is asked to come again: PostgreSQL may be there and yet not answer."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

PAGE = """<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui;max-width:32em;margin:4em auto;padding:0 1em;overflow-wrap:anywhere}}
button{{font:inherit;padding:.6em 1.2em}}</style><p>{text}</p>{form}</html>"""


def page(language: str, title: str, text: str, *, form: str = "", status: int = 200) -> HTMLResponse:
    """A page that says `text`; it and `form` are HTML already."""
    content = PAGE.format(language=language, direction=direction(language), title=escape(title), text=text, form=form)
    return HTMLResponse(content, status_code=status, headers=HEADERS)


def refusal(request: Request, choose: Callable[[LinkWords], str], *, status: int) -> HTMLResponse:
    """A page that says why a link is not followed, in the language that the browser asks for."""
    words = link_words(language_of_caller(request.headers.get("accept-language")))
    said = choose(words)
    return page(words.language, said, escape(said), status=status)


def come_again(request: Request) -> Response:
    """That a link cannot be followed just now. Mail clients that unsubscribe in one click try again by the status."""
    answer = refusal(request, lambda words: words.later, status=503)
    answer.headers.update(away.COME_AGAIN)
    return answer


async def unless_away(answer: Awaitable[Response], otherwise: Callable[[], Response]) -> Response:
    """The answer; `otherwise` when PostgreSQL is away, or takes too long. What was begun is rolled back then."""
    return await away.unless_away(_in_time(answer), otherwise)


async def _in_time(answer: Awaitable[Response]) -> Response:
    async with asyncio.timeout(ANSWER_WITHIN):
        return await answer
