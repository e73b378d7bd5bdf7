"""Which numbers a text is to be tried with, so that each of its plural branches is taken by one of them."""

from models.content.binding import decider
from models.content.pattern import Choice, Message, arguments
from models.content.variable import VARIABLES, TextVariableKind

ALWAYS_TRIED = (1, 2, 5, 20)
"""Numbers that any text with a count is tried with: of one digit and of two."""

MOST_COUNTS = 16
"""How many numbers may each have wording of their own in one text: it is written out with every one of them."""

_EVERY_FORM = range(128)
"""Among these is a number of each plural form, cardinal or ordinal, of every language."""


def deciding_counts(message: Message, language: str) -> list[int]:
    """Numbers that between them take every branch, also those that name theirs (`=3`).

    Of too many, only so many as show it: more than MOST_COUNTS.
    """
    choices = [part for part in arguments(message) if isinstance(part, Choice) and _counts(part)]
    decide = [decider(choice, language) for choice in choices]
    named = sorted(int(key[1:]) for choice in choices for key, _ in choice.branches if key.startswith("="))
    first: dict[tuple[str, ...], int] = {}
    for count in (*ALWAYS_TRIED, *_EVERY_FORM, *named):
        first.setdefault(tuple(each(count) for each in decide), count)
        if len(first) > MOST_COUNTS:
            break
    return list(dict.fromkeys((*ALWAYS_TRIED, *first.values())))


def _counts(choice: Choice) -> bool:
    is_known = choice.name in VARIABLES and VARIABLES[choice.name].kind is TextVariableKind.COUNT
    return is_known and choice.kind != "select"
