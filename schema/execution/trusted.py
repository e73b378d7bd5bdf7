"""Trusted documents: asked for by the SHA-256 of their text instead of the text itself.

Two ways to say the same: `documentId: "sha256:…"` of the GraphQL over HTTP draft, and Apollo's
`extensions.persistedQuery.sha256Hash`. With a file of documents (TRUSTED_DOCUMENTS) sellers and shoppers
may run these only; without one, a client may register what it sends along with its hash.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from models.caller import Caller, Role

MAX_REGISTERED_SOURCE = 500_000
"""Characters of registered documents a process keeps in all, the least recently used going first."""

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"


class Untrusted(Exception):
    """A document that is not run: the error's code and what to say."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def digest_of(source: str) -> str:
    """SHA-256 of a document's text, in hexadecimal."""
    return sha256(source.encode(errors="surrogatepass")).hexdigest()


def read_documents(path: Path) -> Mapping[str, str]:
    """The documents of a file, by digest: a JSON object of texts by `sha256:<hex>` or `<hex>`.

    ValueError, naming the file and the entry, when it is anything else.
    """
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"TRUSTED_DOCUMENTS: {path} cannot be read as JSON: {error}") from None
    if not isinstance(entries, dict):
        raise ValueError(  # noqa: TRY004 - the operator's text is wrong, not a type in our code
            f"TRUSTED_DOCUMENTS: {path} must hold a JSON object of documents by their SHA-256"
        )
    for name, source in entries.items():
        if not isinstance(source, str) or name.removeprefix("sha256:") != digest_of(source):
            raise ValueError(f"TRUSTED_DOCUMENTS: {name[:80]!r} in {path} is not the SHA-256 of its document")
    return {name.removeprefix("sha256:"): source for name, source in entries.items()}


class TrustedDocuments:
    """Finds documents by digest, and says which texts a caller may run."""

    def __init__(self, path: Path | None) -> None:
        self._listed = read_documents(path) if path else None
        self._registered: OrderedDict[str, str] = OrderedDict()
        self._registered_source = 0

    def source(self, query: str | None, digest: str | None, caller: Caller | None) -> str:
        """The text to run. Untrusted when there is none by this digest, or the caller may not run it."""
        if query is None:
            assert digest is not None
            return self._found(digest)
        if digest is not None and digest != digest_of(query):
            raise Untrusted("BAD_USER_INPUT", "The hash is not the SHA-256 of the document that came with it.")
        if self._is_listed_only(caller) and digest_of(query) not in (self._listed or ()):
            raise Untrusted(NOT_TRUSTED, "Only trusted documents may be run here, and this is none of them.")
        return query

    def register(self, digest: str, source: str) -> None:
        """Keep a document that a client sent with its digest, unless there is a list."""
        if self._listed is not None or digest in self._registered:
            return
        self._registered[digest] = source
        self._registered_source += len(source)
        while self._registered_source > MAX_REGISTERED_SOURCE:
            _, dropped = self._registered.popitem(last=False)
            self._registered_source -= len(dropped)

    def _is_listed_only(self, caller: Caller | None) -> bool:
        return self._listed is not None and (caller is None or caller.role is not Role.PLATFORM)

    def _found(self, digest: str) -> str:
        known = self._registered if self._listed is None else self._listed
        if digest not in known:
            # Apollo's clients look for this very message, and send the text next.
            raise Untrusted(NOT_FOUND, "PersistedQueryNotFound")
        if self._listed is None:
            self._registered.move_to_end(digest)
        return known[digest]
