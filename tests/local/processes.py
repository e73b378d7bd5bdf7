"""Python programs run beside a test, and the processes they leave behind."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def beside(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program in a process of its own; its output is read from `stdout`."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def naming(path: Path) -> list[psutil.Process]:
    """The running processes whose command line names `path`."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(path) in word for word in process.info["cmdline"] or ())
    ]


def eventually(holds: Callable[[], bool], within: float = 20) -> bool:
    """Whether `holds` becomes true in time."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
