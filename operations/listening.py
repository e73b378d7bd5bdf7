"""The socket that the API listens on, opened before anything else so that a port in use is said at once."""

import errno
import ipaddress
import socket
import sys

from models.patience import PATIENCE
from operations.trouble import CannotRun

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free port. Raises CannotRun when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (
        socket.gaierror,
        UnicodeError,
    ) as error:  # a name with a part that is empty or too long is not even asked for
        why = getattr(error, "strerror", None) or "it can be no name"
        raise CannotRun(f"HOST {host!r} is not an address of this machine: {why}") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _let_deaf_connections_end(listener)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)  # of two that have bound at once only one may
    except OSError as error:
        listener.close()
        raise CannotRun(_why(error, host, port)) from None
    return listener


def _let_deaf_connections_end(listener: socket.socket) -> None:
    """Let the kernel end each connection on which nothing is taken of what we sent, its client there or not.

    Otherwise it would be kept, with all that waits to be sent, for as long as the client's machine answers at all.
    """
    if sys.platform == "linux":  # elsewhere what a connection is served ends in time, and the connection itself later
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PATIENCE * 1000))


def inherited(descriptor: int) -> socket.socket:
    """The listening socket that the parent process opened."""
    try:
        return socket.socket(fileno=descriptor)
    except OSError as error:
        raise CannotRun(f"--listener {descriptor} is not a socket: {error.strerror}") from None


def address_of(listener: socket.socket) -> tuple[str, int]:
    """The host and port by which this machine reaches what listens there."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return ("127.0.0.1" if address.version == 4 else "::1"), port
    return str(address), port


def url_of(listener: socket.socket) -> str:
    """The same as a URL."""
    host, port = address_of(listener)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; choose another, such as PORT={port + 1 if port < 65535 else 8000}"
    if error.errno == errno.EACCES:
        return f"port {port} is for the system's own services; choose one above 1023 with PORT"
    return f"cannot listen on {host} port {port}: {error.strerror}"
