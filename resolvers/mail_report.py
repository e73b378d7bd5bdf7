"""Reports of mail systems, posted by a relay or a script: a message as it is, and a signature over it (R21)."""

import hmac
import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models import availability, mail_report
from models.mail.report import LARGEST, read
from models.signed_link import keys_of
from resolvers.away import COME_AGAIN
from resolvers.body import CLOSE, NoBody, body_of
from settings import Settings

log = logging.getLogger(__name__)

SIGNATURE = "rekindle-signature"
"""The header with `sha256=` and the hexadecimal HMAC-SHA256 of the body under BOUNCE_SECRET."""


class Reports:
    """The endpoint `POST /bounces?recipient=…`, its body a message (message/rfc822) of at most `LARGEST` bytes.

    The recipient is the envelope's; without it the message is searched. Repeating a report changes nothing, so
    a signature needs no time.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        assert settings.bounce_secret is not None
        self._secret = settings.bounce_secret.get_secret_value().encode()

    async def answer(self, request: Request) -> Response:
        """200 with what the report said and whether it changed anything; null for a message that is no report."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "message/rfc822":
            return JSONResponse({"error": "the body is a message: Content-Type message/rfc822"}, status_code=415)
        try:
            raw = await body_of(request, LARGEST)
        except NoBody as none:
            return JSONResponse({"error": none.message}, status_code=none.status, headers=CLOSE)
        if not self._signed(raw, request.headers.get(SIGNATURE, "")):
            return JSONResponse({"error": "the signature is not that of this body"}, status_code=401)
        found = read(raw, request.query_params.getlist("recipient")[:1], self._keys)
        try:
            changed = await mail_report.take(found) if found else False
        except availability.UNUSABLE as error:
            log.warning("a report must come again: %s", type(error).__name__)
            return JSONResponse({"error": "try again later"}, status_code=503, headers=COME_AGAIN)
        return JSONResponse({"report": found.outcome if found else None, "changed": changed})

    def _signed(self, raw: bytes, signature: str) -> bool:
        made = "sha256=" + hmac.new(self._secret, raw, "sha256").hexdigest()
        return hmac.compare_digest(made.encode(), signature.encode("utf-8", "replace"))
