"""Bearer tokens: JWT (RFC 7519) signed with a shared secret, or by the operator's own issuer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from models.caller import Caller, Role, caller_of
from models.clock import now
from models.errors import Unauthenticated
from resolvers.issuer import Issuer
from settings import Settings

NO_PUBLIC_KEY = "TOKEN_PUBLIC_KEY must be an RSA, Ed25519 or P-256/384/521 public key in PEM."

MAX_TOKEN_LENGTH = 8192
ASYMMETRIC = ("RS256", "ES256", "ES384", "ES512", "EdDSA", "PS256")


@dataclass(frozen=True, slots=True)
class _Key:
    """A key and the only algorithms it is ever used with."""

    value: Any
    algorithms: Sequence[str]


class Verifier:
    """Checks tokens against the keys of the settings. With no key set, it refuses every token."""

    def __init__(self, settings: Settings) -> None:
        self._audience = settings.token_audience
        self._keys = [*_secret_key(settings), *_public_key(settings)]
        self._issuer = Issuer(settings.token_jwks_url) if settings.token_jwks_url else None

    async def caller(self, token: str) -> Caller:
        """Who a `token` speaks for. Unauthenticated when it is malformed, forged or out of time."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("The token is too long.")
        try:
            key = await self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key.value,
                algorithms=list(key.algorithms),
                audience=self._audience,
                # Times are held against the one clock, in `caller_of`.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": self._audience is not None,
                    "require": ["exp"],
                },
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"The token does not hold: {error}.") from None
        except (ValueError, RecursionError):
            raise Unauthenticated("The token is malformed.") from None
        return caller_of(claims, now())

    async def _key(self, header: Mapping[str, Any]) -> _Key:
        algorithm = header.get("alg")
        for key in self._keys:
            if algorithm in key.algorithms:
                return key
        if self._issuer is not None and algorithm in ASYMMETRIC:
            return await _issued_key(self._issuer, header.get("kid", ""))
        raise Unauthenticated("The token does not hold: this server takes no token signed that way.")


async def _issued_key(issuer: Issuer, name: str) -> _Key:
    found = await issuer.key(name)
    if found.algorithm_name not in ASYMMETRIC:
        raise Unauthenticated("The token does not hold: its key is not a public one.")
    return _Key(found.key, [found.algorithm_name])


def _secret_key(settings: Settings) -> list[_Key]:
    if settings.token_secret is None:
        return []
    return [_Key(settings.token_secret.get_secret_value(), ["HS256"])]


def _public_key(settings: Settings) -> list[_Key]:
    if settings.token_public_key is None:
        return []
    try:
        key = load_pem_public_key(settings.token_public_key.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(NO_PUBLIC_KEY) from None
    if isinstance(key, RSAPublicKey):
        return [_Key(key, ["RS256", "PS256"])]
    if isinstance(key, Ed25519PublicKey):
        return [_Key(key, ["EdDSA"])]
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return [_Key(key, [_CURVES[key.curve.name]])]
    raise ValueError(NO_PUBLIC_KEY)


_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def mint(
    secret: str,
    *,
    role: Role,
    subject: str,
    shop: str | None = None,
    lifetime: timedelta = timedelta(hours=12),
    audience: str | None = None,
) -> str:
    """A token signed with HS256, for local use and tests.

    `shop` is the external id of a seller's shop; `subject` names the user, or is a shopper's external id.
    """
    at = now()
    claims: dict[str, Any] = {
        "sub": subject,
        "role": role.value,
        "iat": int(at.timestamp()),
        "exp": int((at + lifetime).timestamp()),
        "jti": uuid4().hex,
    }
    if shop is not None:
        claims["shop"] = shop
    if audience is not None:
        claims["aud"] = audience
    return jwt.encode(claims, secret, algorithm="HS256")
