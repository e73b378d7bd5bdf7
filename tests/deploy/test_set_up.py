"""docs/operations.md from an empty machine on: each command of the page is run as written (tests/deploy/machine.py).

They are run in the order of the page as far as fixtures need: packages, user and code, secrets, settings, roles, schema,
relay; then units. What comes after may be done in any order, and leaves all well.
"""

import re
import smtplib
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.deploy import machine as machines
from tests.deploy.machine import USER, Machine, wait
from tests.processes import ROOT

BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

UNITS = ["rekindle-api", "rekindle-bounces", "rekindle-worker@1"]

NO_INDEX = re.compile(r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Temporary failure in name resolution")
"""What pip says where no index of packages can be reached."""

pytestmark = pytest.mark.timeout(500)


PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def blocks(text: str) -> list[str]:
    """The command blocks of a text, in order, without their indentation."""
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in BLOCK.findall(text)]


def section(title: str, until: str) -> list[str]:
    """The command blocks of a part of the page."""
    return blocks(PAGE.partition(f"\n{title}\n")[2].partition(f"\n{until}")[0])


PACKAGES, CODE, SECRETS, SETTINGS, ROLES, SCHEMA, RELAY, DOCTOR, ENABLE, LOOKS, TOKEN = section(
    "## From an empty machine", "### Who is told"
)
STOP_SENDING, RESUME_SENDING = section("## Stopping everything", "## ")
BACK_UP, STOP_ALL, RESTORE, MAKE_SAFE, START_ALL = section("## Backup and restore", "## ")
[AGAIN] = section("## Is it right?", "## ")
SHELL = "".join(line for line in f"{SCHEMA}{DOCTOR}".splitlines(keepends=True) if "server.py" not in line)
"""What the shell of steps 6 and 8 knows by then."""


def test_no_command_of_the_page_is_left_out():
    setting_up = [PACKAGES, CODE, SECRETS, SETTINGS, ROLES, SCHEMA, RELAY, DOCTOR, ENABLE, LOOKS, TOKEN]
    running = [STOP_SENDING, RESUME_SENDING, AGAIN, BACK_UP, STOP_ALL, RESTORE, MAKE_SAFE, START_ALL]

    assert blocks(PAGE) == [*setting_up, *running]
    assert DOCTOR.endswith(AGAIN)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """An empty machine but for the engines, which packages would have started; without Debian's there is none."""
    if machines.ABSENT:
        pytest.skip(machines.ABSENT)
    with machines.scratch() as machine:
        yield machine


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Machine:
    """After steps 2 to 7 of the page."""
    follow_step_2(machine)
    machine.run(SECRETS, SMTP_URL=f"smtp://127.0.0.1:{machine.relay.ports['smtp']}")
    machine.run(SETTINGS)
    path = machine.folder / "etc" / "rekindle" / "settings"
    # As the operator edits it; a lease of a few seconds, so that after a restore nobody waits a minute for it to end.
    path.write_text(f"{machine.put(path.read_text('utf-8'))}LEASE=12\n", "utf-8")
    machine.run(ROLES)
    machine.run(SCHEMA)
    machine.run(f"{SHELL}{RELAY}")
    return machine


def follow_step_2(machine: Machine) -> None:
    """The user, and the last commit of this repository with its dependencies from an index of packages."""
    script, install = CODE.rsplit("\n", 2)[0], CODE.splitlines()[-1]
    assert install.startswith(".venv/bin/pip install")
    machine.run(script, cwd=machine.folder, REPOSITORY=str(ROOT))
    try:
        machine.run(install)
    except AssertionError as error:
        if NO_INDEX.search(str(error)):
            pytest.skip("no index of packages can be reached")
        raise


@pytest.fixture(scope="module")
def started(installed: Machine) -> Machine:
    """After step 9: enabled, and started."""
    installed.run(ENABLE)
    assert installed.enabled() == UNITS
    for name in installed.enabled():
        installed.start(name)
    wait(lambda: status(installed) == "ready", "it does not get well")
    return installed


def status(machine: Machine) -> str:
    """What /ready says of the whole."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{machine.ports['api']}/ready", trust_env=False, timeout=5)
    except httpx.TransportError:
        return "nobody answers"
    return str(answer.json()["status"])


def test_debian_has_the_packages_by_these_names(machine: Machine):
    if subprocess.run(["apt-cache", "show", "postgresql"], capture_output=True).returncode != 0:
        pytest.skip("apt has no lists of packages here")

    told = machine.run(PACKAGES, cwd=machine.folder)

    assert "Reading package lists" in told


def test_the_settings_and_roles_are_right_in_the_doctor_s_eyes(installed: Machine):
    found = installed.run(f"{SHELL}{DOCTOR}")

    assert "FAIL" not in found
    assert "ok    PostgreSQL: " in found and "ok    Redis: " in found and "ok    relay 127.0.0.1" in found
    assert "ok    PostgreSQL role: rekindle may not change the schema" in found


def test_roles_are_made_again_without_harm(installed: Machine):
    assert installed.run(ROLES) == ""
    assert "FAIL" not in installed.run(f"{SHELL}{DOCTOR}")


def test_what_systemd_would_start_gets_well(started: Machine):
    told = started.run(LOOKS)

    assert '"status":"ready"' in told
    assert 'rekindle_part_up{part="worker"} 1.0' in told
    of = {name: subprocess.run(["ps", "-o", "user=", "-p", str(process.pid)], capture_output=True, text=True).stdout.strip()
          for name, process in started.running.items()}  # fmt: skip
    assert of == dict.fromkeys(UNITS, USER)


def test_the_first_token_makes_a_shop(started: Machine):
    assert make_shop(started) == []


def make_shop(started: Machine) -> list[object]:
    """Make the shop `bloom`, or leave it as it is, with a token as the page draws it; what is wrong with it."""
    bearer = started.run(f"{SHELL}{TOKEN}").splitlines()[-1]

    query = """mutation { shopsUpsert(input: {rows: [{externalId: "bloom", name: "Bloom", currency: "USD",
        timeZone: "UTC", defaultLanguage: "en", score: 4.5, gmv: 300000}]}) { results { id errors { message } } } }"""
    answer = httpx.post(
        f"http://127.0.0.1:{started.ports['api']}/graphql", json={"query": query}, trust_env=False, timeout=30,
        headers={"authorization": f"Bearer {bearer}"},
    )  # fmt: skip

    errors: list[object] = answer.json()["data"]["shopsUpsert"]["results"][0]["errors"]
    return errors


def test_postfix_hands_what_comes_back_to_the_unit_and_takes_nothing_else(started: Machine):
    with smtplib.SMTP("127.0.0.1", started.relay.ports["smtp"], timeout=20) as client:
        client.ehlo("mx.example")
        client.mail("")
        assert client.rcpt("complaints@mail.example.com")[0] == 250
        assert client.rcpt("b+7-aaaaaaaaaaaaaaaaaaaaaaaaae-ajhnf6xh@mail.example.com")[0] == 250
        assert client.rcpt("anybody@mail.example.com")[0] == 550
    with smtplib.LMTP("127.0.0.1", started.ports["bounces"], timeout=20) as client:
        client.ehlo("mx.example")
        client.mail("")
        assert client.rcpt("b+7-aaaaaaaaaaaaaaaaaaaaaaaaae-ajhnf6xh@mail.example.com")[0] == 550  # a forged seal


def test_everything_is_stopped_and_goes_on_by_one_command_each(started: Machine):
    told = started.run(f"{SHELL}{STOP_SENDING}")
    assert "the new template has a wrong price" in told
    wait(lambda: status(started) == "degraded", "nobody notices")

    assert "it goes on" in started.run(f"{SHELL}{RESUME_SENDING}")
    wait(lambda: status(started) == "ready", "it does not go on")


def test_a_shopper_is_erased_by_the_application_s_own_role(started: Machine):
    make_shop(started)
    row = '{"type": "customer", "externalId": "c0", "name": "Ana", "email": "ana@example.com"}'
    started.run(
        f"{SHELL}echo '{row}' > /var/backups/rows.ndjson\n.venv/bin/python server.py import --shop bloom /var/backups/rows.ndjson"
    )

    assert started.run(f"{SHELL}.venv/bin/python server.py erase-customer c0") == "erased\n"


def test_a_backup_is_restored_as_the_page_says_and_nothing_is_sent_until_then(started: Machine):
    started.run(BACK_UP)
    stop(started, STOP_ALL)
    started.run(RESTORE)
    started.run(SCHEMA)
    assert "nothing is sent until you run: .venv/bin/python server.py restored" in started.run(
        f"{SHELL}{DOCTOR.rstrip()} || true"
    )

    time.sleep(13)  # the backup knows a worker that lived when it was made
    told = started.run(f"{SHELL}{MAKE_SAFE}")
    assert "its tables were made anew: restored from a dump" in told and "All sending is stopped." in told

    start(started, START_ALL)
    wait(lambda: status(started) == "degraded", "it does not come up")
    started.run(f"{SHELL}{RESUME_SENDING}")
    wait(lambda: status(started) == "ready", "it does not get well")


def stop(machine: Machine, line: str) -> None:
    """`systemctl stop UNIT…`: each stops in the time that its unit allows, in order."""
    names = line.removeprefix("systemctl stop ").split()
    assert sorted(names) == UNITS
    # uvicorn ends by the signal that it got.
    assert {name: machine.stop(name) for name in names} == dict.fromkeys(UNITS, 0) | {"rekindle-api": -15}


def start(machine: Machine, line: str) -> None:
    """`systemctl start UNIT…`."""
    for name in line.removeprefix("systemctl start ").split():
        machine.start(name)
