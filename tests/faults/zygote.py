"""Starts workers quickly: everything is imported once, and each worker is a fork of this process.

It reads orders from its standard input, one JSON object a line, and answers each with one line:
{"start": {environment}, "faults": […], "sizes": [of slices, of ranges], "margin": seconds of lease that an intent needs}
→ the process id; {"status": pid} → its exit code, or null while it runs.
It ends, and its workers with it, when its input ends.
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from datetime import timedelta
from typing import Any

import uvloop

from jobs import resolve_audience as resolving
from jobs import worker
from models import audience, intent
from models import slice as slices
from settings import Settings
from tests.faults import failpoints

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Obey until the input ends."""
    children: dict[int, int | None] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                _work(order)
            children[pid] = None
            print(pid, flush=True)
        else:
            print(json.dumps(_status(children, order["status"])), flush=True)
    for pid, code in children.items():
        if code is None:
            os.kill(pid, signal.SIGKILL)


def _status(children: dict[int, int | None], pid: int) -> int | None:
    if children[pid] is None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children[pid] = os.waitstatus_to_exitcode(status)
    return children[pid]


def _work(order: dict[str, Any]) -> None:
    """Be a worker, and end with it."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.environ.update(order["start"])
    logging.basicConfig(level=logging.WARNING, format=f"%(levelname)s {os.getpid()} %(name)s: %(message)s")
    failpoints.install(order["faults"])
    slices.SLICE_SIZE, audience.RANGE_SIZE, resolving.AT_ONCE = order["sizes"]
    intent.MARGIN = timedelta(seconds=order["margin"])
    code = 1
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            signal.signal(signal.SIGUSR1, lambda *_: _tell_tasks(runner.get_loop()))
            runner.run(worker.main(Settings()))
        code = 0
    except BaseException:
        logging.getLogger(__name__).exception("the worker failed")
    finally:
        os._exit(code)


def _tell_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Where every task stands, for a test that fails because something does not end."""
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.stderr)


if __name__ == "__main__":
    main()
