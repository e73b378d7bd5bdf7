"""A port that cannot be had is said at once, with what to do."""

import socket
import sys

import pytest

from models.patience import PATIENCE
from operations.listening import inherited, listen, url_of
from operations.trouble import CannotRun


def test_port_0_takes_a_free_port_and_tells_it():
    with listen("127.0.0.1", 0) as first, listen("127.0.0.1", 0) as second:
        assert url_of(first).startswith("http://127.0.0.1:")
        assert url_of(first) != url_of(second)


def test_a_port_in_use_is_named():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CannotRun, match=f"port {port} is in use"):
            listen("127.0.0.1", port)


def test_a_port_that_another_takes_at_the_same_moment_is_named(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]

        class Later(socket.socket):
            """One that listens after the other, both having bound."""

            def listen(self, backlog: int = 1) -> None:
                other.listen()
                super().listen(backlog)

        monkeypatch.setattr(socket, "socket", Later)
        with pytest.raises(CannotRun, match=f"port {port} is in use"):
            listen("127.0.0.1", port)
        assert _is_listening(other)


def _is_listening(listener: socket.socket) -> bool:
    return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def test_a_host_that_is_not_ours_is_named():
    with pytest.raises(CannotRun, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)
    with pytest.raises(CannotRun, match="no-such-host"):
        listen("no-such-host.invalid", 0)
    with pytest.raises(CannotRun, match="it can be no name"):
        listen("a" * 64, 0)


def test_a_server_on_every_address_is_reached_on_the_loopback():
    with listen("0.0.0.0", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_what_is_no_socket_is_no_listener():
    with pytest.raises(CannotRun, match="--listener 9999 is not a socket"):
        inherited(9999)


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_the_kernel_is_as_patient_with_a_client_as_whoever_sends_an_answer_in_parts():
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == PATIENCE * 1000
