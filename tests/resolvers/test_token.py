"""Bearer tokens: what holds, and everything that must not."""

import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.caller import Role
from models.clock import Clock, now
from models.errors import Forbidden, Unauthenticated, Unavailable
from resolvers.token import MAX_TOKEN_LENGTH, Verifier, mint
from server import create_app
from settings import Settings
from tests.api import SECRET

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def configured(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def pem(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def claims(**changes: Any) -> dict[str, Any]:
    return {"sub": "c1", "role": "CUSTOMER", "exp": int((now() + timedelta(hours=1)).timestamp()), **changes}


async def test_a_minted_token_says_who_calls():
    verifier = Verifier(configured(token_secret=SECRET))
    caller = await verifier.caller(mint(SECRET, role=Role.OWNER, subject="anna", shop="bloom"))

    assert (caller.role, caller.subject, caller.shop) == (Role.OWNER, "anna", "bloom")
    assert caller.expires_at == now() + timedelta(hours=12)


async def test_a_token_ends_by_the_one_clock(clock: Clock):
    verifier = Verifier(configured(token_secret=SECRET))
    token = mint(SECRET, role=Role.PLATFORM, subject="cron", lifetime=timedelta(minutes=1))
    clock.move(timedelta(seconds=64))
    await verifier.caller(token)
    clock.move(timedelta(seconds=1))

    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.caller(token)


async def test_every_time_in_a_token_is_held_against_the_one_clock_wherever_that_stands(clock: Clock):
    clock.move(timedelta(days=365 * 50))
    verifier = Verifier(configured(token_secret=SECRET))
    begins = int(now().timestamp())
    token = jwt.encode(claims(iat=begins, nbf=begins), SECRET, algorithm="HS256")

    assert (await verifier.caller(token)).subject == "c1"
    clock.move(timedelta(hours=-1))
    with pytest.raises(Unauthenticated):
        await verifier.caller(token)


async def test_a_token_that_is_too_long_is_not_read_whoever_signed_it():
    token = jwt.encode(claims(padding="x" * MAX_TOKEN_LENGTH), SECRET, algorithm="HS256")

    with pytest.raises(Unauthenticated, match="too long"):
        await Verifier(configured(token_secret=SECRET)).caller(token)


async def test_where_a_secret_and_a_public_key_are_set_each_is_believed_by_its_own_algorithm():
    verifier = Verifier(configured(token_secret=SECRET, token_public_key=pem(RSA)))
    own, issued = (jwt.encode(claims(), key, algorithm=name) for key, name in ((SECRET, "HS256"), (RSA, "RS256")))

    assert [(await verifier.caller(token)).subject for token in (own, issued)] == ["c1", "c1"]
    with pytest.raises(Unauthenticated):
        await verifier.caller(jwt.encode(claims(), CURVE, algorithm="ES256"))


def unsigned() -> str:
    def part(value: dict[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", "....", "é.é.é", "a" * 10_000, unsigned(),
        jwt.encode(claims(), "another secret, long enough for HS256", algorithm="HS256"),
        jwt.encode(claims(), SECRET + "x" * 40, algorithm="HS512"),
        jwt.encode(claims(), EDWARDS, algorithm="EdDSA"),
        jwt.encode(claims(exp="never"), SECRET, algorithm="HS256"),
        jwt.encode(claims(exp=253402300799), SECRET, algorithm="HS256"),  # the calendar's last second
        jwt.encode({"sub": "c1", "role": "CUSTOMER"}, SECRET, algorithm="HS256"),
        jwt.encode(claims(), SECRET, algorithm="HS256")[:-2] + "xx",
    ],
)  # fmt: skip
async def test_what_is_malformed_or_forged_is_not_believed(token: str):
    with pytest.raises(Unauthenticated):
        await Verifier(configured(token_secret=SECRET)).caller(token)


async def test_a_public_key_is_no_secret():
    """The classic confusion: a token signed by HS256 with the text of the public key."""
    verifier = Verifier(configured(token_public_key=pem(RSA)))
    header = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = urlsafe_b64encode(json.dumps(claims()).encode()).decode().rstrip("=")
    digest = hmac.digest(pem(RSA).encode(), f"{header}.{body}".encode(), "sha256")
    forged = f"{header}.{body}.{urlsafe_b64encode(digest).decode().rstrip('=')}"

    with pytest.raises(Unauthenticated):
        await verifier.caller(forged)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (CURVE, "ES256"), (EDWARDS, "EdDSA")])
async def test_the_operator_s_own_issuer_signs_with_its_key(key: Any, algorithm: str):
    caller = await Verifier(configured(token_public_key=pem(key))).caller(
        jwt.encode(claims(), key, algorithm=algorithm)
    )

    assert caller.role is Role.CUSTOMER


async def test_an_audience_is_required_once_it_is_set():
    verifier = Verifier(configured(token_secret=SECRET, token_audience="rekindle"))
    await verifier.caller(mint(SECRET, role=Role.CUSTOMER, subject="c1", audience="rekindle"))

    for audience in (None, "other"):
        with pytest.raises(Unauthenticated):
            await verifier.caller(mint(SECRET, role=Role.CUSTOMER, subject="c1", audience=audience))


async def test_a_role_that_is_none_of_ours_is_forbidden():
    with pytest.raises(Forbidden):
        await Verifier(configured(token_secret=SECRET)).caller(
            jwt.encode(claims(role="CUSTOMER_SERVICE"), SECRET, algorithm="HS256")
        )


async def test_without_any_key_no_token_holds():
    with pytest.raises(Unauthenticated):
        await Verifier(configured()).caller(mint(SECRET, role=Role.CUSTOMER, subject="c1"))


@pytest.mark.parametrize("values", [{"token_secret": "short"}, {"token_public_key": "nonsense"}])
def test_a_weak_or_unreadable_key_is_refused_at_start(values: dict[str, str]):
    with pytest.raises(ValueError, match=r"32 bytes|PEM"):
        Verifier(configured(**values))


@pytest.fixture
def issuer() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A JWKS document on a local port, and its keys, which a test may change."""
    keys: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": keys}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json", keys
    server.shutdown()
    thread.join()
    server.server_close()


def public_jwk(key: Any, identifier: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {**jwk, "kid": identifier, "use": "sig", "alg": "ES256"}


async def test_the_operator_s_issuer_may_publish_its_keys(issuer: tuple[str, list[dict[str, Any]]]):
    url, keys = issuer
    keys.append(public_jwk(CURVE, "k1"))
    verifier = Verifier(configured(token_jwks_url=url))
    good = jwt.encode(claims(), CURVE, algorithm="ES256", headers={"kid": "k1"})
    other = jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k1"})
    unknown = jwt.encode(claims(), CURVE, algorithm="ES256", headers={"kid": "k2"})

    assert (await verifier.caller(good)).subject == "c1"
    for token in (other, unknown, mint(SECRET, role=Role.CUSTOMER, subject="c1")):
        with pytest.raises(Unauthenticated):
            await verifier.caller(token)


async def test_a_secret_that_an_issuer_publishes_is_everybody_s_and_believed_of_nobody(
    issuer: tuple[str, list[dict[str, Any]]],
):
    url, keys = issuer
    published = urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
    keys.append({"kty": "oct", "k": published, "kid": "k1", "use": "sig", "alg": "HS256"})
    token = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "k1"})

    with pytest.raises(Unauthenticated):
        await Verifier(configured(token_jwks_url=url)).caller(token)


async def test_an_issuer_s_keys_are_fetched_once_for_all_that_asks_for_tokens(
    issuer: tuple[str, list[dict[str, Any]]], settings: Settings
):
    url, keys = issuer
    keys.append(public_jwk(CURVE, "k1"))
    app = create_app(settings.model_copy(update={"token_secret": None, "token_jwks_url": url}))
    token = jwt.encode(claims(role="OWNER", shop="bloom"), CURVE, algorithm="ES256", headers={"kid": "k1"})
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        asked = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        keys.clear()
        unknown = await client.get("/exports/plans/unknown/ledger.csv", headers=headers)

    assert (asked.status_code, unknown.status_code) == (200, 404)


async def test_an_issuer_that_cannot_be_reached_is_no_one_s_fault():
    verifier = Verifier(configured(token_jwks_url="http://127.0.0.1:9/jwks.json"))

    with pytest.raises(Unavailable):
        await verifier.caller(jwt.encode(claims(), CURVE, algorithm="ES256", headers={"kid": "k1"}))
