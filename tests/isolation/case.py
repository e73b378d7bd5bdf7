"""How a root field of the schema is asked by its owner, in an isolation test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.caller import Role
from tests.selections import ERRORS

Ids = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """How one root field is asked, by which role, with variables made of someone's ids."""

    role: Role
    document: str
    variables: Callable[[Ids], dict[str, Any]] = lambda _: {}
    mentions_owner: bool = True
    """Whether the owner's own answer has the owner's mark in it: the proof that the case reaches data at all."""


def mutation(name: str, payload: str) -> str:
    capital = name[0].upper() + name[1:]
    return f"mutation ($input: {capital}Input!) {{ {name}(input: $input) {{ {payload} {ERRORS} }} }}"
