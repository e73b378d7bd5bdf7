"""Unsubscribing by the link in a mail: looking changes nothing, posting does (R19, RFC 8058)."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models import consent, erasure
from models.signed_link import Link, Purpose, keys_of, verify
from models.turn import Turns
from settings import Settings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribe</title><style>body{{font:16px system-ui;max-width:32em;margin:4em auto;padding:0 1em}}
button{{font:inherit;padding:.6em 1.2em}}</style><p>{text}</p>{form}</html>"""

DONE = "You will get no more emails from this shop."

FORM = '<form method="post"><button>Unsubscribe</button></form>'


class Unsubscribe:
    """The endpoint `/unsubscribe/{token}`; the token is the mail's own (models/signed_link.py)."""

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        self._secret = settings.secret if settings.secret_key else b""
        self._turns = Turns(1)

    async def answer(self, request: Request) -> Response:
        """GET: a page with a button. POST, from that button or in one click by a mail client: it is done, at once."""
        link = verify(self._keys, Purpose.UNSUBSCRIBE, request.path_params["token"])
        if link is None:
            return _page("This link is not complete, or not ours.", status=404)
        if request.method != "POST":
            return _page("Do you want no more emails from this shop?", form=FORM)
        with self._turns.of(link):
            return await self._unsubscribe(link)

    async def _unsubscribe(self, link: Link) -> Response:
        """Once the answer says so, no relay takes another mail of this shop; unless the one in flight takes too long."""
        if await erasure.is_erased(link.customer_id, self._secret):
            return _page(DONE)  # nobody writes to them anyway
        await consent.unsubscribe(
            link.shop_id, link.customer_id, source=f"mail of plan {link.plan_id}", plan_id=link.plan_id
        )
        none_left = await consent.until_none_in_flight(
            link.shop_id, link.customer_id, "EMAIL", patience=consent.PATIENCE
        )
        return _page(DONE if none_left else f"{DONE} One that was just on its way may still arrive.")


def _page(text: str, *, form: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(text=text, form=form), status_code=status, headers=HEADERS)
