"""Logs: a JSON object on each line in production, readable lines in a terminal; ours and every library's alike.

Whatever is logged carries the ids that are bound where it happens: `request`, `job`, `plan`, `slice`, `delivery`.
What tells who somebody is, and what opens doors, is taken out of every line, whoever wrote it: libraries put
addresses and values into their errors.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from socket import gaierror
from typing import Any, TextIO

import orjson
import structlog
from structlog.types import Processor

from settings import Settings

REDACTIONS = (
    (re.compile(r"(?s)\n?(?:DETAIL|CONTEXT|QUERY): .*?(?=\n\S|\Z)"), ""),
    (re.compile(r"(invalid input for query argument \$\d+): .*"), r"\1"),
    (re.compile(r"\b(\w+://)[^\s/'\"]*:[^\s/'\"]*@"), r"\1…@"),
    (re.compile(r"(/(?:unsubscribe|exports|mail)/)[\w.~-]{16,}"), r"\1…"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "<token>"),
    (re.compile(r"(?i)\b(authorization:|bearer)\s+\S.*"), r"\1 …"),
    (re.compile(r"(?<![^\s<>\"'=(),;:\[\]@])[^\s<>\"'=(),;:\[\]@]++@+[\w-]++(?:\.[\w-]+)+", re.UNICODE), "<address>"),
    (re.compile(r"(?<![\w.])\+\d(?:[ ().-]?\d){7,14}(?!\w)"), "<number>"),
)
"""What must not be in a log, and what stands there instead. PostgreSQL's details quote rows, asyncpg's errors values."""

LONGEST_TEXT = 16_384
"""Characters of a text that are logged: its beginning and its end. Others put whole answers into their errors."""

QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
"""What an exception quotes: a value that was wrong, and so perhaps somebody's."""

QUIET = {
    "arq.worker": logging.WARNING,  # each job says a line of ours when it has ended
    "uvicorn.error": logging.WARNING,  # it tells of every socket, with its client's network address
    "httpx": logging.WARNING,
    "tortoise": logging.WARNING,
}
"""Libraries that say more than anyone reads."""


class Handler(logging.StreamHandler[TextIO]):
    """Where this process's log lines go; there is one."""


def configure(settings: Settings | None = None, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), in the form that the settings ask for.

    Call it again when the settings are known; the last call holds.
    """
    handler = Handler(stream or sys.stderr)
    handler.setFormatter(_formatter(in_json=settings is not None and settings.logs_in_json))
    root = logging.getLogger()
    root.handlers[:] = [each for each in root.handlers if not isinstance(each, Handler)] + [handler]
    root.setLevel(settings.least_log_level if settings else "WARNING")
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("asyncio").addFilter(_is_news)
    logging.captureWarnings(True)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a name was not found for whoever was cancelled before: of a look-up uvloop keeps the answer for nobody."""
    is_of_nobody = record.getMessage().startswith("Future exception was never retrieved")
    return not (is_of_nobody and record.exc_info and isinstance(record.exc_info[1], gaierror))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take personal data and secrets out of every text of a log line, exceptions included."""
    event.pop("message", None)  # whoever formatted the record before us left it there
    if "exception" in event:
        event["exception"] = _without_quotes(shortened(event["exception"]))
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redacted(value)
        elif not isinstance(value, int | float | bool | None):
            event[key] = redacted(str(value))
    return event


def redacted(text: str) -> str:
    """A text without what must not be in a log, and not longer than is read."""
    text = shortened(text)
    for pattern, instead in REDACTIONS:
        text = pattern.sub(instead, text)
    return text


def shortened(text: str) -> str:
    """The beginning and the end of a text of more than `LONGEST_TEXT` characters."""
    half = LONGEST_TEXT // 2
    return text if len(text) <= LONGEST_TEXT else f"{text[:half]} … {text[-half:]}"


def _without_quotes(trace: str) -> str:
    """A traceback whose messages quote nothing; its frames, which are indented, stay as they are."""
    return "\n".join(line if line.startswith(" ") else QUOTED.sub("'…'", line) for line in trace.split("\n"))


def _formatter(*, in_json: bool) -> logging.Formatter:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact]
    render: Processor = structlog.processors.JSONRenderer(_json) if in_json else _line
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[*last, render], keep_exc_info=False, keep_stack_info=False
    )


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """LEVEL logger: what happened (id=…), and a traceback below it."""
    level, name, text = (event.pop(key, "") for key in ("level", "logger", "event"))
    trace = "".join(f"\n{event.pop(key)}" for key in ("exception", "stack") if event.get(key))
    event.pop("time", None)
    bound = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{str(level).upper()} {name}: {text}{f' ({bound})' if bound else ''}{trace}"
