"""What a command says of an error that whoever typed it can mend."""

from pydantic import ValidationError
from redis.exceptions import RedisError
from tortoise.exceptions import DBConnectionError

from models.availability import REFUSED, UNREACHABLE, UNUSABLE
from models.errors import RekindleError
from settings import SettingsFileError

BAD_USAGE = 2
"""Exit code of a command whose settings are wrong: starting it again would not help."""


class CannotRun(RekindleError):
    """A command cannot do what it is asked; the message says what is not as it must be, or what to do."""


class ReaderGone(RekindleError):
    """Whoever read what a command writes wants no more of it, as `head` does: nothing is wrong, and nothing is said."""


EXPECTED = (SettingsFileError, RekindleError, ValidationError, RedisError, *UNUSABLE)
"""Errors with a cause outside the program; any other is a bug, and shows where it happened."""

FORMS = {"time_delta_parsing": "must be a number of seconds, or ISO 8601 such as PT15S"}
"""What a setting must be, by the kind of pydantic's error, where pydantic names only a type of Python's."""


def told(error: Exception) -> str:
    """One line, or one for each setting that is wrong."""
    if isinstance(error, ValidationError):
        return "\n       ".join(_setting(dict(problem)) for problem in error.errors())
    if isinstance(error, SettingsFileError | RekindleError):
        return str(error)
    if isinstance(error, RedisError):
        return f"Redis cannot be reached at REDIS_URL: {error}"
    if isinstance(error, (*REFUSED, DBConnectionError)):
        return f"PostgreSQL refuses: {error.__cause__ or error}"
    if isinstance(error, OSError) and error.filename is not None:  # connections have none
        return f"{error.filename} cannot be used: {error.strerror}"
    if isinstance(error, UNREACHABLE):
        return f"PostgreSQL cannot be reached: {error}"
    return str(error)


def _setting(problem: dict[str, object]) -> str:
    """What is wrong with a setting, without its value, which may be a secret."""
    location = problem["loc"]
    name = ".".join(map(str, location)) if isinstance(location, tuple) else str(location)
    why = FORMS.get(str(problem["type"])) or str(problem["msg"]).removeprefix("Value error, ")
    return f"{name.upper()}: {why}"
