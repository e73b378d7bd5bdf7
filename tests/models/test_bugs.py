"""A bug at one of many keeps no other from its turn, and is not lost."""

import pytest

from models.bugs import Bugs


def end(error: Exception | None) -> None:
    if error is not None:
        raise error


def turns(*errors: Exception | None) -> list[int]:
    """Those who had their turn, each ending in its error; what was raised afterwards is raised again with them as a note."""
    bugs, had = Bugs(), list[int]()
    try:
        for number, error in enumerate(errors):
            with bugs.kept():
                had.append(number)
                end(error)
        bugs.check()
    except Exception as error:
        error.add_note(f"had their turn: {had}")
        raise
    return had


def test_without_bugs_nothing_is_raised():
    assert turns(None, None) == [0, 1]


def test_one_bug_is_raised_as_it_is_once_all_had_their_turn():
    bug = ValueError("odd")
    with pytest.raises(ValueError, match="odd") as raised:
        turns(None, bug, None)

    assert raised.value is bug
    assert bug.__notes__ == ["had their turn: [0, 1, 2]"]


def test_several_bugs_are_raised_together():
    first, second = ValueError("odd"), KeyError("lost")
    with pytest.raises(ExceptionGroup) as raised:
        turns(first, None, second)

    assert raised.value.exceptions == (first, second)


@pytest.mark.parametrize("outage", [ConnectionRefusedError(), ExceptionGroup("both", [OSError(), TimeoutError()])])
def test_a_lost_postgresql_is_raised_at_once(outage: Exception):
    with pytest.raises(type(outage)) as raised:
        turns(None, outage, None)

    assert raised.value.__notes__ == ["had their turn: [0, 1]"]
