"""Signatures that an independent verifier believes, over exactly what arrived (RFC 6376, RFC 8058 §4)."""

import re

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from models.mail.dkim import Signer, public_key, signer
from settings import MIN_RSA_BITS, Settings
from tests.models.mail.test_mail import SCRIPTS, WHEN, localised, mail

KEY = rsa.generate_private_key(65537, MIN_RSA_BITS)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ON = Settings(_env_file=None, dkim_key=SecretStr(PEM), dkim_selector="s1")


def sign(data: bytes) -> bytes:
    return Signer("mail.example", "s1", KEY).field(data, WHEN) + data


def verify(data: bytes) -> bool:
    """What dkimpy says, given the key that is published."""

    def dns(name: bytes, **_: object) -> bytes | None:
        return f"v=DKIM1; k=rsa; p={public_key(ON)}".encode() if name == b"s1._domainkey.mail.example." else None

    valid: bool = dkim.verify(data, dnsfunc=dns)
    return valid


@pytest.mark.parametrize("language", sorted(SCRIPTS))
def test_a_mail_in_any_script_is_signed_so_that_another_program_believes_it(language: str):
    text, subject, name = SCRIPTS[language]

    assert verify(sign(mail(localised(text, subject, language, shop="Blüm & 花"), name, sender="Blüm & 花")))


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=30)
def test_whatever_fills_the_gaps_is_signed(name: str, sender: str):
    assert verify(sign(mail(localised(), name, sender=sender or "x")))


def test_every_field_that_matters_is_signed_and_none_can_be_added():
    signed = sign(mail(localised()))
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", signed)
    names = re.search(rb" h=([^;]+);", unfolded)
    assert names is not None
    covered = names[1].decode().split(":")

    assert {"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} <= set(covered)
    assert covered.count("from") == covered.count("list-unsubscribe") == 2
    for field in (b"From: Eve <eve@evil.example>", b"Subject: Win", b"Reply-To: eve@evil.example"):
        assert not verify(field + b"\r\n" + signed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https://shop", b"List-Unsubscribe: <https://evil"),
        (b"One-Click", b"Two-Click"),
        (b"Subject: Ana", b"Subject: Eve"),
        (b"dot", b"dots"),
        (b"To: Ana", b"To: Eve"),
    ],
)
def test_what_was_altered_on_the_way_is_not_believed(old: bytes, new: bytes):
    signed = sign(mail(localised()))
    assert old in signed

    assert not verify(signed.replace(old, new, 1))


def test_the_signature_s_lines_are_short_and_the_mail_behind_it_is_untouched():
    data = mail(localised())
    signed = sign(data)
    field = signed.removesuffix(data)

    assert signed.endswith(data)
    assert field.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;") and field.endswith(b"\r\n")
    assert all(not line.startswith(b".") for line in field.split(b"\r\n"))
    assert max(map(len, field.split(b"\r\n"))) < 300


def test_without_a_key_nothing_is_signed():
    assert signer(Settings(_env_file=None), "mail.example") is None
    assert public_key(Settings(_env_file=None, dkim_selector="s1")) is None


def test_a_key_needs_the_selector_it_is_published_under():
    with pytest.raises(ValidationError, match="needs DKIM_SELECTOR"):
        Settings(_env_file=None, dkim_key=SecretStr(PEM))


@pytest.mark.parametrize(
    "wrong",
    [
        "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        rsa.generate_private_key(65537, MIN_RSA_BITS - 1)
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
    ],
)  # fmt: skip
def test_what_is_no_key_to_sign_with_stops_the_start_and_is_not_shown(wrong: str):
    with pytest.raises(ValidationError, match="RSA private key") as refused:
        Settings(_env_file=None, dkim_key=SecretStr(wrong), dkim_selector="s1")
    assert wrong.splitlines()[-1] not in str(refused.value)
