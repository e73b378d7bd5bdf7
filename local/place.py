"""Where embedded engines keep their sockets, and who may pass through the folders above them."""

import hashlib
import os
import pwd
import re
import stat
import tempfile
from pathlib import Path

from models.errors import RekindleError

LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system allows (Linux: 108 with its NUL, macOS: 104)."""

PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
"""Paths that need no quoting in a URL or in PostgreSQL's list of socket folders."""


SYSTEM_USER = "pgserver"
"""PostgreSQL refuses to run as root; then this user, made when it is missing, runs it."""


class LocalError(RekindleError):
    """Something on this machine is not as it must be; the message says what, and what to do."""


def socket_folder(folder: Path) -> Path:
    """A folder for sockets: `folder` itself, or a short one among the temporary files when its path is long or odd."""
    path = str(folder)
    if len(path.encode()) + len("/.s.PGSQL.5432.lock") <= LONGEST_SOCKET and PLAIN.fullmatch(path):
        return folder
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"rekindle-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.owner() not in {pwd.getpwuid(os.geteuid()).pw_name, SYSTEM_USER}:
        raise LocalError(f"{short} belongs to someone else; set DATA_DIRECTORY to a shorter path of plain letters")
    return short


def let_through(path: Path) -> None:
    """Let other users pass through the folders above `path`, without letting them list those."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
