"""A relay over TLS: nothing is sent to one that offers none, or whose certificate nobody vouches for."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs.channels.email import EmailChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from tests.jobs.channels.mailing import states
from tests.slices import mail_plan
from tests.smtp_sink import Sink, Stage


@dataclass
class SecureRelay:
    """A relay with a certificate for 127.0.0.1; with STARTTLS it takes only mails of `user` with the password `p@ss`."""

    authority: Path
    """The file of the authority that vouches for it."""
    tls: ssl.SSLContext
    servers: list[asyncio.Server] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)
    """For each mail it has taken: whether it came over TLS."""

    async def start(self, scheme: str) -> str:
        """Listen, with STARTTLS (smtp) or TLS from the first byte (smtps); the URL."""
        implicit = scheme == "smtps"

        def conversation() -> SMTP:
            return SMTP(
                self,
                tls_context=None if implicit else self.tls,
                require_starttls=not implicit,
                authenticator=self._login,
                auth_required=not implicit,
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=self.tls if implicit else None)
        self.servers.append(server)
        login = "" if implicit else "user:p%40ss@"
        return f"{scheme}://{login}127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, said: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(said.login, said.password) == (b"user", b"p@ss"))

    async def handle_DATA(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        assert server.transport is not None
        self.taken.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 ok"


@pytest.fixture
async def secure_relay(tmp_path: Path) -> AsyncIterator[SecureRelay]:
    """A relay that speaks TLS, not yet started."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (tmp_path / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    relay = SecureRelay(tmp_path / "certificate", tls)
    yield relay
    for server in relay.servers:
        server.close()


@pytest.fixture
def believed(secure_relay: SecureRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the relay's authority one that this machine believes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_relay.authority))


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """An entry for each time that the certificate authorities are read."""
    found: list[None] = []
    read = ssl.create_default_context

    def reading() -> ssl.SSLContext:
        found.append(None)
        return read()

    monkeypatch.setattr("jobs.channels.smtp.relay.ssl.create_default_context", reading)
    return found


@pytest.fixture
async def channel_to(ctx: Context) -> AsyncIterator[Callable[[str], None]]:
    """Makes a relay the one of `ctx`, TLS required."""
    made = []

    def use(url: str) -> None:
        settings = ctx["settings"].model_copy(update={"smtp_url": url, "smtp_tls": "required"})
        ctx["channels"]["EMAIL"] = channel = EmailChannel(settings, ctx["tally"])
        made.append(channel)

    yield use
    for channel in made:
        await channel.close()


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mails_go_over_tls_and_authorities_are_read_once(
    ctx: Context, secure_relay: SecureRelay, channel_to: Callable[[str], None], readings: list[None], scheme: str
):
    _, plan = await mail_plan(12)
    channel_to(await secure_relay.start(scheme))

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 12}
    assert secure_relay.taken == [True] * 12
    assert len(readings) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_relay_for_whose_certificate_nobody_vouches_gets_nothing(
    ctx: Context, secure_relay: SecureRelay, channel_to: Callable[[str], None], scheme: str
):
    _, plan = await mail_plan(12)
    channel_to(await secure_relay.start(scheme))

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("PENDING", None): 12}
    assert secure_relay.taken == []


async def test_a_relay_without_tls_gets_nothing_where_tls_is_required(
    ctx: Context, sink: Sink, channel_to: Callable[[str], None]
):
    _, plan = await mail_plan(12)
    channel_to(sink.start())

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("PENDING", None): 12}
    assert sink.asked[Stage.MAIL] == 0


async def test_where_no_tls_is_wanted_no_authorities_are_read(
    ctx: Context, at_sink: Callable[..., EmailChannel], readings: list[None]
):
    _, plan = await mail_plan(12)
    at_sink()

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 12}
    assert readings == []
