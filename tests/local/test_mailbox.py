"""The mailbox keeps what was accepted, in order, whatever it holds."""

import resource
from email.message import EmailMessage
from pathlib import Path

import pytest

from local.mailbox import Mailbox


def mail(subject: str = "Hello", message_id: str = "<1@test>") -> bytes:
    """A small message with a Message-ID."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", "ana@example.com", subject
    message["Message-ID"] = message_id
    message.set_content("Hi Ana\n")
    return message.as_bytes()


@pytest.fixture
def box(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail")


def test_a_kept_message_is_read_as_it_was_sent_below_its_envelope(box: Mailbox):
    content = mail()

    number = box.keep("bounce@example.com", ["ana@example.com", "bo@example.com"], content)

    source = box.source(number)
    assert source is not None
    head, _, rest = source.partition(b"\r\n")
    assert head == b"Return-Path: <bounce@example.com>"
    assert rest.endswith(content)
    entry = box.entries()[0]
    assert entry.number == number
    assert entry.sender == "bounce@example.com"
    assert entry.recipients == ("ana@example.com", "bo@example.com")
    assert (entry.subject, entry.message_id) == ("Hello", "<1@test>")


def test_the_clock_says_when_a_message_came(box: Mailbox, clock):
    box.keep("a@b.c", ["d@e.f"], mail())

    assert box.entries()[0].received_at == clock.now()


@pytest.mark.parametrize("subject", ["Grüße", "🎉 \u202eevil", "مرحبا", "a\tb", "<script>", ""])
def test_a_subject_of_any_script_is_listed_as_written(box: Mailbox, subject: str):
    box.keep("a@b.c", ["d@e.f"], mail(subject))

    assert box.entries()[0].subject == subject


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"no headers at all",
        b"Subject: =?nonsense?q?x?=\r\n\r\n",
        b"Subject: =?utf-8?b?!!?=\r\n\r\n",
        b"\xff\xfe\0",
    ],
)
def test_a_malformed_message_is_kept_and_listed(box: Mailbox, content: bytes):
    number = box.keep("a@b.c", ["d@e.f"], content)

    assert [entry.number for entry in box.entries()] == [number]
    source = box.source(number)
    assert source is not None
    assert source.endswith(content)


def test_a_list_is_newest_first_and_goes_on_where_it_stopped(box: Mailbox):
    for number in range(1, 8):
        box.keep("a@b.c", [f"c{number}@example.com"], mail())

    first = box.entries(limit=3)
    second = box.entries(limit=3, before=first[-1].number)

    assert [entry.number for entry in first] == [7, 6, 5]
    assert [entry.number for entry in second] == [4, 3, 2]


def test_a_search_looks_for_a_part_of_a_recipient_in_any_case(box: Mailbox):
    box.keep("a@b.c", ["Ana@Example.com"], mail())
    box.keep("a@b.c", ["bo@example.com"], mail())

    assert [entry.number for entry in box.entries(search="ana@EX")] == [1]


def test_a_repeated_message_id_is_found_as_often_as_it_came(box: Mailbox):
    for message_id in ("<1@test>", "<2@test>", "<1@test>"):
        box.keep("a@b.c", ["d@e.f"], mail(message_id=message_id))

    assert [entry.number for entry in box.find("<1@test>")] == [3, 1]


def test_a_reopened_mailbox_has_every_message_and_goes_on_counting(tmp_path: Path):
    for _ in range(3):
        Mailbox(tmp_path).keep("a@b.c", ["d@e.f"], mail())

    again = Mailbox(tmp_path)

    assert again.count() == 3
    assert [entry.number for entry in again.entries()] == [3, 2, 1]


def test_another_reader_of_the_folder_sees_what_arrives_later(tmp_path: Path):
    writer, reader = Mailbox(tmp_path), Mailbox(tmp_path)

    writer.keep("a@b.c", ["d@e.f"], mail())

    assert reader.count() == 1


def test_a_message_half_written_at_a_crash_is_no_message(tmp_path: Path):
    box = Mailbox(tmp_path)
    (tmp_path / "drafts" / "left").write_bytes(b"Subject: half")
    (tmp_path / "kept" / "notes.txt").write_text("not ours")

    assert box.count() == 0
    assert Mailbox(tmp_path).count() == 0
    box.drop_drafts()
    assert list((tmp_path / "drafts").iterdir()) == []


def test_of_a_message_that_the_disk_takes_half_nothing_stays(box: Mailbox, tmp_path: Path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            box.keep("a@b.c", ["d@e.f"], mail() + b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert [path for path in (tmp_path / "mail").rglob("*") if path.is_file()] == []
    assert box.keep("a@b.c", ["d@e.f"], mail()) == 1


def test_a_cleared_mailbox_is_empty_and_takes_new_messages(box: Mailbox):
    box.keep("a@b.c", ["d@e.f"], mail())

    box.clear()

    assert (box.count(), box.entries()) == (0, [])
    number = box.keep("a@b.c", ["d@e.f"], mail())
    assert box.source(number) is not None
    assert box.source(number + 1) is None
