"""Settings come from variables and from files, and what is wrong with one is said without its value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from schema.cost.limits import MAX_COST
from server import main
from settings import MAX_FILE, MIN_TOKEN_LENGTH, Settings, SettingsFileError

KEY = "k" * 40


def read() -> Settings:
    """The settings of this process's environment."""
    return Settings(_env_file=None)


def test_a_setting_is_read_from_the_file_that_is_named_for_it(monkeypatch, tmp_path: Path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "url").write_text("postgres://rekindle:p@db/rekindle")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))

    settings = read()

    assert settings.secret_key is not None and settings.secret_key.get_secret_value() == KEY
    assert settings.database_url == "postgres://rekindle:p@db/rekindle"


@pytest.mark.parametrize(
    ("public_url", "base"),
    [
        ("https://outreach.example/", "https://outreach.example"),
        (None, "http://127.0.0.2:81"),
        ("", "http://127.0.0.2:81"),
    ],
)
def test_customers_reach_the_public_url_or_else_where_it_listens(public_url: str | None, base: str):
    assert Settings(_env_file=None, public_url=public_url, host="127.0.0.2", port=81).base_url == base


@pytest.mark.parametrize(
    "written",
    [
        "outreach.example.com", "localhost:8000", "ftp://outreach.example.com", "https://", "https:///outreach", "https://:8000", "https://a:port",
        "https://a:0", "https://[::1", "https://a.example/?shop=1", "https://a.example?", "https://a.example/#top", "https://a.example#",
        "https://a .example", " https://a.example", "https://a.example\n", 'https://a.example/"', "https://a.example/>", "https://müller.example",
        "https://ana@a.example", "https://ana:secret@a.example/outreach", "https://:secret@a.example", "https://@a.example", "HTTPS://ana:s@cr@t@a.example",
    ],
)  # fmt: skip
def test_a_public_url_that_no_link_can_begin_with_is_named(monkeypatch, capsys, written: str):
    monkeypatch.setenv("PUBLIC_URL", written)

    assert main(["token", "--role", "PLATFORM"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: PUBLIC_URL: must be a URL that links can begin with, such as ")
    assert "secret" not in told


@pytest.mark.parametrize(
    "written",
    [
        "http://localhost", "http://localhost:8000/", "https://shop.example/@ana", "http://127.0.0.1:8000", "http://[::1]:8000", "https://[2001:db8::1]/", "HTTPS://Shop.example",
        "https://shop.example/outreach/", "https://a_b.example/~shop/%C3%BC", "https://xn--mller-kva.example",
    ],
)  # fmt: skip
def test_a_public_url_may_have_a_port_a_path_or_an_address_for_a_host(monkeypatch, written: str):
    monkeypatch.setenv("PUBLIC_URL", written)

    assert read().base_url == written.rstrip("/")


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "https://mail.example.com", "ana@mail.example.com", "mail example.com", "mail.example.com.", ".example.com", "mail..example.com",
        "-mail.example.com", "mail-.example.com", "mail_1.example.com", "müller.example", "192.0.2.1", "[192.0.2.1]", "mail.example.com:25",
        "mail.example.com\n", f"{'m' * 64}.example", f"{'m.' * 94}me",
    ],
)  # fmt: skip
def test_a_mail_domain_that_is_none_is_named(monkeypatch, capsys, written: str):
    monkeypatch.setenv("MAIL_DOMAIN", written)

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: MAIL_DOMAIN: must be a domain of at most 189 characters, such as "
    )


@pytest.mark.parametrize(
    "written",
    ["localhost", "shop.localhost", "mail", "Mail.Example.com", "xn--mller-kva.example", "1.example", f"{'m.' * 94}m"],
)
def test_a_mail_domain_may_be_any_name_of_a_host(monkeypatch, written: str):
    monkeypatch.setenv("MAIL_DOMAIN", written)

    assert read().mail_domain == written


def test_a_variable_goes_before_its_file_and_the_file_before_dotenv(monkeypatch, tmp_path: Path):
    (tmp_path / "host").write_text("file")
    (tmp_path / ".env").write_text("HOST=dotenv\nMAIL_DOMAIN=dotenv\n")
    monkeypatch.setenv("HOST_FILE", str(tmp_path / "host"))

    assert Settings(_env_file=tmp_path / ".env").host == "file"
    assert Settings(_env_file=tmp_path / ".env").mail_domain == "dotenv"
    monkeypatch.setenv("HOST", "variable")
    assert Settings(_env_file=tmp_path / ".env").host == "variable"


@pytest.mark.parametrize(("written", "seconds"), [("12", 12), ("0.5", 0.5), ("PT2M", 120)])
def test_a_duration_is_written_in_seconds_or_as_iso_8601(monkeypatch, written: str, seconds: float):
    monkeypatch.setenv("LEASE", written)

    assert read().lease.total_seconds() == seconds


@pytest.mark.parametrize("name", ["STATEMENT_TIMEOUT", "SWEEP_INTERVAL", "LEASE", "PLAN_DEADLINE"])
@pytest.mark.parametrize("written", ["0", "PT0S", "-PT5S"])
def test_a_time_that_never_passes_is_named_before_anything_starts(monkeypatch, capsys, name: str, written: str):
    monkeypatch.setenv(name, written)

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {name}: ")


def test_a_file_that_is_not_there_stops_the_start_and_is_named(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "none"))

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err == (
        f"error: SECRET_KEY_FILE: {tmp_path}/none cannot be read: No such file or directory\n"
    )


def test_a_file_that_is_no_text_says_nothing_of_what_is_in_it(monkeypatch, tmp_path: Path):
    (tmp_path / "key").write_bytes(b"\xff\xfehidden")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(SettingsFileError, match=r"SECRET_KEY_FILE: .* is not text in UTF-8") as refused:
        read()
    assert "hidden" not in str(refused.value)


def test_of_a_file_that_is_too_long_nothing_is_taken(monkeypatch, tmp_path: Path):
    (tmp_path / "longest").write_text("d" * MAX_FILE)
    monkeypatch.setenv("HOST_FILE", str(tmp_path / "longest"))
    assert len(read().host) == MAX_FILE

    monkeypatch.setenv("HOST_FILE", "/dev/zero")
    with pytest.raises(SettingsFileError, match="HOST_FILE: /dev/zero is longer than 65,536 bytes"):
        read()


def test_a_dotenv_that_is_no_text_is_named(monkeypatch, capsys, tmp_path: Path):
    (tmp_path / ".env").write_bytes("PORT=8001\n".encode("utf-16"))
    monkeypatch.chdir(tmp_path)

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err == "error: .env is not text in UTF-8\n"


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("redis://cache:6379/", "redis://cache:6379"),
        ("redis://:p%2F@cache/1", "redis://:p%2F@cache/1"),
        ("unix:///run/redis/redis.sock?db=0", "unix:///run/redis/redis.sock?db=0"),
    ],
)
def test_a_url_of_redis_may_end_in_a_slash(monkeypatch, written: str, read_as: str):
    monkeypatch.setenv("REDIS_URL", written)

    assert read().redis_url == read_as


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("REDIS_URL", "redis://one redis://two"),
        ("REDIS_URL", "redis://cache/0 "),
        ("DATABASE_URL", "postgres://db/one postgres://db/two"),
        ("DATABASE_URL", "postgres://db/rekindle\n"),
        ("BOUNCES_URL", "lmtp://127.0.0.1:8024 lmtp://127.0.0.1:8025"),
    ],
)
def test_only_relays_may_be_several_and_no_other_url_has_a_space(monkeypatch, capsys, name: str, written: str):
    monkeypatch.setenv("SMTP_URL", "smtp://one:587 smtps://two")
    assert read().smtp_url == "smtp://one:587 smtps://two"
    monkeypatch.setenv(name, written)

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {name}: cannot be read: ")


def test_a_bucket_holds_the_dearest_operation_that_is_allowed():
    assert Settings(_env_file=None, throttle_points=MAX_COST).throttle_points == MAX_COST
    with pytest.raises(ValidationError, match="greater than or equal to 5000"):
        Settings(_env_file=None, throttle_points=MAX_COST - 1)


def test_a_token_for_metrics_is_as_long_as_is_said_and_not_shown(monkeypatch, capsys):
    monkeypatch.setenv("METRICS_TOKEN", "m" * MIN_TOKEN_LENGTH)
    assert read().metrics_token is not None
    monkeypatch.setenv("METRICS_TOKEN", "m" * (MIN_TOKEN_LENGTH - 1))

    assert main(["token", "--role", "PLATFORM"]) == 2
    assert capsys.readouterr().err == "error: METRICS_TOKEN: a token has at least 16 bytes\n"


@pytest.mark.parametrize(
    ("name", "keys"), [("SECRET_KEY", ""), ("SECRET_KEY", "short"), ("LINK_KEYS", "short"), ("LINK_KEYS", f"{KEY} ")]
)
def test_a_key_that_is_too_short_is_refused_and_not_shown(monkeypatch, name: str, keys: str):
    monkeypatch.setenv(name, keys)

    with pytest.raises(ValidationError, match="a key has at least 32 bytes"):
        read()
