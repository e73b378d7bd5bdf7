"""PostgreSQL's own processes: one for each connection."""

import os
import signal
import time
from contextlib import suppress

BACKEND = "SELECT pg_backend_pid()"


def end(backend: int) -> None:
    """What pg_terminate_backend does, and wait until it is done; this process's loop stands still meanwhile."""
    os.kill(backend, signal.SIGTERM)
    until = time.monotonic() + 30
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(backend, 0)
            time.sleep(0.001)
