"""Every environment variable that Rekindle reads, once, typed."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SCHEMES = {
    "database_url": ("postgres", "postgresql"),
    "redis_url": ("redis", "rediss", "unix"),
    "smtp_url": ("smtp", "smtps"),
    "bounces_url": ("lmtp", "smtp"),
}

UNREADABLE_URL = (
    "cannot be read: a port is a number up to 65535, a database of Redis is a number, and what a user or a password has"
    " of : / ? # [ ] @ or spaces is percent-encoded"
)
"""Of every URL that is none to its end. Which part it is would be a part of the password, when that is to blame."""

MIN_KEY_LENGTH = 32
"""Bytes of the shortest key that is taken: what SHA-256 gives (RFC 2104 §3, RFC 7518 §3.2)."""

MIN_TOKEN_LENGTH = 16
"""Bytes of the shortest token that is taken for /metrics."""

MIN_RSA_BITS = 2048
"""Bits of the shortest key that signs mails (RFC 8301 §3.2)."""

MAX_FILE = 64 * 1024
"""Bytes of the longest file that a setting is read from."""


MAX_MAIL_DOMAIN = 254 - 1 - 64
"""Characters of the longest domain with which the longest return path is an address (RFC 5321 §4.5.3.1)."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*(?!\d+$){_LABEL}")
"""A domain as addresses have it (RFC 5321 §4.1.2); one that ends in a number is an IP address, or meant as one."""

_IN_A_LINK = re.compile(r"[!$-;=@-Z\[\]_a-z~%]+")
"""What may begin a link in a mail and its List-Unsubscribe: no space, no quotation mark, nothing beyond ASCII, and
neither a query nor a fragment, since a path comes behind it."""

_USER = re.compile(r"[a-z]+://[^/]*@", re.IGNORECASE)
"""How a URL begins that names a user: everybody who gets a mail would read the password."""


class SettingsFileError(Exception):
    """A file that a setting names cannot be read; the message says which, never what is in it."""


class FromFiles(PydanticBaseSettingsSource):
    """Settings kept in files, as container engines and systemd hand over secrets: `SECRET_KEY_FILE=/run/secrets/key`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of the file that NAME_FILE names, without its last line's end; None when it names none."""
        _ = field
        path = os.environ.get(f"{field_name.upper()}_FILE")
        return _text_of(f"{field_name.upper()}_FILE", path) if path else None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every setting that a file is named for."""
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def _text_of(name: str, path: str) -> str:
    """What a file holds. One that cannot be read whole stops the start: without its secret nothing would be safe."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise SettingsFileError(f"{name}: {path} is longer than {MAX_FILE:,} bytes")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise SettingsFileError(f"{name}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsFileError(f"{name}: {path} is not text in UTF-8") from None


def _can_be_read(url: str) -> bool:
    """Whether a URL is one to its last part: a slash in a password, say, makes a port of what is before it."""
    if re.search(r"\s", url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme not in {"redis", "rediss"} or re.fullmatch(r"(/\d{1,9})?", parts.path) is not None


def _can_begin_links(url: str) -> bool:
    """Whether links can be made of a URL by writing a path behind it."""
    if _IN_A_LINK.fullmatch(url) is None or _USER.match(url) or not _can_be_read(url):
        return False
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0


def _can_sign(pem: str) -> bool:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        return False
    return isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS


class Settings(BaseSettings):
    """The whole configuration. Each field is the environment variable of the same name, in capitals.

    Engines that have no URL are started by `local/` on the loopback interface; with a URL set,
    nothing embedded is started.
    """

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    database_url: str | None = Field(
        None,
        description="PostgreSQL 15+, as postgres://user:password@host:port/name; ?sslmode=verify-full and the like may follow.",
    )
    redis_url: str | None = Field(None, description="Redis or Valkey, as redis://host:port/0.")
    smtp_url: str | None = Field(
        None,
        description=(
            "The mail relay, as smtp://user:password@host:587 (STARTTLS) or smtps://host:465; several are separated "
            "by spaces and share the work."
        ),
    )
    smtp_tls: Literal["required", "none"] = Field(
        "required", description="Whether mail may leave without encryption; `none` is for a relay on the same host."
    )
    smtp_connections: int = Field(16, ge=1, le=256, description="Connections a worker opens to each relay.")
    smtp_domain_connections: int | None = Field(
        None,
        ge=1,
        description="Messages a worker has on the wire at once to one recipient domain; no limit when unset.",
    )
    smtp_domain_rate: float | None = Field(
        None, gt=0, description="Messages per second a worker begins to one recipient domain; no limit when unset."
    )
    webhook_targets: Literal["public", "any"] = Field(
        "public",
        description=(
            "Where chat platforms and webhooks of shops may be: `public` is https at public addresses, `any` also http "
            "and private addresses, for local use."
        ),
    )
    webhook_connections: int = Field(
        16, ge=1, le=128, description="Requests a worker has on the wire at once to one shop's chat platform."
    )
    mail_domain: str = Field("rekindle.localhost", description="Domain of Message-ID and envelope addresses.")
    bounces_url: str = Field(
        "lmtp://127.0.0.1:8024",
        description="Where `.venv/bin/python server.py bounces` takes reports, as lmtp://host:port or smtp://host:port.",
    )
    bounce_secret: SecretStr | None = Field(
        None, description="Secret (32+ bytes) that signs reports posted to /bounces; without one there is no such page."
    )
    dkim_selector: str | None = Field(
        None, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$",
        description="Selector under which mails are signed (DKIM), by the relay, or by Rekindle with DKIM_KEY.",
    )  # fmt: skip
    dkim_key: SecretStr | None = Field(
        None, description="RSA private key (2048+ bits, PEM) with which Rekindle signs mails; best as DKIM_KEY_FILE."
    )
    sender_check: Literal["required", "waived"] = Field(
        "required", description="Whether SPF, DKIM and DMARC of a sender's domain must be in order before mail goes."
    )
    mail_tracking: bool = Field(
        True, description="Whether opens and clicks of mails are noted; off, mails have no pixel and no links of ours."
    )
    postal_address: Literal["required", "waived"] = Field(
        "required", description="Whether a shop needs a postal address before its plans go by email."
    )

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    public_url: str | None = Field(None, description="How customers reach this server, for links in mail.")

    data_directory: Path = Field(Path(".data"), description="Where the embedded engines keep their files.")
    clock: str | None = Field(
        None,
        description=(
            "Moves the one clock: an ISO 8601 instant to start from, or a signed ISO 8601 duration to shift by. "
            "For tests, replays and demos."
        ),
    )

    token_secret: SecretStr | None = Field(None, description="HS256 secret (32+ bytes) that signs bearer tokens.")
    token_public_key: str | None = Field(None, description="PEM public key of the operator's own token issuer.")
    token_jwks_url: str | None = Field(None, description="JWKS document of the operator's own token issuer.")
    token_audience: str | None = Field(None, description="Required `aud` claim, when set.")
    secret_key: SecretStr | None = Field(
        None, description="Key (32+ bytes) for address digests, and for signed links without LINK_KEYS; never changes."
    )
    link_keys: SecretStr | None = Field(
        None,
        description=(
            "Keys (32+ bytes each) for the links and return paths of mails, separated by spaces: the first signs, "
            "all are believed."
        ),
    )

    database_pool: int = Field(
        10,
        ge=2,
        le=200,
        description="Most connections a process opens to PostgreSQL; a caller of the API has a third of them.",
    )
    statement_timeout: timedelta = Field(
        timedelta(seconds=15), gt=timedelta(), description="Longest an API statement may run in PostgreSQL."
    )
    sweep_interval: timedelta = Field(
        timedelta(seconds=10), gt=timedelta(), description="How often a worker asks what is due."
    )
    lease: timedelta = Field(
        timedelta(seconds=60), gt=timedelta(), description="How long a silent worker keeps its slices."
    )
    plan_deadline: timedelta = Field(
        timedelta(hours=72), gt=timedelta(), description="After this a plan's waiting messages expire (R18)."
    )
    event_months: int | None = Field(
        None, ge=13, description="Whole months that events are kept for; for ever when unset."
    )
    message_months: int | None = Field(
        None, ge=1, description="Months after a plan's end for which the values filled into its messages are kept."
    )
    conversation_months: int | None = Field(
        None, ge=1, description="Months for which a conversation is kept after its last remark; for ever when unset."
    )
    trial_days: int = Field(
        90, ge=1, description="Days for which test mails, with the addresses they went to, are kept."
    )
    mailbox_directory: Path | None = Field(
        None,
        description="Folder of the embedded mailbox, whose pages are then at /mailbox, but for production; `run` sets it.",
    )
    throttle_points: int = Field(20_000, ge=5_000, description="Points of cost a caller's bucket holds.")
    throttle_refill: int = Field(500, ge=1, description="Points a second that flow back into a caller's bucket.")
    trusted_documents: Path | None = Field(
        None, description="JSON file of documents by their SHA-256: sellers and shoppers may run these only."
    )
    production: bool = Field(False, description="Hides introspection, the IDE and field suggestions.")

    log_format: Literal["json", "lines"] | None = Field(
        None, description="How logs are written: `json` or `lines`; unset, `json` with `PRODUCTION` on, else `lines`."
    )
    log_level: Literal["INFO", "WARNING", "ERROR"] | None = Field(
        None, description="The least that is logged; unset, `INFO` with `PRODUCTION` on, else `WARNING`."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token (16+ bytes) that opens /metrics; without one there is no such page."
    )

    @property
    def base_url(self) -> str:
        """How customers reach this server, without a slash at the end; where it listens, when PUBLIC_URL is not set."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secret(self) -> bytes:
        """SECRET_KEY as it signs and digests. Only for what is not begun without it (local/keys.py)."""
        assert self.secret_key is not None
        return self.secret_key.get_secret_value().encode()

    @property
    def logs_in_json(self) -> bool:
        """Whether logs are JSON."""
        return self.log_format == "json" if self.log_format else self.production

    @property
    def least_log_level(self) -> str:
        """The least that is logged."""
        return self.log_level or ("INFO" if self.production else "WARNING")

    @field_validator("statement_timeout", "sweep_interval", "lease", "plan_deadline", mode="before")
    @classmethod
    def _may_be_seconds(cls, value: Any) -> Any:
        """A plain number is one of seconds, as a text too: variables of the environment are nothing else."""
        return float(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d+)?", value) else value

    @field_validator("redis_url", mode="before")
    @classmethod
    def _may_end_in_a_slash(cls, value: Any) -> Any:
        """`redis://host:6379/`, as many write it, names no database, and is the first."""
        return re.sub(r"^(rediss?://[^/]*)/$", r"\1", value) if isinstance(value, str) else value

    @field_validator(*SCHEMES)
    @classmethod
    def _is_such_a_url(cls, value: str | None, field: ValidationInfo) -> str | None:
        if value is None:
            return None
        schemes = SCHEMES[str(field.field_name)]
        urls = (value.split() or [""]) if field.field_name == "smtp_url" else [value]
        if any(url.partition("://")[0] not in schemes for url in urls):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if not all(_can_be_read(url) for url in urls):
            raise ValueError(UNREADABLE_URL)
        return value

    @field_validator("mail_domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        if len(value) > MAX_MAIL_DOMAIN or _DOMAIN.fullmatch(value) is None:
            raise ValueError(
                f"must be a domain of at most {MAX_MAIL_DOMAIN} characters, such as mail.example.com; one in another"
                " script is written as xn--…"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _is_where_links_lead(cls, value: str | None) -> str | None:
        """Empty it is as good as unset."""
        if value and not _can_begin_links(value):
            raise ValueError(
                "must be a URL that links can begin with, such as https://outreach.example.com: http or https, a host,"
                " no user, no password, no query, no fragment, no spaces; a host in another script is written as xn--…"
            )
        return value

    @field_validator("token_secret", "secret_key", "link_keys", "bounce_secret")
    @classmethod
    def _has_long_keys(cls, value: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        keys = text.split(" ") if field.field_name == "link_keys" else [text]
        if value is not None and any(len(key.encode()) < MIN_KEY_LENGTH for key in keys):
            raise ValueError(f"a key has at least {MIN_KEY_LENGTH} bytes")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MIN_TOKEN_LENGTH:
            raise ValueError(f"a token has at least {MIN_TOKEN_LENGTH} bytes")
        return value

    @field_validator("dkim_key")
    @classmethod
    def _is_a_signing_key(cls, value: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        if value is not None and field.data.get("dkim_selector") is None:
            raise ValueError("needs DKIM_SELECTOR, under which its public key is published")
        if value is not None and not _can_sign(value.get_secret_value()):
            raise ValueError(f"must be an RSA private key of {MIN_RSA_BITS} bits or more, in PEM, without a password")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A setting's own variable goes before its file, and both before the file `.env`."""
        return init_settings, env_settings, FromFiles(settings_cls), dotenv_settings, file_secret_settings
