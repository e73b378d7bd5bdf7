"""Putting what is the same for everybody into a pattern, so that only what differs is filled per recipient."""

from collections.abc import Callable, Mapping

from icu4py.messageformat import MessageFormat

from models.content.pattern import Argument, Choice, Message, Part, arguments, merge
from models.content.variable import VARIABLES, Value


def bind(message: Message, language: str, values: Mapping[str, Value]) -> Message:
    """The message with these variables' values written into it; choices on them are decided."""
    bound: list[Part] = []
    for part in message:
        if isinstance(part, Choice):
            bound += _bound_choice(part, language, values)
        elif isinstance(part, Argument) and part.name in values:
            bound.append(number(values[part.name], language))
        else:
            bound.append(part)
    return merge(bound)


def _bound_choice(choice: Choice, language: str, values: Mapping[str, Value]) -> Message:
    branches = dict(choice.branches)
    if choice.name in values:
        branch = branches[decided(choice, language, values[choice.name])]
        count = values[choice.name]
        shown = number(count - choice.offset, language) if isinstance(count, int) else count
        return bind(_with_number(branch, shown), language, values)
    inside = tuple((key, bind(branch, language, values)) for key, branch in choice.branches)
    return (Choice(choice.name, choice.kind, choice.offset, inside, choice.position),)


def _with_number(branch: Message, shown: str) -> Message:
    """The branch with its `#` written out; a plural inside it has its own."""
    return merge(shown if isinstance(part, Argument) and part.name == "#" else part for part in branch)


def decided(choice: Choice, language: str, value: Value) -> str:
    """The key of the branch that ICU takes for this value."""
    return decider(choice, language)(value)


def decider(choice: Choice, language: str) -> Callable[[Value], str]:
    """What tells the key of the branch that ICU takes for a value."""
    keys = " ".join(f"{key} {{{key}}}" for key, _ in choice.branches)
    offset = f"offset:{choice.offset} " if choice.offset else ""
    message = MessageFormat(f"{{value, {choice.kind}, {offset}{keys}}}", language)
    return lambda value: message.format({"value": value})


def number(value: Value, language: str) -> str:
    """A value as this language writes it: counts with its digits and separators, texts as they are."""
    if isinstance(value, str):
        return value
    return MessageFormat("{value, number, integer}", language).format({"value": value})


def sources(message: Message) -> set[str]:
    """The variables that must be known to fill the message: a choice needs what it asks about."""
    names = {part.name for part in arguments(message)}
    return {VARIABLES[name].asks or name if name in VARIABLES else name for name in names}
