"""The pages that show the mailbox: a list with a search by recipient, and each message as its reader sees it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from local.mailbox import Entry, Mailbox
from local.received import Received

ON_A_PAGE = 50
NO_SUBJECT = "(no subject)"

LONGEST_SEARCH = 320
"""Characters of the longest address (RFC 5321 §4.5.3.1: 64 + 1 + 255)."""

LARGEST_NUMBER = 10**12

PAGES = Path(__file__).parent / "pages"

PAGE_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Our own pages run no script and load nothing but our stylesheet."""

MAIL_POLICY = {
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src 'self' data: https:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""A mail may show pictures and open its links in a new tab, and nothing else."""

SHOWN = {
    "Delivered-To": "Delivered to",
    "From": "From",
    "To": "To",
    "Reply-To": "Reply to",
    "Subject": "Subject",
    "Date": "Date",
    "Message-ID": "Message-ID",
    "List-Unsubscribe": "Unsubscribe",
    "List-Unsubscribe-Post": "Unsubscribe by POST",
}
"""The headers that a message's page begins with; its source has all of them."""

Show = Callable[[Mailbox, Request], Response]


def mailbox_routes(folder: Path) -> list[BaseRoute]:
    """The routes under /mailbox that show the messages in `folder`, read when a page is first asked for."""
    opened: list[Mailbox] = []

    def mailbox() -> Mailbox:
        if not opened:
            opened.append(Mailbox(folder))
        return opened[0]

    def page(show: Show) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await asyncio.to_thread(lambda: show(mailbox(), request))

        return answer

    return [
        Route("/mailbox", page(_list)),
        Route("/mailbox/style.css", _style),
        Route("/mailbox/{number:int}", page(_message)),
        Route("/mailbox/{number:int}/html", page(_html)),
        Route("/mailbox/{number:int}/source", page(_source)),
    ]


async def _style(_request: Request) -> Response:
    return FileResponse(PAGES / "style.css")


def _list(mailbox: Mailbox, request: Request) -> Response:
    search = request.query_params.get("to", "").strip()[:LONGEST_SEARCH]
    before = _number(request.query_params.get("before", ""))
    entries = mailbox.entries(limit=ON_A_PAGE + 1, before=before, search=search)
    shown = entries[:ON_A_PAGE]
    older = {"to": search, "before": shown[-1].number} if len(entries) > ON_A_PAGE else None
    content = _filled(
        "list.html",
        count=f"{mailbox.count():,}",
        search=escape(search),
        rows=_table(shown) if shown else '<p class="empty soft">No messages here.</p>',
        newest=_link({"to": search}, "← Newest") if before is not None else "",
        older=_link(older, "Older →") if older else "",
    )
    return HTMLResponse(content, headers=PAGE_POLICY)


def _message(mailbox: Mailbox, request: Request) -> Response:
    received = _found(mailbox, request)
    number = request.path_params["number"]
    rows = [
        f'<tr><th>{title}</th><td dir="auto">{escape(value)}</td></tr>'
        for name, title in SHOWN.items()
        for value in received.headers(name)
    ]
    content = _filled(
        "message.html",
        number=str(number),
        title=escape("".join(received.headers("Subject")[:1]) or NO_SUBJECT),
        headers="".join(rows),
        parts=_parts(number, received),
    )
    return HTMLResponse(content, headers=PAGE_POLICY)


def _html(mailbox: Mailbox, request: Request) -> Response:
    html = _found(mailbox, request).part("html")
    if html is None:
        raise HTTPException(404, "This message has no HTML part.")
    in_new_tabs = re.sub(r"<head\b[^>]*>", r'\g<0><base target="_blank">', html, count=1, flags=re.IGNORECASE)
    return HTMLResponse(in_new_tabs.encode("utf-8", "replace"), headers=MAIL_POLICY)


def _source(mailbox: Mailbox, request: Request) -> Response:
    return PlainTextResponse(_found(mailbox, request).source, headers=PAGE_POLICY)


def _found(mailbox: Mailbox, request: Request) -> Received:
    """The message that the path names; 404 when there is none."""
    number = request.path_params["number"]
    source = mailbox.source(number) if number < LARGEST_NUMBER else None
    if source is None:
        raise HTTPException(404, "There is no message of this number.")
    return Received(source)


def _number(text: str) -> int | None:
    """A number in a query, or None when it is none: a made-up page shows the newest."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_NUMBER)) else None


def _table(entries: list[Entry]) -> str:
    head = '<tr class="soft"><th class="when">Received, UTC</th><th class="to">To</th><th>Subject</th></tr>'
    return f'<table class="list">{head}{"".join(map(_row, entries))}</table>'


def _row(entry: Entry) -> str:
    when = entry.received_at.strftime("%Y-%m-%d %H:%M:%S")
    recipients = escape(", ".join(entry.recipients))
    subject = escape(entry.subject or NO_SUBJECT)
    link = f'<a href="/mailbox/{entry.number}" dir="auto"><bdi>{subject}</bdi></a>'
    return f'<tr><td class="soft">{when}</td><td><bdi>{recipients}</bdi></td><td>{link}</td></tr>'


def _parts(number: int, received: Received) -> str:
    """The message's HTML in a frame that can do nothing, and its text."""
    html, text = received.part("html"), received.part("plain")
    frame = (
        '<iframe title="The message as its reader sees it" sandbox="allow-popups allow-popups-to-escape-sandbox"'
        f' src="/mailbox/{number}/html"></iframe>'
    )
    shown = [
        f'<h2>HTML</h2><div class="card">{frame}</div>' if html is not None else "",
        f'<h2>Text</h2><div class="card"><pre dir="auto">{escape(text)}</pre></div>' if text is not None else "",
    ]
    return "".join(shown)


def _link(query: dict[str, object], words: str) -> str:
    return f'<a href="/mailbox?{escape(urlencode(query))}">{words}</a>'


def _filled(name: str, **values: str) -> str:
    return Template((PAGES / name).read_text("utf-8")).substitute(values)
