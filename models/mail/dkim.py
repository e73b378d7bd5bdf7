"""Signing mails (DKIM, RFC 6376), where the operator's relay does not: RSA-SHA256, headers relaxed, body as it is.

The body needs no canonical form: it is quoted-printable, which nobody on the way has a reason to touch. What is
signed beside the usual are the fields of one-click unsubscription, as RFC 8058 §4 demands. Fields that would
mislead when they are added a second time are signed as absent as well (RFC 6376 §8.15).
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from settings import Settings

SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post",
    "mime-version", "content-type", "content-language", "auto-submitted", "feedback-id",
)  # fmt: skip
"""Fields that are signed when they are there, in this order."""

ONCE = ("from", "to", "subject", "date", "reply-to", "list-unsubscribe", "list-unsubscribe-post")
"""Fields of which no further one may be added."""

_LINE = 72


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one domain (`d=`) under one selector (`s=`)."""

    domain: str
    selector: str
    key: RSAPrivateKey

    def field(self, mail: bytes, at: datetime) -> bytes:
        """The DKIM-Signature field to put before a mail, whose lines end in CRLF."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = _relaxed(head)
        present = [name for name in SIGNED if name in fields]
        names = ":".join([*present, *(name for name in ONCE if name in fields or name == "reply-to")])
        digest = b64encode(sha256(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
        tags = [
            "v=1; a=rsa-sha256; c=relaxed/simple;", f"d={self.domain}; s={self.selector}; t={int(at.timestamp())};",
            f"h={names};", f"bh={digest};", "b=",
        ]  # fmt: skip
        signed = b"".join(b"%s:%s\r\n" % (name.encode(), fields[name]) for name in present)
        signature = self.key.sign(signed + f"dkim-signature:{' '.join(tags)}".encode(), PKCS1v15(), SHA256())
        return _folded(tags, b64encode(signature).decode())


def signer(settings: Settings, domain: str) -> Signer | None:
    """Who signs the mails from a domain; None where the relay does."""
    if settings.dkim_key is None or settings.dkim_selector is None:
        return None
    return Signer(domain, settings.dkim_selector, _key(settings.dkim_key.get_secret_value()))


def public_key(settings: Settings) -> str | None:
    """What the `p=` of the published key must be: the public key's DER in base64; None where the relay signs."""
    if settings.dkim_key is None:
        return None
    public = _key(settings.dkim_key.get_secret_value()).public_key()
    return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@lru_cache(maxsize=4)
def _key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _relaxed(head: bytes) -> Mapping[str, bytes]:
    """The fields of a head by name, in relaxed form (RFC 6376 §3.4.2): unfolded, their spaces single."""
    lines = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")
    parted = (line.partition(b":") for line in lines)
    return {name.decode().strip().lower(): b" ".join(value.split()) for name, _, value in parted}


def _folded(tags: list[str], signature: str) -> bytes:
    """The whole field. Where it is folded there was a space, so its relaxed form is what was signed."""
    pieces = [signature[start : start + _LINE] for start in range(0, len(signature), _LINE)]
    lines = [*tags[:-1], tags[-1] + pieces[0], *pieces[1:]]
    return ("DKIM-Signature: " + "\r\n ".join(lines) + "\r\n").encode()
