"""Lines of NDJSON files, one JSON value each, however long or broken the lines are."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from models.errors import ErrorCode, refuse

LONGEST_LINE = 64 * 1024
"""Bytes of the longest line that is read; of a longer one only this much is ever in memory."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield (length in the file, content) of each line from where `file` stands; None for one too long."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            yield len(line) + _skip_line(file), None
        else:
            yield len(line), line


def _skip_line(file: BinaryIO) -> int:
    """Read on to the end of the line; how many bytes that was."""
    skipped = 0
    while part := file.readline(LONGEST_LINE):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def parse(line: bytes | None) -> Any:
    """The value of a line. Raises Refused for one that is too long, is not UTF-8, or is not JSON."""
    if line is None:
        raise refuse("", f"is longer than {LONGEST_LINE // 1024} KiB", ErrorCode.TOO_LONG)
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        wrong = error
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise refuse("", f"is not UTF-8: {error.reason} at byte {error.start + 1}") from None
    raise refuse("", f"is not JSON: {wrong.msg} at character {wrong.pos + 1}")


def without_mark(line: bytes | None) -> bytes | None:
    """The first line of a file without the byte order mark some programs put there."""
    return line.removeprefix(_BYTE_ORDER_MARK) if line else line
