"""The file `.env`: what in it is not what whoever wrote it takes it for. It may hold other programs' variables, too."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from operations.doctor.diagnosis import Diagnosis, warn
from settings import Settings

PREFIX = "REKINDLE_"
"""What some programs have before the names of their settings. Ours have none."""

LIKENESS = 0.8
"""How much of two names is alike when the one is taken for the other, misspelt."""


def check(path: Path) -> Iterator[Diagnosis]:
    """Lines that set nothing, and names that are nearly those of settings. Values are not shown, since some are secrets."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for binding in parse_stream(file):
            if diagnosis := _about(binding, str(path)):
                yield diagnosis


def _about(binding: Binding, path: str) -> Diagnosis | None:
    line = binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\n"))
    if binding.error:
        return warn(path, f"line {line} cannot be read, and sets nothing", "write NAME=value, with both quotes or none")
    if binding.key is None:
        return None
    name, names = binding.key.upper(), [field.upper() for field in Settings.model_fields]
    if name in names:
        return None if binding.value is not None else warn(path, f"{name} has no value", f"write {name}=value")
    if name.removesuffix("_FILE") in names:
        return warn(path, f"{name} is read from the environment only", "set it there, or the value itself here")
    meant = get_close_matches(name.removeprefix(PREFIX), names, n=1, cutoff=LIKENESS)
    if meant or name.startswith(PREFIX):
        return warn(path, f"{name} is no setting", f"did you mean {meant[0]}?" if meant else "see docs/settings.md")
    return None
