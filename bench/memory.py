"""How much memory a process holds, in MB, as Linux counts it."""

import os
from pathlib import Path


def held(process: int) -> int:
    """What the process holds now."""
    return _told(process, "VmRSS")


def most_held(process: int | None = None) -> int:
    """The most that a process, this one unless told otherwise, has held."""
    return _told(process or os.getpid(), "VmHWM")


def _told(process: int, name: str) -> int:
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.split(f"{name}:")[1].split()[0]) // 1024
