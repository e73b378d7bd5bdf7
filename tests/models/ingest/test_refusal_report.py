"""The report of refused lines: of committed batches only, and never without end."""

from pathlib import Path

import orjson
import pytest

from models.errors import ErrorCode, Problem, Refused
from models.ingest import refusal_report
from models.ingest.refusal_report import RefusalReport

WRONG = [Problem(("emailConsent", "at"), "is required")]


def lines_of(path: Path) -> list[int]:
    """The lines that a report tells of."""
    return [orjson.loads(entry)["line"] for entry in path.read_bytes().splitlines()]


def test_an_entry_says_line_place_reason_and_code(tmp_path):
    report = RefusalReport(tmp_path / "report")
    report.write({3: [*WRONG, Problem((), "x", ErrorCode.TOO_LONG)]}, after_line=0)
    assert orjson.loads(report.path.read_bytes()) == {
        "line": 3,
        "problems": [
            {"field": "emailConsent.at", "message": "is required", "code": "INVALID"},
            {"field": "", "message": "x", "code": "TOO_LONG"},
        ],
    }


def test_without_refusals_there_is_no_report_and_an_old_one_goes(tmp_path):
    path = tmp_path / "report"
    path.write_bytes(b'{"line": 1}\n')
    RefusalReport(path).write({}, after_line=0)
    assert not path.exists()


def test_what_a_killed_import_told_of_uncommitted_lines_is_cut_off(tmp_path):
    path = tmp_path / "report"
    RefusalReport(path).write(dict.fromkeys((2, 5, 8, 9), WRONG), after_line=0)
    with path.open("ab") as file:
        file.write(b'{"line": 1')
    again = RefusalReport(path)
    again.write({9: WRONG, 7: WRONG}, after_line=6)
    assert lines_of(path) == [2, 5, 7, 9]


def test_a_report_ends_after_its_most_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal_report, "MOST_ENTRIES", 4)
    report = RefusalReport(tmp_path / "report")
    report.write(dict.fromkeys((1, 2, 3), WRONG), after_line=0)
    report.write(dict.fromkeys((4, 5, 6), WRONG), after_line=3)
    report.write({7: WRONG}, after_line=6)
    assert lines_of(report.path) == [1, 2, 3, 4]


def test_a_report_that_cannot_be_written_is_refused(tmp_path):
    report = RefusalReport(tmp_path / "missing" / "report")
    with pytest.raises(Refused, match="cannot be written: No such file"):
        report.write({1: WRONG}, after_line=0)
