"""Unsubscribing by the link in a mail: looking changes nothing, posting does (R19, RFC 8058)."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models import addressee, consent, database, erasure
from models.signed_link import Link, Purpose, keys_of, verify
from models.turn import Turns
from models.words import UnsubscribeWords, language_of_caller, unsubscribe_words
from resolvers import link_page
from settings import Settings


class Unsubscribe:
    """The endpoint `/unsubscribe/{token}`; the token is the mail's own (models/signed_link.py).

    Its page speaks the mail's language and names the shop; where neither is known, the language that the browser asks for.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        self._secret = settings.secret if settings.secret_key else b""
        self._turns = Turns(1)

    async def answer(self, request: Request) -> Response:
        """GET: a page with a button. POST, from that button or in one click by a mail client: it is done, at once.

        503 while PostgreSQL is away. Whoever comes again finds nothing half done, and may find it done.
        """
        link = verify(self._keys, Purpose.UNSUBSCRIBE, request.path_params["token"])
        if link is None:
            return _invalid(request)
        return await link_page.unless_away(self._answer(link, request), lambda: link_page.come_again(request))

    async def _answer(self, link: Link, request: Request) -> Response:
        reader = await addressee.of_link(link)
        if reader is None:
            return _invalid(request)
        words = unsubscribe_words(reader.language or language_of_caller(request.headers.get("accept-language")))
        if request.method != "POST":
            return _page(words, words.question, shop=reader.shop, form=_form(words))
        with self._turns.of(link):
            is_late = await self._unsubscribe(link)
        return _page(words, f"{words.done} {words.late}" if is_late else words.done, shop=reader.shop)

    async def _unsubscribe(self, link: Link) -> bool:
        """Whether a mail may still arrive. If not, no relay takes another of this shop once the answer says so."""
        async with database.transaction():
            if await erasure.among(lambda: [link.customer_id], secret=self._secret):
                return False  # nobody writes to them anyway
            await consent.unsubscribe(
                link.shop_id, link.customer_id, source=f"mail of plan {link.plan_id}", plan_id=link.plan_id
            )
        return not await consent.until_no_mail_in_flight(link.shop_id, link.customer_id, within=consent.MAIL_WAIT)


def _form(words: UnsubscribeWords) -> str:
    return f'<form method="post"><button>{escape(words.button)}</button></form>'


def _invalid(request: Request) -> HTMLResponse:
    return link_page.refusal(request, lambda words: words.invalid, status=404)


def _page(words: UnsubscribeWords, pattern: str, *, shop: str, form: str = "") -> HTMLResponse:
    text = escape(pattern).format(shop=f"<bdi>{escape(shop)}</bdi>")
    return link_page.page(words.language, words.button, text, form=form)
