"""Children are kept running, stopped in order, and never left behind."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from jobs import stopping
from local import supervisor
from local.place import LocalError
from local.supervisor import Service, keep_running
from tests.local.processes import beside, eventually, naming


def service(program: str, *arguments: str) -> Service:
    return Service("child", [sys.executable, "-c", program, *arguments], {})


async def written(path: Path, lines: int) -> None:
    """Wait until a file has so many lines."""
    assert await asyncio.to_thread(
        eventually, lambda: path.exists() and len(path.read_text("utf-8").splitlines()) >= lines
    )


WRITE_AND_END = "import sys; open(sys.argv[1], 'a').write('started\\n'); sys.exit(1)"
WRITE_AND_WAIT = "import sys, time; open(sys.argv[1], 'a').write('started\\n'); time.sleep(600)"


async def test_a_child_that_ends_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY", 0.05)
    log, stop = tmp_path / "log", asyncio.Event()
    reports: list[str] = []
    running = asyncio.create_task(keep_running(service(WRITE_AND_END, str(log)), stop, reports.append))

    await written(log, 3)
    stop.set()
    await running

    assert reports[0].startswith("child ended with 1; it starts again in")


async def test_a_child_that_calls_its_settings_wrong_is_not_started_again():
    with pytest.raises(LocalError, match="child cannot run with these settings"):
        await keep_running(service("raise SystemExit(2)"), asyncio.Event(), print)


async def test_a_child_is_asked_to_end_and_waited_for(tmp_path: Path):
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep(0.3); open(sys.argv[1], 'a').write('ended\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(sys.argv[1], 'a').write('started\\n')\n"
        "time.sleep(600)"
    )
    log, stop = tmp_path / "log", asyncio.Event()
    running = asyncio.create_task(keep_running(service(program, str(log)), stop, print))
    await written(log, 1)

    stop.set()
    await running

    assert log.read_text().splitlines() == ["started", "ended"]


def test_a_worker_that_uses_all_of_its_time_to_stop_is_not_killed():
    assert stopping.STOP_WITHIN.total_seconds() < supervisor.STOP_WITHIN


async def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "STOP_WITHIN", 0.2)
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WRITE_AND_WAIT
    log, stop = tmp_path / "log", asyncio.Event()
    running = asyncio.create_task(keep_running(service(program, str(log)), stop, print))
    await written(log, 1)

    stop.set()
    await running

    assert naming(log) == []


async def test_a_child_that_inherits_a_descriptor_can_use_it(tmp_path: Path):
    log, stop = tmp_path / "log", asyncio.Event()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    program = f"import os, time; os.write({descriptor}, b'inherited\\n'); time.sleep(600)"
    inheriting = Service("child", [sys.executable, "-c", program], {}, [descriptor])
    running = asyncio.create_task(keep_running(inheriting, stop, print))

    await written(log, 1)
    stop.set()
    await running
    os.close(descriptor)

    assert log.read_text() == "inherited\n"


SUPERVISE = """
import asyncio, sys
from local.supervisor import Service, keep_running
child = Service("child", [sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]], {})
print("up", flush=True)
asyncio.run(keep_running(child, asyncio.Event(), print))
"""


def test_no_child_outlives_a_killed_supervisor(tmp_path: Path):
    mark = tmp_path / "mark"
    parent = beside(SUPERVISE, str(mark))
    assert parent.stdout is not None
    parent.stdout.readline()
    assert eventually(lambda: len(naming(mark)) == 2)

    parent.kill()
    parent.communicate()

    assert eventually(lambda: naming(mark) == [])
