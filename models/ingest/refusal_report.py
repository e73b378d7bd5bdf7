"""The report of an import's refused lines: a file beside the imported one, a JSON object per line.

    {"line": 17, "problems": [{"field": "occurredAt", "message": "is required", "code": "INVALID"}]}

Entries are written just before their batch is committed; those of a batch that was not are cut off
again when the import goes on, so that the report tells of committed batches only.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from models.errors import Problem, refuse

MOST_ENTRIES = 10_000
"""Refused lines told of; beyond that they are only counted."""


class RefusalReport:
    """The report at `path`, which exists only once there is something to tell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: int | None = None

    def write(self, refused: Mapping[int, Sequence[Problem]], *, after_line: int) -> None:
        """Add the refusals of a batch that begins after `after_line`. Raises Refused when it cannot."""
        try:
            if self._entries is None:
                self._entries = self._cut(after_line)
            if refused and self._entries < MOST_ENTRIES:
                self._append(sorted(refused.items())[: MOST_ENTRIES - self._entries])
        except OSError as error:
            raise refuse("report", f"{self.path} cannot be written: {error.strerror}") from None

    def _cut(self, after_line: int) -> int:
        """Keep the entries of lines up to `after_line`; how many they are."""
        if after_line == 0:
            self.path.unlink(missing_ok=True)
        if not self.path.exists():
            return 0
        kept, size = 0, 0
        with self.path.open("rb+") as file:
            for entry in file:
                if not entry.endswith(b"\n") or orjson.loads(entry)["line"] > after_line:
                    break
                kept, size = kept + 1, size + len(entry)
            file.truncate(size)
        return kept

    def _append(self, refused: Sequence[tuple[int, Sequence[Problem]]]) -> None:
        with self.path.open("ab") as file:
            for line, problems in refused:
                entry = {"line": line, "problems": [_told(problem) for problem in problems]}
                file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        self._entries = (self._entries or 0) + len(refused)


def _told(problem: Problem) -> dict[str, str]:
    return {"field": ".".join(problem.field), "message": problem.message, "code": problem.code.value}
