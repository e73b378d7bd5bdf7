"""How the client asks: one endpoint, a bearer token, and patience when the server asks for it."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

MOST_TRIES = 5
"""How often an operation is tried when the server is busy, or just now not there."""

LONGEST_WAIT = 30.0
"""Seconds between two tries at most."""


AWAY = frozenset({502, 503, 504})
"""HTTP statuses by which what stands before a server says that it is not there just now."""


class ApiError(Exception):
    """The server did not do it: who asked, limits, or a fault of its own. `code` is the first error's, "" if it has none."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        self.errors = errors
        self.code: str = errors[0].get("extensions", {}).get("code", "")


class Connection:
    """Runs operations over HTTP. What is throttled or unavailable is tried again, after as long as the server says.

    A mutation is only tried again when it certainly was not done, or carries an `idempotencyKey`.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        """`url` is that of the server, such as https://outreach.example.com."""
        self._client = httpx.Client(
            base_url=url, timeout=timeout, headers={"authorization": f"Bearer {token}"}, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def run(self, document: str, variables: Mapping[str, Any]) -> Any:
        """The data that an operation answers. Raises ApiError, or httpx.TransportError when nobody answers."""
        may_repeat = document.lstrip().startswith("query") or bool(variables.get("input", {}).get("idempotencyKey"))
        for attempt in range(MOST_TRIES):
            is_last = attempt == MOST_TRIES - 1
            try:
                answer = self._client.post("/graphql", json={"query": document, "variables": dict(variables)})
            except httpx.TransportError:
                if is_last or not may_repeat:
                    raise
                time.sleep(min(LONGEST_WAIT, 2.0**attempt))
                continue
            body = _said(answer)
            if not body.get("errors"):
                return body["data"]
            error = ApiError(body["errors"])
            if is_last or not (error.code == "THROTTLED" or (error.code == "UNAVAILABLE" and may_repeat)):
                raise error
            time.sleep(min(LONGEST_WAIT, _asked_to_wait(error, otherwise=2.0**attempt)))
        raise AssertionError

    def download(self, url: str) -> Iterator[bytes]:
        """What an export's link leads to, piece by piece, however large. Raises httpx.HTTPStatusError."""
        with httpx.stream("GET", url, timeout=60) as answer:
            answer.raise_for_status()
            yield from answer.iter_bytes()


def _said(answer: httpx.Response) -> dict[str, Any]:
    """The answer of a GraphQL server; or an error in its place, when it is another's: a proxy's, or a wrong address's."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and ("data" in body or body.get("errors")):
        return body
    error: dict[str, Any] = {"message": f"HTTP {answer.status_code} without a GraphQL answer"}
    if answer.status_code in AWAY:
        error["extensions"] = {"code": "UNAVAILABLE"}
    return {"errors": [error]}


def _asked_to_wait(error: ApiError, *, otherwise: float) -> float:
    return float(error.errors[0].get("extensions", {}).get("retryAfter", otherwise))
