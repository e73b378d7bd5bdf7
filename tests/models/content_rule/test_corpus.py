"""The content rules (R13) against labelled lines; half of them were kept aside while the rules were written.

A line is its label (a way out, or OK), its language and its text, the offending words between ⟦ and ⟧.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from models import content_rule
from models.content_rule import WayOut

FOLDER = Path(__file__).resolve().parents[2] / "data" / "content_rule"
HALVES = ["development", "held_out"]


@dataclass(frozen=True)
class Line:
    label: str
    language: str
    text: str
    start: int
    end: int


def lines(half: str) -> list[Line]:
    return [line(*row.split("\t")) for row in (FOLDER / f"{half}.tsv").read_text(encoding="utf-8").splitlines()]


def line(label: str, language: str, marked: str) -> Line:
    start = marked.find("⟦")
    end = marked.find("⟧") - 1
    return Line(label, language, marked.replace("⟦", "").replace("⟧", ""), start, end)


def offending(half: str) -> list[Line]:
    return [found for found in lines(half) if found.label != "OK"]


def harmless(half: str) -> list[Line]:
    return [found for found in lines(half) if found.label == "OK"]


def test_the_corpus_is_large_held_out_by_half_and_marked() -> None:
    sizes = [len(lines(half)) for half in HALVES]
    assert sum(sizes) >= 300
    assert min(sizes) / sum(sizes) >= 0.45
    for half in HALVES:
        assert {found.label for found in lines(half)} == {"OK", *WayOut}
        assert all(0 <= found.start < found.end for found in offending(half))
        assert all(found.start == -1 for found in harmless(half))
    assert not {found.text for found in lines("development")} & {found.text for found in lines("held_out")}


@pytest.mark.parametrize("half", HALVES)
def test_nearly_every_way_out_is_found_as_what_it_is_and_where_it_is(half: str) -> None:
    missed = [
        expected.text
        for expected in offending(half)
        if not any(
            found.way == expected.label and found.start < expected.end and expected.start < found.end
            for found in content_rule.check(expected.text)
        )
    ]
    assert len(missed) <= 0.05 * len(offending(half)), missed


@pytest.mark.parametrize("half", HALVES)
def test_hardly_any_harmless_line_is_taken_for_a_way_out(half: str) -> None:
    alarms = {ok.text: content_rule.check(ok.text) for ok in harmless(half) if content_rule.check(ok.text)}
    assert len(alarms) <= 0.02 * len(harmless(half)), alarms


@pytest.mark.parametrize("half", HALVES)
def test_what_is_found_is_named_as_it_was_written(half: str) -> None:
    for written in lines(half):
        for found in content_rule.check(written.text):
            assert written.text[found.start : found.end] == found.words
            assert not re.search(r"^\s|\s$", found.words)
