"""The compose file: what it names is there, and each service is told no more than it needs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from jobs import stopping
from local.place import socket_folder
from local.postgres import Postgres, _program
from settings import Settings
from tests.deploy.needs import BY_COMMAND
from tests.processes import ROOT

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
OURS = ("migrate", "api", "worker", "bounces", "doctor")
SECRETS = {
    "postgres": {"superuser_password"},
    "roles": {"superuser_password", "owner_password", "database_password"},
    "migrate": {"owner_url"},
    "api": BY_COMMAND["serve"],
    "worker": BY_COMMAND["work"] - {"smtp_url"},  # the relay beside it knows no password
    "bounces": BY_COMMAND["bounces"],
    "doctor": set().union(*BY_COMMAND.values()) - {"smtp_url"},
}
"""What each service is handed; the others nothing."""
OF_UVICORN = {"FORWARDED_ALLOW_IPS"}
"""What the API's HTTP server reads by itself: no setting of ours, and nothing to the doctor."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file, with what is merged."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    services: dict[str, Any] = compose["services"]
    return services


def test_each_service_is_handed_the_secrets_that_it_needs_and_no_other(
    compose: dict[str, Any], services: dict[str, Any], tmp_path: Path
):
    assert {name: set(each["secrets"]) for name, each in services.items() if "secrets" in each} == SECRETS
    subprocess.run([str(DEPLOY / "secrets.sh"), str(tmp_path / "secrets")], check=True)
    names = [path.name for path in (tmp_path / "secrets").iterdir()]
    drawn = {name: {"file": f"secrets/{name}"} for name in names if name != "smtp_url"}
    assert compose["secrets"] == drawn


@pytest.mark.parametrize("name", SECRETS)
def test_files_of_secrets_are_those_that_the_service_is_handed(services: dict[str, Any], name: str):
    told = [value for variable, value in services[name]["environment"].items() if variable.endswith("_FILE")]

    assert told and {path.removeprefix("/run/secrets/") for path in told} <= SECRETS[name]


@pytest.mark.parametrize("name", OURS)
def test_only_settings_that_exist_are_told(services: dict[str, Any], name: str):
    told = {
        variable.removesuffix("_FILE").lower()
        for variable in services[name]["environment"]
        if variable not in OF_UVICORN
    }

    assert told - set(Settings.model_fields) == set()


def test_the_doctor_is_told_what_the_others_are_told_and_starts_only_when_it_is_asked(services: dict[str, Any]):
    told = services["doctor"]["environment"]
    others = [value for name in ("api", "worker") for value in services[name]["environment"].items()]

    untold = {name: value for name, value in others if told.get(name) != value}
    assert untold.keys() - OF_UVICORN == set()
    assert told["BOUNCES_URL"] == "lmtp://bounces:8024"
    assert services["doctor"]["profiles"] == ["doctor"]


def test_every_file_and_service_that_is_named_is_there(compose: dict[str, Any], services: dict[str, Any]):
    for each in services.values():
        build = each.get("build")
        if build:
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
        for volume in each.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file()
        assert set(each.get("depends_on", ())) <= set(services)
    relay = (DEPLOY / "relay" / "Containerfile").read_text("utf-8")
    assert all((DEPLOY / "relay" / name).is_file() for name in re.findall(r"\w+\.sh", relay))
    assert "bounces:8024" in relay and services["bounces"]["environment"]["BOUNCES_URL"].endswith(":8024")


def test_the_relay_is_told_its_domain_and_the_name_that_it_calls_itself_by(services: dict[str, Any]):
    started = (DEPLOY / "relay" / "Containerfile").read_text("utf-8").partition("CMD ")[2]

    asked = {name: value for name, value in services["relay"]["environment"].items() if ":?" in value}
    assert set(re.findall(r"\$(\w+)", started)) == set(asked) == {"MAIL_DOMAIN", "RELAY_NAME"}


@pytest.mark.parametrize("name", OURS)
def test_our_own_may_do_little(services: dict[str, Any], name: str):
    own = services[name]

    assert (own["read_only"], own["cap_drop"], own["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_nothing_but_the_relay_s_port_for_what_comes_back_is_open_to_the_world(services: dict[str, Any]):
    assert {name: each["ports"] for name, each in services.items() if "ports" in each} == {
        "relay": ["25:25"], "api": ["127.0.0.1:8000:8000"],
    }  # fmt: skip


@pytest.mark.parametrize("bridge", ["172.18.0.1", "192.168.16.1"])
async def test_the_api_knows_a_reader_by_the_address_that_the_machine_s_proxy_tells(
    services: dict[str, Any], bridge: str
):
    """What comes in by the published port is from the gateway of the engine's network, by its usual ranges."""
    trusted = services["api"]["environment"].get("FORWARDED_ALLOW_IPS", "127.0.0.1")
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        _ = receive, send
        seen.append(scope["client"][0])

    proxied: Any = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type]
    told = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.7")]  # the first is what the reader says of itself
    await proxied({"type": "http", "scheme": "http", "client": (bridge, 5), "headers": told}, None, None)

    assert seen == ["203.0.113.7"]


@pytest.fixture
def superuser(postgres: Postgres) -> Iterator[dict[str, str]]:
    """How the roles' script comes in here; its roles and database are gone afterwards."""
    told = {**os.environ, "PGHOST": str(socket_folder(postgres.folder)), "PGUSER": "postgres", "PSQL": _program("psql")}
    yield told
    gone = "DROP DATABASE IF EXISTS rekindle WITH (FORCE);\nDROP ROLE IF EXISTS rekindle;\nDROP ROLE IF EXISTS rekindle_owner;\n"
    psql = [_program("psql"), "-X", "-q", "-d", "postgres"]
    subprocess.run(psql, input=gone, text=True, env=told, check=True, capture_output=True, timeout=60)


def test_the_service_that_makes_roles_makes_them_once_and_sets_their_passwords(
    services: dict[str, Any], superuser: dict[str, str], tmp_path: Path
):
    subprocess.run([str(DEPLOY / "secrets.sh"), str(tmp_path)], check=True)
    assert services["roles"]["entrypoint"] == ["/deploy/roles.sh", "/run/secrets"]
    words = [str(DEPLOY / "roles.sh"), str(tmp_path)]

    subprocess.run(words, env=superuser, check=True, capture_output=True, timeout=60)
    first = passwords(superuser)
    (tmp_path / "database_password").write_text("another\n")
    subprocess.run(words, env=superuser, check=True, capture_output=True, timeout=60)
    second = passwords(superuser)

    assert set(first) == {"rekindle", "rekindle_owner"}
    assert first["rekindle"] != second["rekindle"]


def passwords(superuser: dict[str, str]) -> dict[str, str]:
    """The digests of the roles' passwords."""
    asked = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'rekindle%'"
    psql = [superuser["PSQL"], "-X", "-A", "-t", "-F", "|", "-d", "postgres", "-c", asked]
    told = subprocess.run(psql, env=superuser, check=True, capture_output=True, text=True, timeout=60).stdout
    return dict(line.split("|", 1) for line in told.splitlines())


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0,
    reason="this machine's container client knows no compose",
)
def test_compose_itself_finds_it_valid(tmp_path: Path):
    subprocess.run([str(DEPLOY / "secrets.sh"), str(tmp_path / "deploy" / "secrets")], check=True)
    shutil.copy(FILE, tmp_path / "deploy")
    told = dict.fromkeys(("MAIL_DOMAIN", "RELAY_NAME"), "x.example") | {"PUBLIC_URL": "https://x.example"}
    done = subprocess.run(
        ["docker", "compose", "-f", str(tmp_path / "deploy" / "compose.yaml"), "config", "--quiet"], capture_output=True,
        text=True, env={"PATH": os.environ["PATH"], **told},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_a_worker_s_container_lets_it_use_all_of_its_time_to_stop(compose: dict[str, Any]):
    assert stopping.STOP_WITHIN.total_seconds() < int(compose["services"]["worker"]["stop_grace_period"].rstrip("s"))


def test_what_a_container_took_outlives_it(services: dict[str, Any]):
    """The rows, and mails that the relay said yes to: the ledger calls those sent, and nobody sends them again."""
    kept = {volume.partition(":")[2] for name in ("postgres", "relay") for volume in services[name].get("volumes", ())}

    assert kept == {"/var/lib/postgresql/data", "/var/spool/postfix"}


def test_postgresql_counts_as_up_when_it_takes_connections_of_others_and_ends_in_its_own_time(services: dict[str, Any]):
    """While it makes its data folder it listens on a socket only; the roles' script comes in by TCP, and once."""
    own = services["postgres"]

    assert own["healthcheck"]["test"] == ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres"]
    assert own["stop_grace_period"] == "60s"
    assert own["shm_size"] == "512mb"
