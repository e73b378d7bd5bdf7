"""A mail's own links: its image, and the ways into the shop (B8, R13). Nothing in a link says where it leads."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from models import touch
from models.clock import now
from models.enclosure import OPEN
from models.metric.day import WHOLE
from models.signed_link import Link, Purpose, keys_of, verify
from models.touch.machine import TouchKind, Visit
from models.turn import Turns
from resolvers import link_page
from settings import Settings

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent image of one pixel."""

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


class Touches:
    """The endpoint `/mail/{token}/{target}`; the token is the mail's own (models/signed_link.py)."""

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        self._is_noted = settings.mail_tracking
        # Whoever follows a mail's links a thousand times at once has one connection to PostgreSQL.
        self._turns = Turns(1)

    async def answer(self, request: Request) -> Response:
        """The image, or the way to where a link leads; what is no link of ours is not found, and leads nowhere.

        While PostgreSQL is away the image is there all the same, its open is lost; a link asks to be followed again.
        """
        link = verify(self._keys, Purpose.TOUCH, request.path_params["token"])
        if link is None:
            return link_page.refusal(request, lambda words: words.invalid, status=404)
        with self._turns.of(link):
            if request.path_params["target"] == OPEN:
                return await link_page.unless_away(self._open(link, request), _image)
            return await link_page.unless_away(self._click(link, request), lambda: link_page.come_again(request))

    async def _open(self, link: Link, request: Request) -> Response:
        if await touch.is_noted(link):
            await self._note(link, TouchKind.OPEN, request)
        return _image()

    async def _click(self, link: Link, request: Request) -> Response:
        found = await touch.redirect(link, request.path_params["target"])
        if found is None:
            return link_page.refusal(request, lambda words: words.gone, status=404)
        if found.is_noted:
            await self._note(link, TouchKind.CLICK, request, found)
        return RedirectResponse(found.url, 302, HEADERS)

    async def _note(self, link: Link, kind: TouchKind, request: Request, found: touch.Redirect | None = None) -> None:
        if self._is_noted:
            address = request.client.host if request.client else None
            visit = Visit(now(), request.method, dict(request.headers), address)
            await touch.note(link, kind, visit, found.product_id if found else WHOLE)


def _image() -> Response:
    return Response(PIXEL, headers=HEADERS, media_type="image/gif")
