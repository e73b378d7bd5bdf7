"""A Postfix of a test's own: Debian's programs and its configuration as installed, in a folder, on free ports."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.local.processes import eventually
from tests.processes import free_port

INSTALLED = Path("/etc/postfix")

ABSENT = (
    "Debian's postfix is not installed" if shutil.which("postfix") is None or not (INSTALLED / "main.cf").exists()
    else "Postfix is started by root" if os.geteuid() != 0
    else ""
)  # fmt: skip
"""Why there can be none here; empty when there can."""


@dataclass(frozen=True)
class Postfix:
    """Where it is."""

    folder: Path
    ports: dict[str, int]
    """The port that stands for each of its services, such as `smtp` and `submission`."""

    @property
    def environment(self) -> dict[str, str]:
        """What its commands are told, to speak of this Postfix and no other."""
        return {**os.environ, "MAIL_CONFIG": str(self.folder / "etc")}

    def run(self, *command: str) -> str:
        """Run one of its commands; what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def listen_on_own_ports(self) -> None:
        """Let each service that listens to the network do so on a free port of the loopback interface."""
        path = self.folder / "etc" / "master.cf"
        text = path.read_text("utf-8")
        for service in re.findall(r"^(\w+) +inet", text, re.MULTILINE):
            self.ports[service] = self.ports.get(service) or free_port()
            text = re.sub(rf"^{service} +inet", f"127.0.0.1:{self.ports[service]} inet", text, flags=re.MULTILINE)
        path.write_text(text, "utf-8")


def prepared(folder: Path) -> Postfix:
    """One that does not run yet; folders above it are passable for its users."""
    shutil.copytree(INSTALLED, folder / "etc")
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    found = Postfix(folder, {})
    found.run("postconf", "-e", f"queue_directory={folder}/queue", f"data_directory={folder}/data")
    return found


@contextmanager
def running(found: Postfix) -> Iterator[None]:
    """It runs for as long as the block does, and writes its log into its folder."""
    found.listen_on_own_ports()
    found.run("postconf", "-e", f"maillog_file_prefixes={found.folder}", f"maillog_file={found.folder}/log")
    with subprocess.Popen(["postfix", "start-fg"], env=found.environment, stderr=subprocess.DEVNULL) as master:
        try:
            assert eventually(
                lambda: (found.folder / "queue" / "pid" / "master.pid").exists() or master.poll() is not None
            )
            assert master.poll() is None, "Postfix does not start"
            yield
        finally:
            found.run("postfix", "stop")
            master.wait(30)
