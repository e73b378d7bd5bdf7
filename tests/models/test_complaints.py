"""How often a lasting trouble is told of."""

from models.complaints import REMIND_AFTER, Complaints


class Watch:
    """A clock that the test moves."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_trouble_is_told_of_at_its_beginning_and_then_now_and_then():
    watch = Watch()
    complaints = Complaints(watch)
    told = []
    for _ in range(10):
        told.append(complaints.is_due(OSError("away")))
        watch.seconds += REMIND_AFTER / 4

    assert told == [True, False, False, False] * 2 + [True, False]


def test_a_trouble_of_another_kind_is_told_of_at_once_and_one_of_other_words_is_not():
    complaints = Complaints(Watch())

    assert complaints.is_due(OSError("file 1 cannot be extended"))
    assert not complaints.is_due(OSError("file 2 cannot be extended"))
    assert complaints.is_due(ValueError("file 1 cannot be extended"))
    assert not complaints.is_due(OSError("file 3 cannot be extended"))


def test_a_trouble_that_comes_again_after_it_was_over_is_told_of_at_once():
    complaints = Complaints(Watch())
    assert complaints.is_due(OSError("away"))

    complaints.end()

    assert complaints.is_due(OSError("away"))
