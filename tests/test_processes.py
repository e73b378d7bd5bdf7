"""What tests start processes with."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import BEYOND_PORTS, free_port

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(
    not RANGE.exists() or int(RANGE.read_text("utf-8").split()[0]) < BEYOND_PORTS,
    reason="needs a Linux that gives the ports it usually does",
)
def test_a_free_port_is_given_to_nobody_who_names_none():
    free = {free_port() for _ in range(200)}

    with ExitStack() as stack:
        given = {stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(400)}

    assert free.isdisjoint(given)
