"""Whether content can be sent: complete, readable by ICU, and with no variable that would stay empty (R14)."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any

from models.content.count import MOST_COUNTS, deciding_counts
from models.content.form import form
from models.content.nameless import nameless
from models.content.pattern import Argument, Choice, Message, Part
from models.content.pattern_reader import MessageError, parse
from models.content.variable import ALWAYS, VARIABLES, TextVariableKind
from models.content_rule.disguise import is_blank
from models.errors import ErrorCode, Problem, Refused
from models.language import canonical

MOST_LANGUAGES = 50
LONGEST = {"text": 5_000, "subject": 200, "preheader": 200}
"""Most characters of each field, as written."""

EMAIL_CHANNELS = frozenset({"EMAIL", "CHAT_THEN_EMAIL"})
"""Channels of plans of which some messages may go by email."""

_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e\ufffe\uffff\ud800-\udfff]")
_UNSAFE_ON_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\ufffe\uffff\ud800-\udfff]")

Path = tuple[str, ...]


def validate(
    content: Mapping[str, Any],
    *,
    channel: str,
    default_language: str,
    variables: Collection[str] = ALWAYS,
    coupons: Collection[bool] = (True, False),
    complete: bool = True,
) -> list[Problem]:
    """What is wrong with a plan's content, each with its path; nothing when it may be sent.

    `variables` are those this plan can fill; `coupons` is whether a coupon comes with its messages, both where it does with
    some of them, neither while that is open. A draft may be incomplete: with `complete` False, missing texts and subjects
    are no problem, mistakes in what is there still are.
    """
    texts = content.get("texts", {})
    if not isinstance(texts, Mapping):
        return [Problem(("texts",), "must map language tags to texts")]
    if len(texts) > MOST_LANGUAGES:
        return [Problem(("texts",), f"at most {MOST_LANGUAGES} languages, not {len(texts)}", ErrorCode.TOO_MANY)]
    problems = list(_tags(texts))
    if complete:
        problems += _missing(texts, email=channel in EMAIL_CHANNELS, default_language=default_language)
    for tag, text in texts.items():
        problems += _text(("texts", str(tag)), text, variables, coupons)
    return problems


def _tags(texts: Mapping[str, Any]) -> Iterator[Problem]:
    """Tags that name no language, or the same one twice."""
    seen: dict[str, str] = {}
    for tag in texts:
        try:
            language = canonical(tag)
        except Refused as refused:
            yield Problem(("texts", tag), refused.problems[0].message, ErrorCode.UNKNOWN_LANGUAGE)
            continue
        if language in seen:
            yield Problem(("texts", tag), f"is the same language as {seen[language]!r}", ErrorCode.CONFLICT)
        seen.setdefault(language, tag)


def _missing(texts: Mapping[str, Any], *, email: bool, default_language: str) -> Iterator[Problem]:
    """Texts and subjects that sending needs and that are not there."""
    known = {_canonical_or_same(tag) for tag in texts}
    if default_language not in known:
        yield Problem(
            ("texts", default_language),
            f"the text in the shop's default language ({default_language}) is missing",
            ErrorCode.MISSING_CONTENT,
        )
    for tag, text in texts.items():
        for field in ("text", "subject") if email else ("text",):
            if isinstance(text, Mapping) and _is_missing(text.get(field)):
                needed = "an email needs a subject" if field == "subject" else "a plan needs a text"
                yield Problem(("texts", tag, field), f"{needed} in each of its languages", ErrorCode.MISSING_CONTENT)


def _canonical_or_same(tag: str) -> str:
    try:
        return canonical(tag)
    except Refused:
        return tag


def _is_missing(value: object) -> bool:
    return not isinstance(value, str) or is_blank(value)


def _text(path: Path, text: object, variables: Collection[str], coupons: Collection[bool]) -> Iterator[Problem]:
    """What is wrong with one language's fields."""
    if not isinstance(text, Mapping):
        yield Problem(path, "must have a text, and for email a subject and a preheader")
        return
    for field, value in text.items():
        if field not in LONGEST:
            yield Problem((*path, str(field)), "is not one of text, subject, preheader")
        elif value is not None and not isinstance(value, str):
            yield Problem((*path, field), "must be text")
        elif value:
            yield from _pattern((*path, field), value, variables, coupons)


def _pattern(path: Path, pattern: str, variables: Collection[str], coupons: Collection[bool]) -> Iterator[Problem]:
    """What is wrong with one ICU pattern; the first of several kinds that would hide one another."""
    field = path[-1]
    if len(pattern) > LONGEST[field]:
        yield Problem(path, f"at most {LONGEST[field]:,} characters, not {len(pattern):,}", ErrorCode.TOO_LONG)
        return
    unsafe = (_UNSAFE if field == "text" else _UNSAFE_ON_ONE_LINE).search(pattern)
    if unsafe:
        yield Problem(path, f"the {_named(unsafe.group())} at character {unsafe.start() + 1} cannot be sent")
        return
    try:
        message = parse(pattern)
        form(pattern, "en")
        counts = deciding_counts(message, path[1])
    except MessageError as error:
        excerpt = pattern[error.position : error.position + 20]
        yield Problem(path, f"at character {error.position + 1} (“{excerpt}”): {error.reason}")
    except (ValueError, RuntimeError) as error:
        yield Problem(path, f"is no ICU message: {error}")
    else:
        yield from _uses(path, message, variables, known=frozenset())
        yield from _blank(path, message, coupons)
        if len(counts) > MOST_COUNTS:
            yield Problem(path, f"words more than {MOST_COUNTS} numbers each in its own way", ErrorCode.TOO_MANY)


def _named(character: str) -> str:
    """A character that cannot be seen, by its name."""
    names = {"\r": "carriage return", "\n": "line break", "\t": "tab"}
    if character in names:
        return names[character]
    return unicodedata.name(character, f"control character U+{ord(character):04X}")


def _uses(path: Path, message: Message, variables: Collection[str], known: frozenset[str]) -> Iterator[Problem]:
    """Variables that the plan cannot fill, or that stand where they make no sense.

    `known` are the optional variables that the branch we are in has made sure of.
    """
    for part in message:
        if isinstance(part, str) or part.name == "#":
            continue
        misuse = _misuse(part, variables, known)
        if misuse:
            yield Problem(path, f"at character {part.position + 1}: {misuse[0]}", misuse[1])
        if isinstance(part, Choice):
            for key, branch in part.branches:
                sure = known | {VARIABLES[part.name].asks} if not misuse and _means_yes(part, key) else known
                yield from _uses(path, branch, variables, sure)


def _means_yes(choice: Choice, key: str) -> bool:
    """Whether this branch is taken only when what the choice asks about is there."""
    keys = {key for key, _ in choice.branches}
    return key == "yes" or (key == "other" and "no" in keys and "yes" not in keys)


def _misuse(part: Argument | Choice, variables: Collection[str], known: frozenset[str]) -> tuple[str, ErrorCode] | None:
    """Why this variable cannot stand here, and the error's code."""
    if part.name not in variables:
        there_are = ", ".join(f"{{{name}}}" for name in sorted(variables))
        return f"{{{part.name}}} is no variable of this plan; there are {there_are}", ErrorCode.UNKNOWN_VARIABLE
    kind = VARIABLES[part.name].kind
    if isinstance(part, Argument):
        if kind is TextVariableKind.CHOICE:
            return f"{{{part.name}}} is yes or no, for a select, and is never shown itself", ErrorCode.INVALID
        if part.name == "coupon" and "coupon" not in known:
            return (
                "{coupon} may be empty, so it must stand in {hasCoupon, select, yes {…} other {…}}",
                ErrorCode.INVALID,
            )
        return None
    if kind is not (TextVariableKind.CHOICE if part.kind == "select" else TextVariableKind.COUNT):
        return f"{{{part.name}}} cannot decide a {part.kind}", ErrorCode.INVALID
    odd = [key for key, _ in part.branches if kind is TextVariableKind.CHOICE and key not in {"yes", "no", "other"}]
    return (f"{{{part.name}}} is yes or no, never {odd[0]!r}", ErrorCode.INVALID) if odd else None


def _blank(path: Path, message: Message, coupons: Collection[bool]) -> Iterator[Problem]:
    """A text or subject that would say nothing to some of its readers; one that says nothing to anybody is missing.

    A preheader may be left out, so it may say nothing.
    """
    if path[-1] == "preheader" or all(isinstance(part, str) for part in message):
        return
    for has_name, has_coupon in product((True, False), coupons or (None,)):
        answers = {"hasName": has_name, "hasCoupon": has_coupon}
        if _says_nothing(message if has_name else nameless(message, path[1]), answers):
            whose = "anybody" if has_name else "a customer whose name is not known"
            when = " where no coupon comes with it" if has_coupon is False else ""
            yield Problem(path, f"says nothing to {whose}{when}", ErrorCode.MISSING_CONTENT)
            return


def _says_nothing(message: Message, answers: Mapping[str, bool | None]) -> bool:
    """Whether nothing can be seen of the message, with these answers to its selects and some number in its plurals."""
    return all(_part_says_nothing(part, answers) for part in message)


def _part_says_nothing(part: Part, answers: Mapping[str, bool | None]) -> bool:
    if isinstance(part, str):
        return is_blank(part)
    if isinstance(part, Argument):
        return False
    branches = dict(part.branches)
    if part.kind != "select":
        return any(_says_nothing(branch, answers) for key, branch in part.branches if key != "=0")
    answer = answers.get(part.name)
    if answer is None:
        return False
    return _says_nothing(branches.get("yes" if answer else "no", branches["other"]), answers)
