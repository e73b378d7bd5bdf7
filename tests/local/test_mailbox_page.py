"""The mailbox's pages show what came, and let nothing of it act."""

from email.message import EmailMessage

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from local.mailbox import Mailbox
from local.mailbox_page import mailbox_routes

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


@pytest.fixture
def box(tmp_path):
    return Mailbox(tmp_path)


@pytest.fixture
async def browser(tmp_path):
    app = Starlette(routes=mailbox_routes(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


def keep(box: Mailbox, subject: str = "Hello", text: str = "Hi", html: str | None = None, to: str = "ana@b.c") -> int:
    """Keep one message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return box.keep("bounce@example.com", [to], message.as_bytes())


async def test_an_empty_mailbox_says_so(browser: httpx.AsyncClient):
    page = await browser.get("/mailbox")

    assert page.status_code == 200
    assert "No messages here." in page.text


async def test_the_list_leads_to_each_message(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, "Grüße", "Hallo Ana", "<p>Hallo <b>Ana</b></p>")

    listed = (await browser.get("/mailbox")).text
    assert f'href="/mailbox/{number}"' in listed and "Received, UTC" in listed
    page = (await browser.get(f"/mailbox/{number}")).text
    assert "Grüße" in page
    assert "Hallo Ana" in page
    assert f'src="/mailbox/{number}/html"' in page
    assert '<iframe title="The message as its reader sees it" ' in page


async def test_no_part_of_a_message_becomes_markup_of_our_pages(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, EVIL, EVIL, EVIL)

    for path in ("/mailbox", f"/mailbox/{number}"):
        page = (await browser.get(path)).text
        assert "<script" not in page
        assert "<img" not in page


async def test_a_search_term_is_shown_as_text(browser: httpx.AsyncClient):
    page = (await browser.get("/mailbox", params={"to": EVIL})).text

    assert "<script" not in page


async def test_our_pages_run_no_script_and_the_mail_is_in_a_sandbox(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, html=EVIL)

    ours = (await browser.get(f"/mailbox/{number}")).headers["content-security-policy"]
    theirs = (await browser.get(f"/mailbox/{number}/html")).headers["content-security-policy"]
    assert ours.startswith("default-src 'none'")
    assert "script-src" not in ours
    assert theirs.startswith("sandbox ")
    assert "allow-scripts" not in theirs
    assert "default-src 'none'" in theirs


async def test_right_to_left_text_keeps_its_direction(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, "مرحبا", "أهلا بك")

    page = (await browser.get(f"/mailbox/{number}")).text
    assert '<h1 dir="auto">مرحبا</h1>' in page
    assert '<pre dir="auto">أهلا بك' in page


async def test_links_of_a_mail_open_in_a_new_tab(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, html="<html><head><title>x</title></head><body></body></html>")

    assert '<head><base target="_blank"><title>' in (await browser.get(f"/mailbox/{number}/html")).text


async def test_a_long_list_goes_on_where_it_stopped(browser: httpx.AsyncClient, box: Mailbox):
    for number in range(53):
        keep(box, to=f"c{number}@example.com")

    first, second = await browser.get("/mailbox"), await browser.get("/mailbox", params={"before": 4})

    assert "before=4" in first.text
    assert first.text.count('class="soft">20') == 50
    assert second.text.count('class="soft">20') == 3
    assert "Older" not in second.text


async def test_a_search_shows_only_that_recipient(browser: httpx.AsyncClient, box: Mailbox):
    keep(box, "For Ana", to="ana@example.com")
    keep(box, "For Bo", to="bo@example.com")

    page = (await browser.get("/mailbox", params={"to": "ANA@"})).text

    assert "For Ana" in page
    assert "For Bo" not in page


async def test_the_source_is_plain_text(browser: httpx.AsyncClient, box: Mailbox):
    number = keep(box, EVIL)

    answer = await browser.get(f"/mailbox/{number}/source")

    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["1", "999999999999999999999", "1/html", "1/source"])
async def test_a_number_without_a_message_is_not_found(browser: httpx.AsyncClient, path: str):
    assert (await browser.get(f"/mailbox/{path}")).status_code == 404


@pytest.mark.parametrize("before", ["x", "-1", "1" * 5000, "²"])
async def test_a_made_up_page_shows_the_newest(browser: httpx.AsyncClient, box: Mailbox, before: str):
    keep(box)

    assert "Hello" in (await browser.get("/mailbox", params={"before": before})).text


@pytest.mark.parametrize(
    "content", [b"", b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe", b"\0\r\n\r\n\xff"]
)
async def test_a_malformed_message_can_be_looked_at(browser: httpx.AsyncClient, box: Mailbox, content: bytes):
    number = box.keep("a@b.c", ["d@e.f"], content)

    assert (await browser.get(f"/mailbox/{number}")).status_code == 200


HEADS = st.sampled_from(
    [
        b"Subject: ",
        b"From: ",
        b"To: ",
        b"Message-ID: ",
        b"Content-Type: ",
        b"Content-Transfer-Encoding: base64",
        b"Date: ",
    ]
)
TAILS = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [b"=?utf-8?b?!!?=", b"<a@[", b"text/html; charset=\x00", b"multipart/mixed; boundary=x", b"a@b,;<"]
    ),
)


@given(lines=st.lists(st.tuples(HEADS, TAILS), max_size=4), body=st.binary(max_size=40))
async def test_whatever_was_sent_can_be_looked_at(tmp_path_factory, lines, body):
    folder = tmp_path_factory.mktemp("fuzz")
    content = b"".join(head + tail + b"\r\n" for head, tail in lines) + b"\r\n" + body
    Mailbox(folder).keep("a@b.c", ["d@e.f"], content)

    app = Starlette(routes=mailbox_routes(folder))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as browser:
        answers = [(await browser.get(path)).status_code for path in ("/mailbox", "/mailbox/1", "/mailbox/1/html")]

    assert answers[:2] == [200, 200]
    assert answers[2] in {200, 404}
