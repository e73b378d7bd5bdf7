"""Lines of files, however long or broken."""

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ErrorCode, Refused
from models.ingest import ndjson

LIMIT = ndjson.LONGEST_LINE


def refusal_of(line: bytes | None) -> str:
    """The message of the refusal of a line."""
    with pytest.raises(Refused) as refused:
        ndjson.parse(line)
    (problem,) = refused.value.problems
    return problem.message


@given(st.binary(max_size=200))
def test_the_lengths_of_lines_add_up_to_the_file_whatever_it_holds(content):
    lines = list(ndjson.lines(BytesIO(content)))
    assert b"".join(line or b"" for _, line in lines) == content
    assert [length for length, _ in lines] == [len(line or b"") for _, line in lines]


@pytest.mark.parametrize("extra", [0, 1, LIMIT, 3 * LIMIT + 7])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_longer_than_the_limit_is_skipped_and_the_next_one_read(extra, end):
    long = b"x" * (LIMIT + extra) + end
    found = list(ndjson.lines(BytesIO(long + (b"{}\n" if end else b""))))
    whole = len(long.rstrip(b"\n")) <= LIMIT
    assert found[0] == (len(long), long if whole else None)
    assert found[1:] == ([(3, b"{}\n")] if end else [])


@pytest.mark.parametrize("line", [b'{"a": 1}\n', b'{"a": 1}\r\n', b' {"a":1}', b'\t{"a":1} \n'])
def test_line_ends_and_blanks_do_not_matter(line):
    assert ndjson.parse(line) == {"a": 1}


def test_a_broken_line_says_what_is_wrong_with_it():
    assert refusal_of(None) == "is longer than 64 KiB"
    assert refusal_of(b'{"name": "\xff"}') == "is not UTF-8: invalid start byte at byte 11"
    assert refusal_of(b'{"a": 1').startswith("is not JSON: ")
    assert refusal_of(b"{'a': 1}\n").startswith("is not JSON: ")
    assert refusal_of(b'{"a": NaN}').startswith("is not JSON: ")
    assert refusal_of(b"[" * 5000).startswith("is not JSON: ")
    with pytest.raises(Refused) as refused:
        ndjson.parse(None)
    assert refused.value.problems[0].code is ErrorCode.TOO_LONG


@given(st.binary())
def test_any_bytes_are_a_value_or_a_refusal(line):
    with contextlib.suppress(Refused):
        ndjson.parse(line)


def test_only_a_mark_at_the_start_is_taken_away():
    assert ndjson.without_mark(b"\xef\xbb\xbf{}\n") == b"{}\n"
    assert ndjson.without_mark(b"{}\xef\xbb\xbf") == b"{}\xef\xbb\xbf"
    assert ndjson.without_mark(None) is None
