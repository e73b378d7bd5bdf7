"""Settings that would not do in earnest. What cannot be at all is refused at every start."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from models.public_address import may_be_public
from operations.doctor import dotenv_file
from operations.doctor.diagnosis import Diagnosis, fail, ok, warn
from settings import Settings

OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH
OTHERS_MAY_ENTER = stat.S_IXGRP | stat.S_IXOTH
"""Bits of modes: a secret's file should lack the first, or its folder the second."""


def check(settings: Settings) -> Iterator[Diagnosis]:
    """Everything that the settings alone tell."""
    yield ok("Python", sys.version.split()[0])
    yield _production(settings)
    yield from _public_url(settings)
    yield from _keys(settings)
    yield from _mail(settings)
    yield from _files(settings)
    yield from dotenv_file.check(Path(".env"))
    if settings.clock:
        yield warn("CLOCK", f"the clock is moved by {settings.clock}", "unset CLOCK where customers are real")
    if settings.metrics_token is None:
        yield warn("METRICS_TOKEN", "not set: nobody can watch /metrics", "set it to 16 bytes or more of your own")


def _production(settings: Settings) -> Diagnosis:
    if settings.production:
        return ok("PRODUCTION", "on")
    return warn("PRODUCTION", "off: anyone may read the whole schema, and logs are lines", "set PRODUCTION=1")


def _public_url(settings: Settings) -> Iterator[Diagnosis]:
    url = settings.public_url
    if url is None:
        yield fail("PUBLIC_URL", "not set: links in mails lead to this machine only", "set PUBLIC_URL=https://…")
    elif urlsplit(url).scheme != "https":
        mend = "set PUBLIC_URL=https://…: mail clients unsubscribe in one click by https only (RFC 8058)"
        yield fail("PUBLIC_URL", "not https", mend)
    else:
        yield ok("PUBLIC_URL", "https")


def _keys(settings: Settings) -> Iterator[Diagnosis]:
    found = {
        name: secret.get_secret_value()
        for name in ("token_secret", "secret_key", "link_keys")
        if (secret := getattr(settings, name)) is not None
    }
    if "secret_key" not in found:
        yield fail("SECRET_KEY", "not set", "set it to 32 random bytes or more, once and for ever")
    if "token_secret" not in found and not settings.token_public_key and not settings.token_jwks_url:
        yield fail(
            "TOKEN_SECRET", "not set, nor another issuer's key", "set TOKEN_SECRET, TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL"
        )
    weak = [name.upper() for name, key in found.items() if len(set(key)) < 10]
    if weak:
        yield fail(
            " and ".join(weak), "easily guessed", "draw it by chance, for example with `openssl rand -base64 48`"
        )
    if len(set(found.values())) < len(found):
        yield warn("keys", "the same key for several purposes", "draw one for each")
    elif found and not weak:
        yield ok("keys", ", ".join(name.upper() for name in found))


def _mail(settings: Settings) -> Iterator[Diagnosis]:
    if settings.mail_domain.endswith(".localhost"):
        yield fail("MAIL_DOMAIN", f"{settings.mail_domain}: no bounce will come back", "set it to a domain of yours")
    else:
        yield ok("MAIL_DOMAIN", settings.mail_domain)
    if settings.sender_check == "required" and settings.dkim_selector is None:
        mend = "set it, and DKIM_KEY_FILE where the relay does not sign (docs/mail.md)"
        yield fail("DKIM_SELECTOR", "not set: plans that go by email are refused", mend)
    if settings.smtp_tls == "none":
        yield from _unencrypted(settings)


def _unencrypted(settings: Settings) -> Iterator[Diagnosis]:
    """Relays on other machines: those that anybody could be on the way to, and those of a network of one's own."""
    hosts = [urlsplit(url).hostname or "" for url in (settings.smtp_url or "").split()]
    remote = [host for host in hosts if not _is_here(host)]
    mend = "set SMTP_TLS=required"
    if public := [host for host in remote if may_be_public(host)]:
        yield fail("SMTP_TLS", f"mail leaves for {', '.join(public)} unencrypted", mend)
    if beside := [host for host in remote if not may_be_public(host)]:
        told = f"mail leaves for {', '.join(beside)} unencrypted"
        yield warn("SMTP_TLS", told, f"{mend}, unless nobody else is on the network to there")


def _is_here(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _files(settings: Settings) -> Iterator[Diagnosis]:
    """Files of secrets, and `.env`, that others on this machine may read."""
    named = [os.environ.get(f"{name.upper()}_FILE") for name in type(settings).model_fields]
    for path in [Path(name) for name in (*named, ".env") if name]:
        if path.exists() and _others_may_read(path) and not str(path).startswith("/run/secrets/"):
            yield warn(str(path), "others on this machine may read it", f"chmod 600 {path}")


def _others_may_read(path: Path) -> bool:
    folder = path.absolute().parent
    return bool(path.stat().st_mode & OTHERS_MAY_READ and folder.stat().st_mode & OTHERS_MAY_ENTER)
