"""How a message addresses a customer whose name is not known.

`{name}` becomes a word that fits wherever a name stands ("friend", 「お客様」), in languages that have one
which guesses nobody's gender; elsewhere it is left out with its comma: "¡Hola, {name}!" → "¡Hola!".
Authors who want more say it themselves: `{hasName, select, yes {Hi {name}!} other {Hi there!}}`.
"""

import re
from collections.abc import Mapping

from models.content.pattern import Argument, Choice, Message, Part, append

Form = tuple[str, str, str]
"""Between text that ends so and text that begins so: this word. An empty word leaves the name out."""

WORDS: Mapping[str, tuple[Form, ...]] = {
    "en": (("", "", "friend"),),
    "id": (("Kak ", "", ""), ("Kakak ", "", ""), ("", "", "Kak")),
    "ja": (("", "様", "お客"), ("", "さ", "お客"), ("", "", "お客様")),
    "ko": (("", "님", "고객"), ("", "", "고객님")),
    "th": (("คุณ", "", "ลูกค้า"), ("", "", "คุณลูกค้า")),
    "vi": (("", "", "bạn"),),
}
"""The word by language, the first form that fits; a language that is not here leaves the name out."""

_LEFT_OUT: tuple[Form, ...] = (("", "", ""),)
_SENTENCE_ENDS = frozenset(".!?…。！？؟")
_OPENING = re.compile(r"[\s¡¿\"'“‘«(]*")
"""What may stand between a sentence's end and the first word of the next one."""

_BLANKS = " \t"
_COMMAS = (",", "،", "、", "，")
_COMMA_AFTER = re.compile(r"^[ \t]*[,،、，]?[ \t]*")


def nameless(message: Message, language: str) -> Message:
    """The message as a customer without a name gets it: no `{name}` is left in it."""
    forms = WORDS.get(language.partition("-")[0], _LEFT_OUT)
    done: list[Part] = []
    waiting = list(reversed(message))
    while waiting:
        part = waiting.pop()
        if isinstance(part, Choice):
            branches = tuple((key, nameless(branch, language)) for key, branch in part.branches)
            part = Choice(part.name, part.kind, part.offset, branches, part.position)
        if isinstance(part, Argument) and part.name == "name":
            _replace(done, waiting, forms)
        else:
            _add(done, part)
    return tuple(done)


def _replace(done: list[Part], waiting: list[Part], forms: tuple[Form, ...]) -> None:
    """Change what stands before a name, and after it (the last that waits), so that its word, or nothing, is in its place."""
    before = done[-1] if done and isinstance(done[-1], str) else ""
    after = waiting[-1] if waiting and isinstance(waiting[-1], str) else ""
    starts = _ends_a_sentence(before) and (before != "" or not done)
    word = next(word for ending, beginning, word in forms if before.endswith(ending) and after.startswith(beginning))
    if word:
        _add(done, _capital(word) if starts else word)
    elif starts and after:
        waiting[-1] = _capital(_COMMA_AFTER.sub("", after))
    elif before and not starts:
        done[-1] = _without_comma(before)


def _add(done: list[Part], part: Part) -> None:
    """Put a part at the end; of a text before a name nothing may be left."""
    if done and done[-1] == "":
        done.pop()
    append(done, part)


# From the end backwards: an expression that ends with `$` is tried from each blank of a text that has thousands.
def _ends_a_sentence(before: str) -> bool:
    """Whether a sentence begins with the word after this text."""
    backwards = before[::-1]
    opening = _OPENING.match(backwards)
    assert opening is not None
    return "\n" in opening[0] or backwards[opening.end() : opening.end() + 1] in {"", *_SENTENCE_ENDS}


def _without_comma(before: str) -> str:
    """The text without the comma and the blanks at its end."""
    text = before.rstrip(_BLANKS)
    return text[:-1].rstrip(_BLANKS) if text.endswith(_COMMAS) else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
