"""Downloads over HTTP: exports of a plan, as a stream, by bearer token or by a link that was asked for."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from models import export
from models.errors import RekindleError
from models.export import MEDIA_TYPES, ExportContent, ExportFormat
from resolvers import away
from resolvers.export import linked, own_plan
from resolvers.token import Verifier
from schema.serving.authentication import STATUS_OF, caller_of_header
from schema.serving.patience import PatientStream
from settings import Settings

AT_ONCE = 8
"""Downloads that a process serves at once; the next ones are asked to come again."""

AT_ONCE_OF_SHOP = 2
"""Those of them that are one shop's, whatever its links do."""

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Downloads:
    """`GET /exports/{token}` and, with a bearer token, `GET /exports/plans/{plan}/{content}.{format}`."""

    def __init__(self, settings: Settings, verifier: Verifier) -> None:
        self._settings = settings
        self._verifier = verifier
        self._open: Counter[int] = Counter()

    async def by_link(self, request: Request) -> Response:
        """What the link is for; 404 when it is none of ours or its time is over."""
        return await away.unless_away(self._by_link(request), _away)

    async def by_token(self, request: Request) -> Response:
        """A plan of the caller's shop; 404 when it is unknown or another's."""
        return await away.unless_away(self._by_token(request), _away)

    async def _by_link(self, request: Request) -> Response:
        found = await linked(self._settings, request.path_params["token"])
        if found is None:
            return _refusal("NOT_FOUND", "This link is not ours, or its time is over.", 404)
        return self._stream(found.shop_id, found.plan_id, found.content, found.format)

    async def _by_token(self, request: Request) -> Response:
        try:
            caller = await caller_of_header(self._verifier, request.headers.get("authorization"))
            plan = await own_plan(caller, request.path_params["plan"])
        except RekindleError as error:
            return _refusal(error.code, str(error), STATUS_OF.get(type(error), 400))
        content, _, form = request.path_params["name"].upper().partition(".")
        if plan is None or content not in set(ExportContent) or form not in set(ExportFormat):
            return _refusal(
                "NOT_FOUND", "There is no such plan, or no such export: ledger or figures, .csv or .ndjson.", 404
            )
        return self._stream(plan.shop_id, plan.id, ExportContent(content), ExportFormat(form))

    def _stream(self, shop_id: int, plan_id: int, content: ExportContent, form: ExportFormat) -> Response:
        if self._open.total() >= AT_ONCE or self._open[shop_id] >= AT_ONCE_OF_SHOP:
            return _later("THROTTLED", "Too many downloads at once.")
        name = export.file_name(plan_id, content, form)
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        parts = export.written(plan_id, content, form)
        return _Download(parts, self._open, shop_id, media_type=MEDIA_TYPES[form], headers=headers)


class _Download(PatientStream):
    """A stream that holds one of a shop's places for as long as it is sent, and somebody reads it."""

    def __init__(self, parts: AsyncGenerator[bytes], places: Counter[int], shop_id: int, **options: Any) -> None:
        super().__init__(parts, **options)
        self._open = places
        self._shop_id = shop_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open[self._shop_id] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._open[self._shop_id] -= 1


def _away() -> Response:
    return _later("UNAVAILABLE", "The database cannot be reached just now.")


def _later(code: str, message: str) -> JSONResponse:
    refusal = _refusal(code, message, 503)
    refusal.headers.update(away.COME_AGAIN)
    return refusal


def _refusal(code: str, message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=HEADERS)
