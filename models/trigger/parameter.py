"""A plan's parameters: what is given held against the trigger's bounds, what is left out filled in (R9)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from models.errors import Problem, Refused
from models.trigger.kind import Parameter, ParameterKind, Trigger

Stored = dict[str, Any]
"""Parameters as a plan keeps them: by name, but `steps` in seconds and in the order in which they come due."""


def problems(trigger: Trigger, given: Mapping[str, Any]) -> list[Problem]:
    """What of these parameters (`steps` in minutes) the trigger does not take."""
    found = []
    for name, value in given.items():
        parameter = trigger.by_name.get(name)
        if parameter is None:
            there_are = ", ".join(trigger.by_name)
            message = f"{trigger.code} has no such parameter; there are: {there_are}."
        else:
            message = _misfit(parameter, value)
        if message:
            found.append(Problem(("parameters", name), message, rule="R9"))
    return found


def _misfit(parameter: Parameter, value: Any) -> str:
    """Why a value does not fit its parameter; empty when it does."""
    match parameter.kind:
        case ParameterKind.BOOLEAN:
            return "" if isinstance(value, bool) else "must be true or false"
        case ParameterKind.NUMBER:
            return _out_of_bounds(parameter, [value])
        case ParameterKind.MINUTES:
            return _not_a_few(parameter, value) or _out_of_bounds(parameter, value)
        case ParameterKind.CHOICES:
            unknown = [each for each in value if each not in parameter.options]
            wrong = f"must be of {', '.join(parameter.options)}, not {unknown[0]}" if unknown else ""
            return _not_a_few(parameter, value) or wrong


def _not_a_few(parameter: Parameter, values: Sequence[Any]) -> str:
    if 1 <= len(values) <= parameter.most and len(set(values)) == len(values):
        return ""
    return f"must be 1–{parameter.most} different values"


def _out_of_bounds(parameter: Parameter, values: Sequence[Any]) -> str:
    least, greatest = parameter.least or 0, parameter.greatest or 0
    odd = [each for each in values if not isinstance(each, int) or not least <= each <= greatest]
    return f"must be {least:,}–{greatest:,}, not {odd[0]}" if odd else ""


def read(trigger: Trigger, given: Mapping[str, Any]) -> Stored:
    """The parameters that hold, given some of them (`steps` in minutes). Raises Refused."""
    found = problems(trigger, given)
    if found:
        raise Refused(found)
    values = {name: given.get(name, parameter.default) for name, parameter in trigger.by_name.items()}
    seconds = sorted((minutes * 60 for minutes in values["steps"]), reverse=trigger.steps_descend)
    return {**{name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}, "steps": seconds}


def delays(stored: Mapping[str, Any]) -> list[timedelta]:
    """The steps of stored parameters, the first to come due first."""
    return [timedelta(seconds=seconds) for seconds in stored["steps"]]


def told(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored parameters as they were given: `steps` in minutes, those under a minute as fractions."""
    minutes = [seconds / 60 for seconds in stored["steps"]]
    return {**stored, "steps": [int(each) if each == int(each) else each for each in minutes]}
