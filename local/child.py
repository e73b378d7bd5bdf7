"""Child processes that never outlive their parent, not even when it is killed with SIGKILL."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a process gets when the thread that started it ends."""

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start_child(
    arguments: Sequence[str],
    *,
    farewell: signal.Signals = signal.SIGTERM,
    user: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group; `farewell` is the signal it gets when this process dies.

    Call it from the main thread: Linux ties the farewell to the thread that called. Other systems have
    no such tie, so whoever starts next must look for what was left behind. `log` collects its output;
    `descriptors` are open files that it inherits.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            list(arguments),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            process_group=0,
            pass_fds=descriptors,
            preexec_fn=_tie(farewell, os.getpid()),  # noqa: PLW1509 (one prctl and one getppid: both safe after fork)
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    finally:
        if output:
            output.close()


def stop_child(child: subprocess.Popen[bytes], ask: signal.Signals = signal.SIGTERM, *, within: float = 10.0) -> None:
    """Ask a child to end, and kill it when it has not ended `within` seconds."""
    if child.poll() is not None:
        return
    child.send_signal(ask)
    try:
        child.wait(within)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _tie(farewell: signal.Signals, parent: int) -> Callable[[], None] | None:
    """What a new child runs before its program: ask the kernel for the farewell signal."""
    library = _libc
    if library is None:
        return None

    def tie() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:  # it died before it could be tied to
            os._exit(1)

    return tie
