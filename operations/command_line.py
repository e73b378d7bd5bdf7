"""The command line: which options each command takes, and what is said of errors that its user can mend."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.caller import Role
from models.clock import shift_of
from operations import logs
from operations.trouble import BAD_USAGE, EXPECTED, CannotRun, ReaderGone, told
from settings import Settings, SettingsFileError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

READER_GONE = 141
"""Exit code when nobody reads what is written any more, as shells have it of those that SIGPIPE ends."""

HIGHEST_NUMBER = 2**31 - 1
"""The last number that a plan could have."""

LONGEST_TOKEN = 24 * 366
"""Hours that a token for local use may hold at most."""

_DURATION = TypeAdapter(timedelta)

Command = Callable[[Settings, argparse.Namespace], int | None]
"""What a command does; its exit code, when it is done and yet not 0."""


def run_command(commands: Mapping[str, Command], words: list[str] | None) -> int:
    """Run the command that `words` (or this process's arguments) name; its exit code: 2 when it cannot be done so."""
    logs.configure()
    arguments = parser_of(commands).parse_args(words)
    try:
        settings = with_fixed_clock(read_settings())
        logs.configure(settings)
        return arguments.command(settings, arguments) or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except ReaderGone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to write is written at the end
        return READER_GONE
    except EXPECTED as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return BAD_USAGE


def read_settings() -> Settings:
    """The settings of this process. What is wrong with the file `.env` itself is said of that file."""
    try:
        return Settings()
    except UnicodeDecodeError:
        raise SettingsFileError(".env is not text in UTF-8") from None
    except OSError as error:
        raise SettingsFileError(f".env cannot be read: {error.strerror}") from None


def with_fixed_clock(settings: Settings) -> Settings:
    """The settings with an instant of CLOCK made a shift, once, so that all who get them share one clock."""
    try:
        shift = shift_of(settings.clock)
    except ValidationError:
        raise CannotRun(f"CLOCK: {settings.clock!r} is neither an ISO 8601 instant nor a duration") from None
    return settings.model_copy(update={"clock": _DURATION.dump_python(shift, mode="json") if shift else None})


def parser_of(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """The parser of all commands; a command's docstring is its help."""
    parser = argparse.ArgumentParser(prog="server.py", description="Rekindle: customer outreach for shops.")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in commands.items():
        choices.add_parser(name, help=command.__doc__, description=command.__doc__).set_defaults(command=command)
    for name, add_options in OPTIONS.items():
        add_options(choices.choices[name])
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="fill the demo shops on first start (default: only in an embedded database)",
    )


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)


def _token_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=[role.value for role in Role])
    parser.add_argument("--shop", help="external id of the shop, for a seller's roles")
    parser.add_argument("--subject", help="the user; for CUSTOMER the external id of the shopper")
    parser.add_argument("--hours", type=_hours, default=12, help="how long it holds (default: 12)")


def _hours(word: str) -> float:
    hours = float(word) if re.fullmatch(r"\d+(\.\d+)?", word) else 0
    if not 0 < hours <= LONGEST_TOKEN:
        raise argparse.ArgumentTypeError(f"must be a number, more than 0 and at most {LONGEST_TOKEN}")
    return hours


def _number(word: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,9}", word) or int(word) > HIGHEST_NUMBER:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {HIGHEST_NUMBER:,}")
    return int(word)


def _import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="NDJSON: a row as a JSON object on each line")
    parser.add_argument("--shop", required=True, help="external id of the shop")


def _restored_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--nothing-lost",
        action="store_true",
        help="no commit is missing (an upgrade, a synchronous standby): only go on",
    )
    parser.add_argument("--anyway", action="store_true", help="although this seems to be the database it always was")


def _stop_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reason", metavar="REASON", help="why, for whoever finds it stopped")


def _export_customer_options(parser: argparse.ArgumentParser) -> None:
    _erase_customer_options(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write it; it must not be there yet")


def _erase_customer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("customer", metavar="CUSTOMER", help="external id of the customer")


def _export_plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=_number, metavar="PLAN", help="number of the plan, as in the names of downloads")
    parser.add_argument("--shop", required=True, help="external id of the shop")
    parser.add_argument("--content", choices=["ledger", "figures"], default="ledger", help="(default: ledger)")
    parser.add_argument("--format", choices=["csv", "ndjson"], default="csv", help="(default: csv)")
    parser.add_argument("--output", type=Path, help="the file to write (default: standard output)")


OPTIONS = {
    "run": _run_options, "serve": _serve_options, "token": _token_options, "import": _import_options,
    "export-customer": _export_customer_options, "erase-customer": _erase_customer_options,
    "stop-sending": _stop_options, "restored": _restored_options,
    "export-plan": _export_plan_options,
}  # fmt: skip
