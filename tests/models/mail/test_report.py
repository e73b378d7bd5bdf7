"""What comes back, as real systems write it: which mail it is about, and what became of it."""

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.mail.report import LARGEST, UNSPECIFIC, Outcome, Report, read
from models.mail.return_path import ReturnKey, write_return_key
from models.mail.stranger import LONGEST_TYPE, MOST_LINES, MOST_PARTS
from models.signed_link import Link, Purpose, sign

KEY = b"a key for tests"
KEYS = (b"the next key", KEY)
ROW = ReturnKey(7, UUID("0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f"), "")
LOCAL = write_return_key(KEY, ROW)
BACK = f"{LOCAL}@mail.example"
LINK = f"https://shop.example/unsubscribe/{sign(KEY, Purpose.UNSUBSCRIBE, Link(3, 7, ROW.customer_id))}"

ENCLOSED = f"""\
Return-Path: <{BACK}>
From: Bloom <shop-3@mail.example>
To: ana@example.com
Subject: Look
Message-ID: <7.0192f3c55d1a5a6e8f0e0a0b0c0d0e0f@mail.example>
List-Unsubscribe: <{LINK}>
"""

FAILED = "\nFinal-Recipient: rfc822; ana@example.com\nAction: failed\nStatus: 5.1.1\n"

REPORT = """\
From: relay.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
{groups}
{parts}--b--
"""

FILLING = "a line of the mail that is enclosed\n" * MOST_LINES

POSTFIX = """\
From: MAILER-DAEMON@relay.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Thu, 15 Jan 2026 12:30:00 +0000

Final-Recipient: rfc822; ana@example.com
Original-Recipient: rfc822;ana@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--B
Content-Type: text/rfc822-headers

{enclosed}
--B--
"""

EXIM = """\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: {to}
X-Failed-Recipients: ana@example.com
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  ana@example.com
    host mx.example.com [192.0.2.5]
    SMTP error from remote mail server after RCPT TO:<ana@example.com>:
    550 5.1.1 <ana@example.com>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

Subject: version 5.1.2 of our terms
"""

QMAIL = """\
From: MAILER-DAEMON@relay.example
To: {to}
Subject: failure notice

Hi. This is the qmail-send program at relay.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<ana@example.com>:
192.0.2.5 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name (#5.1.1)
Giving up on 192.0.2.5.

--- Below this line is a copy of the message.

Return-Path: <news@bloom.example>
"""

EXCHANGE = """\
From: Microsoft Outlook <postmaster@example.com>
To: {to}
Subject: Undeliverable: Look
MIME-Version: 1.0
X-MS-Exchange-Message-Is-Ndr:
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: multipart/alternative; boundary="y"

--y
Content-Type: text/html

<p>Your message to ana@example.com couldn't be delivered.</p>
--y--

--x
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.example.com

Final-recipient: RFC822;ana@example.com
Action: failed
Status: 5.0.0
Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found

--x
Content-Type: message/rfc822

{enclosed}
body
--x--
"""

GLOBAL = """\
From: MAILER-DAEMON@relay.example
To: {to}
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: message/global-delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: utf-8; jörg@example.com
Action: failed
Status: 5.1.1

--B--
"""

ARF = """\
From: <feedback@provider.example>
To: <{to}>
Subject: FW: Look
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="p"

--p
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--p
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Source-IP: 192.0.2.1

--p
Content-Type: message/rfc822

{enclosed}
Spam spam
--p--
"""

HOLIDAY = """\
Return-Path: <>
From: Ana <ana@example.com>
To: {to}
Subject: Out of office: delivery failed me, I am away
{field}

I am away until Monday. My old address bounced with 550 5.1.1.
"""


def parse(text: str, *, to: str = BACK, **envelope: str | None) -> Report | None:
    recipients = [to] if to else []
    return read(text.replace("\n", "\r\n").encode(), recipients, KEYS, **envelope)


def postfix(action: str, status: str, diagnostic: str = "550 refused", enclosed: str = ENCLOSED) -> str:
    return POSTFIX.format(to=BACK, action=action, status=status, diagnostic=diagnostic, enclosed=enclosed)


@pytest.mark.parametrize(
    ("text", "outcome", "status"),
    [
        (postfix("failed", "5.1.1"), Outcome.FAILED, "5.1.1"),
        (postfix("FAILED ", "5.2.2 (mailbox full)"), Outcome.FAILED, "5.2.2"),
        (postfix("failed", "4.4.7"), Outcome.FAILED, "4.4.7"),
        (postfix("failed", "5.0.0", "550 5.7.1 not wanted"), Outcome.FAILED, "5.7.1"),
        (postfix("failed", "5.0.0", "550 no such user"), Outcome.FAILED, "5.0.0"),
        (postfix("failed", "2.0.0", "250 nonsense"), Outcome.FAILED, UNSPECIFIC),
        (postfix("failed", ""), Outcome.FAILED, UNSPECIFIC),
        (postfix("delayed", "4.4.1"), Outcome.DELAYED, "4.4.1"),
        (postfix("delayed", "4.0.0"), Outcome.DELAYED, "4.0.0"),
        (postfix("delivered", "2.0.0"), Outcome.DELIVERED, None),
        (postfix("relayed", "2.0.0"), Outcome.DELIVERED, None),
        (EXIM.format(to=BACK), Outcome.FAILED, "5.1.1"),
        (QMAIL.format(to=BACK), Outcome.FAILED, "5.1.1"),
        (EXCHANGE.format(to=BACK, enclosed=ENCLOSED), Outcome.FAILED, "5.1.10"),
        (GLOBAL.format(to=BACK), Outcome.FAILED, "5.1.1"),
        (ARF.format(to=BACK, kind="abuse", enclosed=ENCLOSED), Outcome.COMPLAINT, None),
        (ARF.format(to=BACK, kind="Fraud", enclosed=ENCLOSED), Outcome.COMPLAINT, None),
    ],
)
def test_reports_of_many_systems_are_read(text: str, outcome: Outcome, status: str | None):
    assert parse(text) == Report(ROW, outcome, status)


def test_of_an_aliass_recipients_one_who_got_it_is_enough():
    groups = "Final-Recipient: rfc822; a@b.example\nAction: {}\nStatus: 5.1.1\n\n"
    both = postfix("failed", "5.1.1").replace(
        "\n\n--B\nContent-Type: text/rfc822", "\n\n" + groups.format("delivered") + "\n--B\nContent-Type: text/rfc822"
    )

    assert parse(both) == Report(ROW, Outcome.DELIVERED, None)


@pytest.mark.parametrize(
    "text",
    [
        HOLIDAY.format(to=BACK, field="Auto-Submitted: auto-replied (vacation)"),
        HOLIDAY.format(to=BACK, field="Precedence: auto_reply"),
        HOLIDAY.format(to=BACK, field="X-Autoreply: yes"),
        ARF.format(to=BACK, kind="not-spam", enclosed=ENCLOSED),
        ARF.format(to=BACK, kind="auth-failure", enclosed=ENCLOSED),
        postfix("failed", "5.1.1").replace("delivery-status", "disposition-notification"),
        postfix("", "5.1.1"),
        EXIM.format(to=BACK).replace("failed: returning", "delayed: still holding"),
        f"From: Ana <ana@example.com>\nTo: {BACK}\nSubject: delivery failed\n\n550 5.1.1 says a person\n",
        f"From: Mailer-Daemon <a@b.example>\nTo: {BACK}\nSubject: Your weekly figures\n\n5.1.1\n",
        "",
    ],
)
def test_holiday_replies_receipts_and_whatever_people_write_are_no_reports(text: str):
    assert parse(text) is None
    assert parse(text, sender="ana@example.com") is None


def test_without_a_mail_systems_name_the_empty_sender_of_its_envelope_tells_a_bounce():
    text = f"Return-Path: {{}}\nFrom: relay@relay.example\nTo: {BACK}\nSubject: delivery failed\n\n550 5.1.1 unknown\n"

    assert parse(text.format("<>")) == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(text.format("<ana@example.com>")) is None
    assert parse(text.format("<ana@example.com>"), sender="") == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(text.format("<>"), sender="ana@example.com") is None


def test_an_exim_bounce_is_known_by_its_field_whoever_it_is_from_and_whatever_its_subject():
    text = EXIM.format(to=BACK).replace("Return-path: <>\n", "")
    text = text.replace("Mail Delivery System <Mailer-Daemon@relay.example>", "the relay <relay@relay.example>")
    text = text.replace("Mail delivery failed: returning message to sender", "About your mail")

    assert parse(text) == Report(ROW, Outcome.FAILED, "5.1.1")


def test_a_qmail_bounce_is_known_by_its_words_whatever_its_subject():
    text = QMAIL.format(to=BACK).replace("failure notice", "about your mail")

    assert parse(text) == Report(ROW, Outcome.FAILED, "5.1.1")


def test_the_envelopes_recipient_alone_says_which_mail_a_report_is_about():
    text = postfix("failed", "5.1.1", enclosed="Subject: Look\n").replace(LOCAL, "x")

    assert parse(text) == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(text, to="") is None


def test_a_version_in_the_enclosed_mail_is_not_taken_for_the_status():
    text = EXIM.format(to=BACK).replace("550 5.1.1 <ana", "550 <ana")

    assert parse(text) == Report(ROW, Outcome.FAILED, UNSPECIFIC)


def test_without_the_envelope_the_mail_is_known_by_what_it_carries_back():
    assert parse(postfix("failed", "5.1.1"), to="") == Report(ROW, Outcome.FAILED, "5.1.1")
    complaint = ARF.format(to="fbl@provider.example", kind="abuse", enclosed=ENCLOSED.partition("\n")[2])
    assert LOCAL not in complaint
    assert parse(complaint, to="complaints@mail.example") == Report(ROW, Outcome.COMPLAINT)


@pytest.mark.parametrize(
    "forged",
    [
        LOCAL[:-1] + ("a" if LOCAL[-1] != "a" else "b"),
        LOCAL.replace("b+7-", "b+8-"),
        write_return_key(b"another key", ROW),
        "ana", "", "b+7",
    ],
)  # fmt: skip
def test_a_forged_or_altered_return_path_is_about_nothing(forged: str):
    bare = ENCLOSED.replace(LOCAL, forged).replace(LINK, "https://shop.example/unsubscribe/" + "A" * 54)
    text = postfix("failed", "5.1.1", enclosed=bare).replace(LOCAL, forged)

    assert parse(text, to=f"{forged}@mail.example") is None
    assert parse(text, to="") is None


def test_mail_systems_may_change_the_case_of_a_return_path():
    assert parse(postfix("failed", "5.1.1").replace(LOCAL, "x"), to=BACK.upper()) == Report(
        ROW, Outcome.FAILED, "5.1.1"
    )


def test_a_message_id_alone_is_not_believed():
    known = ENCLOSED.replace(f"Return-Path: <{BACK}>\n", "").replace(f"List-Unsubscribe: <{LINK}>\n", "")
    text = postfix("failed", "5.1.1", enclosed=known).replace(BACK, "x@mail.example")

    assert parse(text, to="") is None


def test_a_line_that_almost_begins_an_enclosed_mail_is_read_in_time_that_grows_with_it():
    line = "-" * 500_000
    bounce = f"From: MAILER-DAEMON@relay.example\nTo: {BACK}\nSubject: failure notice\n\n{line}\n550 5.1.1 unknown\n"

    assert read(bounce.encode(), [BACK], KEYS) == Report(ROW, Outcome.FAILED, "5.1.1")


def test_what_is_too_long_or_has_too_many_parts_is_not_looked_into():
    text = postfix("failed", "5.1.1")

    assert read(text.encode() + b"x" * LARGEST, [BACK], KEYS) is None
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(MOST_PARTS - 1))
    assert parse(nested) is None


def test_parts_and_groups_are_counted_whether_or_not_they_say_what_they_are():
    assert parse(REPORT.format(groups=FAILED * 3, parts="--b\n\n" * 3)) == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(REPORT.format(groups=FAILED * MOST_PARTS, parts="")) is None
    assert parse(REPORT.format(groups=FAILED, parts="--b\n\n" * MOST_PARTS)) is None


def test_a_type_of_more_parameters_than_any_report_has_is_not_taken_apart():
    def typed(length: int) -> str:
        return REPORT.format(groups=FAILED, parts="").replace("report-type", f'x="{";" * length}"; report-type', 1)

    assert parse(typed(LONGEST_TYPE // 2)) == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(typed(LONGEST_TYPE)) is None


def test_what_a_report_encloses_is_not_looked_into_to_its_end():
    text = REPORT.format(groups=FAILED, parts="")
    begun, told = text[: text.index("--b\n")], text[text.index("--b\n") :]

    assert parse(text.replace("--b--", f"--b\n\n{FILLING}")) == Report(ROW, Outcome.FAILED, "5.1.1")
    assert parse(f"{begun}--b\n\n{FILLING}{told}") is None


def test_a_charset_that_is_no_name_makes_no_report_and_no_error():
    odd = "Content-Type: text/plain; charset*=utf-8''x\nno fíeld\nAction:"

    assert parse(postfix("failed", "5.1.1").replace("Action:", odd)) is None


@given(
    st.binary(max_size=3000),
    st.sampled_from(
        [postfix("failed", "5.1.1"), ARF.format(to=BACK, kind="abuse", enclosed=ENCLOSED), EXIM.format(to=BACK)]
    ),
    st.data(),
)
@example(b"\xff\x00=?", postfix("failed", "5.1.1"), None)
def test_any_bytes_are_a_report_or_none_and_never_an_error(noise: bytes, text: str, data: st.DataObject | None):
    raw = text.encode()
    cut = data.draw(st.integers(0, len(raw))) if data else len(raw) // 2
    to = data.draw(st.integers(cut, len(raw))) if data else len(raw)
    found = read(raw[:cut] + noise + raw[to:], [BACK], KEYS)

    assert found is None or found.about == ROW
    assert read(noise, [BACK], KEYS) is None or b":" in noise
    assert read(noise, [], KEYS) is None
