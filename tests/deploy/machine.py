"""A machine as docs/operations.md begins with, in a folder: Debian's PostgreSQL, Redis and Postfix, and no systemd.

Commands of the page are run as they are written, but for the words of `Machine.places`. Units are enabled by
`systemctl` in a root of the folder's own, and started here as systemd would: as the user, without rights, with the
environment and the credentials that the unit names and with nothing else.
"""

import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from settings import Settings
from tests.deploy import postfix
from tests.deploy.postfix import Postfix
from tests.processes import free_port

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
"""Debian's newest PostgreSQL."""

PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where an empty machine looks for programs."""

USER = "rekindle"

NEEDED = ("redis-server", "git", "openssl", "curl", "adduser", "deluser", "setpriv", "systemctl")

ABSENT = (
    "the page is followed by root" if os.geteuid() != 0
    else "Debian's postgresql is not installed" if PROGRAMS is None
    else postfix.ABSENT
    or ", ".join(f"{name} is not installed" for name in NEEDED if shutil.which(name, path=PATH) is None)
)  # fmt: skip
"""Why the page cannot be followed here; empty when it can."""


@dataclass(frozen=True)
class Unit:
    """What a unit file says of starting and stopping: lines by their key, in order."""

    name: str
    lines: Mapping[str, Sequence[str]]

    def one(self, key: str) -> str:
        """The value of a line that is there once."""
        (value,) = self.lines[key]
        return value

    @property
    def credentials(self) -> Mapping[str, Path]:
        """The files that it is handed, by the names under which it finds them."""
        pairs = (value.partition(":") for value in self.lines["LoadCredential"])
        return {name: Path(path) for name, _, path in pairs}


def read_unit(name: str, text: str) -> Unit:
    """A unit file's lines."""
    lines: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        lines.setdefault(key, []).append(value)
    return Unit(name, lines)


@dataclass(frozen=True)
class Machine:
    """Where this machine's things are instead, and what runs on it."""

    folder: Path
    relay: Postfix
    ports: Mapping[str, int]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """Words of the page, and what stands for them here. All else is run as it is written."""
        database, redis, api, bounces = (self.ports[name] for name in ("database", "redis", "api", "bounces"))
        return (
            ("/etc/rekindle", f"{self.folder}/etc/rekindle"),
            ("/etc/systemd/system", f"{self.folder}/root/etc/systemd/system"),
            ("/opt/rekindle", f"{self.folder}/opt/rekindle"),
            ("/var/backups", f"{self.folder}/backups"),
            ("DATABASE_HOST=127.0.0.1", f"DATABASE_HOST=127.0.0.1:{database}"),
            ("--host=127.0.0.1", f"--host=127.0.0.1 --port={database}"),
            ("redis://127.0.0.1:6379", f"redis://127.0.0.1:{redis}"),
            ("127.0.0.1:8024", f"127.0.0.1:{bounces}"),
            ("127.0.0.1:8000", f"127.0.0.1:{api}"),
            ("PORT=8000", f"PORT={api}"),
            # Nothing is installed, and no systemd runs here: units are enabled in a root, and started by `start`.
            ("apt-get install", "apt-get install --simulate"),
            ("systemctl daemon-reload", "true"),
            ("systemctl enable --now", f"systemctl --root={self.folder}/root enable"),
            ("systemctl restart postfix", "postfix reload"),
        )

    def put(self, text: str) -> str:
        """A text with this machine's own places."""
        for written, here in self.places:
            text = text.replace(written, here)
        return text

    def run(self, script: str, *, cwd: Path | None = None, **more: str) -> str:
        """Run commands of the page, in the folder of the code; what they print. They must succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.put(script)], cwd=cwd or self.folder / "opt" / "rekindle",
            env={**self._environment(), **more}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout

    def _environment(self) -> Mapping[str, str]:
        """Root's, without any setting of ours; where the operator's PostgreSQL and Postfix are."""
        names = {name.upper() + end for name in Settings.model_fields for end in ("", "_FILE")}
        kept = {name: value for name, value in os.environ.items() if name not in names}
        theirs = {"PGHOST": str(self.folder / "sockets"), "PGPORT": str(self.ports["database"])}
        return {**kept, **theirs, "PATH": PATH, "MAIL_CONFIG": self.relay.environment["MAIL_CONFIG"]}

    def enabled(self) -> list[str]:
        """The units that were enabled, with the name of their instance."""
        wanted = self.folder / "root" / "etc" / "systemd" / "system" / "multi-user.target.wants"
        return sorted(path.name.removesuffix(".service") for path in wanted.iterdir())

    def unit(self, name: str) -> Unit:
        """An enabled unit, at this machine's places."""
        file = re.sub(r"@.*", "@", name) + ".service"
        return read_unit(name, self.put((self.folder / "root/etc/systemd/system" / file).read_text("utf-8")))

    def start(self, name: str) -> None:
        """Start a unit as systemd would."""
        unit = self.unit(name)
        told = [f"{key}={value}" for key, value in self._told(unit).items()]
        user, group = unit.one("User"), unit.one("Group")
        without_rights = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        assert (unit.one("NoNewPrivileges"), unit.one("CapabilityBoundingSet")) == ("yes", "")
        self.running[name] = subprocess.Popen(
            [
                "setpriv",
                f"--reuid={user}",
                f"--regid={group}",
                *without_rights,
                "env",
                "-i",
                *told,
                *unit.one("ExecStart").split(),
            ],
            cwd=unit.one("WorkingDirectory"),
        )

    def _told(self, unit: Unit) -> Mapping[str, str]:
        """Its file of settings, its variables, and where its credentials are, which only its user can read."""
        handed = self.folder / "credentials" / unit.name
        shutil.rmtree(handed, ignore_errors=True)
        handed.mkdir(parents=True)
        for name, path in unit.credentials.items():
            shutil.copy(path, handed / name)
            (handed / name).chmod(0o400)
            shutil.chown(handed / name, USER)
        shutil.chown(handed, USER)
        handed.chmod(0o500)
        settings = re.findall(r"^([A-Z_]+)=(.*)$", Path(unit.one("EnvironmentFile")).read_text("utf-8"), re.MULTILINE)
        variables = [word.split("=", 1) for line in unit.lines["Environment"] for word in line.split()]
        return {**dict(settings), **{name: value.replace("%d", str(handed)) for name, value in variables}}

    def stop(self, name: str) -> int:
        """Stop a unit, in the time that it allows; its exit code."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(int(self.unit(name).one("TimeoutStopSec")))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise


@contextmanager
def scratch() -> Iterator[Machine]:
    """A machine with its engines running, and without the user, the code or the database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rekindle-")))
        folder.chmod(0o711)  # the users of engines and units pass through
        for name in ("etc/rekindle", "root/etc/systemd/system", "opt", "backups", "postfix", "credentials"):
            (folder / name).mkdir(parents=True)
        (folder / "etc" / "rekindle").rmdir()  # the page makes it
        relay = postfix.prepared(folder / "postfix")
        ports = {name: free_port() for name in ("database", "redis", "api", "bounces")}
        machine = Machine(folder, relay, ports)
        stack.enter_context(_without_user())
        stack.enter_context(_postgresql(machine))
        stack.enter_context(_redis(machine))
        stack.enter_context(postfix.running(relay))
        try:
            yield machine
        finally:
            for name in list(machine.running):
                machine.stop(name)


@contextmanager
def _without_user() -> Iterator[None]:
    """Afterwards the page's user is gone again, unless it was there before. One test at a time makes it."""
    with Path("/tmp/rekindle-user.lock").open("w") as lock:  # shared by all who test on this machine
        fcntl.flock(lock, fcntl.LOCK_EX)
        was_there = _is_user(USER)
        try:
            yield
        finally:
            if not was_there and _is_user(USER):
                subprocess.run(["deluser", "--system", USER], check=True, capture_output=True, timeout=60)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def _postgresql(machine: Machine) -> Iterator[None]:
    user = pwd.getpwnam("postgres")
    for name in ("data", "sockets"):
        (machine.folder / name).mkdir()
        os.chown(machine.folder / name, user.pw_uid, user.pw_gid)
    as_postgres, data = ["runuser", "-u", "postgres", "--"], str(machine.folder / "data")
    initdb = [*as_postgres, f"{PROGRAMS}/initdb", "--pgdata", data, "--auth-local=peer", "--auth-host=scram-sha-256"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", timeout=60)
    port = str(machine.ports["database"])
    options = ["-D", data, "-k", str(machine.folder / "sockets"), "-h", "127.0.0.1", "-p", port]
    with _program([*as_postgres, f"{PROGRAMS}/postgres", *options]):
        asked = [f"{PROGRAMS}/pg_isready", "-h", "127.0.0.1", "-p", port, "-q"]
        wait(lambda: subprocess.run(asked).returncode == 0, "PostgreSQL does not start")
        yield


@contextmanager
def _redis(machine: Machine) -> Iterator[None]:
    options = ["--port", str(machine.ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--dir", str(machine.folder)]
    with _program(["redis-server", *options]):
        yield


@contextmanager
def _program(command: Sequence[str]) -> Iterator[None]:
    with subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def wait(holds: object, complaint: str) -> None:
    """Until something is so, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)
