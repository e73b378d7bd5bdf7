"""A receiver whose certificate nobody vouches for gets nothing, not even the headers of what was to be posted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs.channels.http import poster as posters
from jobs.channels.http.network import NotReachedError
from jobs.channels.http.poster import Answer, Poster, WholeBody

Make = Callable[..., ssl.SSLContext]


@pytest.fixture
def vouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a receiver's certificate, by itself the authority that is believed here."""
    believed = tmp_path / "believed"
    believed.write_bytes(b"")
    monkeypatch.setenv("SSL_CERT_FILE", str(believed))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))

    def make(
        *, address: str = "127.0.0.1", until: timedelta = timedelta(days=1), is_believed: bool = True
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
        real_now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(real_now - timedelta(days=3))
            .not_valid_after(real_now + until)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, SHA256())
        )
        public = certificate.public_bytes(Encoding.PEM)
        (tmp_path / "pair").write_bytes(
            public + key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        if is_believed:
            believed.write_bytes(public)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(tmp_path / "pair")
        return tls

    return make


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A receiver's URL, and what it got to read."""
    got: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(take if tls else say_nothing, "127.0.0.1", 0, ssl=tls) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", got


async def post(url: str) -> Answer:
    poster = Poster("any")
    try:
        return await poster.post(url, {"webhook-id": "one"}, WholeBody(b"{}"), length=2)
    finally:
        await poster.close()


async def test_a_receiver_with_a_certificate_that_is_vouched_for_is_posted_to(vouched: Make):
    async with receiving(vouched()) as (url, got):
        assert await post(url) == Answer(204, None)

    assert len(got) == 1


@pytest.mark.parametrize(
    "wrong", [{"address": "127.0.0.2"}, {"until": timedelta(days=-1)}, {"is_believed": False}], ids=str
)
async def test_a_receiver_with_another_s_an_expired_or_an_unknown_certificate_gets_nothing(
    vouched: Make, wrong: dict[str, object]
):
    async with receiving(vouched(**wrong)) as (url, got):
        with pytest.raises(NotReachedError, match="certificate"):
            await post(url)

    assert got == []


async def test_a_handshake_that_does_not_come_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posters, "CONNECT_WAIT", 0.2)
    async with receiving(None) as (url, _):
        with pytest.raises(NotReachedError):
            await post(url)
