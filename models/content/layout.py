"""The one email layout: a text as a person would write it, and responsive HTML (MJML) that says the same.

Both are ICU patterns, so that they are filled like any other text. In the HTML everything that people
wrote goes in by placeholder after the layout is compiled: nothing they write is ever read as MJML.
"""

import html
import re
from dataclasses import dataclass

import mrml

from models.content.binding import bind
from models.content.form import escape, isolated
from models.content.pattern import Message, merge, pattern_of, quote
from models.content.pattern_reader import parse
from models.language import direction
from models.words import EmailWords, email_words

UNSUBSCRIBE = "{unsubscribeUrl}"
"""The pattern of the link that unsubscribes."""

FONTS = "-apple-system, BlinkMacSystemFont, Segoe UI, Helvetica, Arial, sans-serif"

STYLE = """
:root { color-scheme: light dark; }
.picture a { color: #57606a; text-decoration: none; }
@media (prefers-color-scheme: dark) {
  body, .page, .page > table, .page td { background-color: #0d1117 !important; }
  .card, .card > table, .card td { background-color: #161b22 !important; }
  .card div, .card p, .card a.title { color: #e6edf3 !important; }
  .page .quiet, .page .quiet div, .card .quiet, .card .picture a { color: #9da7b3 !important; }
  .action td, .action a { background-color: #4493f8 !important; color: #0d1117 !important; }
}
"""
"""Colours for dark mode, where the mail client honours them; others turn the light ones by themselves."""

PARAGRAPH = '<p style="margin:0 0 14px">'
PARAGRAPH_END = f"</p>{PARAGRAPH}"
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product shown in the email; `price` is written out, `url` is a pattern such as "{link}p1"."""

    title: str
    url: str
    price: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """What the reader is asked to do, and the pattern of where that leads."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a plan's text in an email: the shop, its address, image, products (0–4) and the button."""

    shop: str
    products: tuple[ProductCard, ...] = ()
    button: Button | None = None
    postal_address: str | None = None
    image_url: str | None = None
    """Address of the image above the text."""
    pixel: str | None = None
    """Pattern of the address of an image of one pixel, by which an open is noticed."""


def text_pattern(text: str, frame: Frame, *, language: str) -> str:
    """The plain-text part: the text, the products and the button with their addresses, and the way out."""
    words = email_words(language)
    blocks = [text]
    blocks += [_product_lines(product, language) for product in frame.products]
    if frame.button:
        blocks.append(f"{quote(frame.button.label)}: {frame.button.url}")
    footer = ["-- ", _said(words.why, words, frame), f"{_said(words.unsubscribe, words, frame)}: {UNSUBSCRIBE}"]
    if frame.postal_address:
        footer.append(quote(frame.postal_address))
    return "\n\n".join([*blocks, "\n".join(footer)]) + "\n"


def _product_lines(product: ProductCard, language: str) -> str:
    title = f"* {isolated({'product': product.title}, language)['product']}" + (
        f" ({product.price})" if product.price else ""
    )
    return f"{quote(title)}\n  {product.url}"


def _said(pattern: str, words: EmailWords, frame: Frame) -> str:
    return pattern_of(bind(parse(pattern), words.language, isolated({"shop": frame.shop}, words.language)))


def html_pattern(text: str, frame: Frame, *, language: str, subject: str, preheader: str | None) -> str:
    """The HTML part, right to left where the language runs so."""
    slots = _Slots()
    mjml = _mjml(text, frame, slots, language=language, subject=subject, preheader=preheader)
    compiled = mrml.to_html(mjml).content
    return slots.fill(compiled) + "\n"


def _mjml(text: str, frame: Frame, slots: "_Slots", *, language: str, subject: str, preheader: str | None) -> str:
    """The layout's MJML, with placeholders for everything that people wrote."""
    way = direction(language)
    side = "right" if way == "rtl" else "left"
    preview = f"<mj-preview>{slots.words(preheader)}</mj-preview>" if preheader else ""
    return f"""
<mjml lang="{language}" dir="{way}">
<mj-head>
<mj-title>{slots.words(subject)}</mj-title>{preview}
<mj-raw><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></mj-raw>
<mj-attributes>
<mj-all font-family="{FONTS}"/>
<mj-section padding="0" direction="{way}" background-color="#ffffff" css-class="card"/>
<mj-text align="{side}" color="#1f2328" font-size="16px" line-height="1.5" padding="8px 24px"/>
</mj-attributes>
<mj-style>{STYLE}</mj-style>
</mj-head>
<mj-body background-color="#f3f4f6" css-class="page">
<mj-section background-color="#f3f4f6" css-class="page" padding="8px 0"><mj-column></mj-column></mj-section>
<mj-section padding="24px 0 16px"><mj-column>
<mj-text font-size="18px" font-weight="700"><span dir="auto">{slots.plain(frame.shop)}</span></mj-text>
{_image(frame.image_url, slots) if frame.image_url else ""}
<mj-text><div dir="{way}">{slots.add(_paragraphs(text))}</div></mj-text>
</mj-column></mj-section>
{_products(frame.products, slots, way)}
{_button(frame.button, slots) if frame.button else ""}
{_footer(frame, slots, language)}
{_pixel(frame.pixel, slots) if frame.pixel else ""}
</mj-body>
</mjml>"""


def _image(url: str, slots: "_Slots") -> str:
    """The plan's image, as wide as the text. It says nothing to those who do not see it: the text says all (R13)."""
    return f'<mj-image src="{slots.plain(url)}" alt="" border-radius="8px" padding="8px 24px"/>'


def _paragraphs(text: str) -> str:
    """A text pattern as HTML paragraphs: blank lines end one, single line ends are `<br>`."""
    message = merge(
        _PARAGRAPH.sub(PARAGRAPH_END, html.escape(part)).replace("\n", "<br>") if isinstance(part, str) else part
        for part in parse(text)
    )
    return f"{PARAGRAPH}{pattern_of(message)}</p>"


def _products(products: tuple[ProductCard, ...], slots: "_Slots", way: str) -> str:
    """The products two by two, also on a phone; a single one has the row for itself."""
    columns = [_product(product, slots) for product in products]
    if len(columns) == 1:
        return f'<mj-section padding="0 8px 8px">{columns[0]}</mj-section>'
    if len(columns) % 2:
        columns.append("<mj-column></mj-column>")
    rows = (columns[index] + columns[index + 1] for index in range(0, len(columns), 2))
    return "".join(
        f'<mj-section padding="0 8px 8px"><mj-group direction="{way}">{row}</mj-group></mj-section>' for row in rows
    )


def _product(product: ProductCard, slots: "_Slots") -> str:
    """One product: its picture, and title and price as one link."""
    href = slots.add(product.url)
    title = f'<b dir="auto">{slots.plain(product.title)}</b>'
    if product.price:
        title += f'<br><span class="quiet" dir="auto" style="color:#57606a">{slots.plain(product.price)}</span>'
    picture = _product_image(product.image_url, product.title, href, slots) if product.image_url else ""
    return (
        f"<mj-column>{picture}"
        f'<mj-text padding="4px 16px 12px"><a href="{href}" class="title" style="color:#1f2328;text-decoration:none">'
        f"{title}</a></mj-text></mj-column>"
    )


def _product_image(url: str, title: str, href: str, slots: "_Slots") -> str:
    """The product's picture. It is a link, so it has a name: without one a screen reader reads the address out."""
    return (
        f'<mj-image src="{slots.plain(url)}" alt="{slots.plain(title)}" href="{href}"'
        ' css-class="picture" border-radius="8px" padding="8px 16px"/>'
    )


def _button(button: Button, slots: "_Slots") -> str:
    return (
        '<mj-section padding="8px 0 24px"><mj-column><mj-button css-class="action" background-color="#0a5dc2"'
        ' color="#ffffff" font-size="16px" font-weight="700" border-radius="8px" inner-padding="14px 28px"'
        f' href="{slots.add(button.url)}">{slots.plain(button.label)}</mj-button></mj-column></mj-section>'
    )


def _footer(frame: Frame, slots: "_Slots", language: str) -> str:
    """Why the reader gets this, the way out, and the postal address."""
    words = email_words(language)
    way = direction(words.language)
    why, leave = (slots.words(_said(pattern, words, frame)) for pattern in (words.why, words.unsubscribe))
    lines = (frame.postal_address or "").splitlines()
    address = "".join(f'<br><span dir="auto">{slots.plain(line)}</span>' for line in lines)
    link = f'<a href="{slots.add(UNSUBSCRIBE)}" class="quiet" style="color:#57606a">{leave}</a>'
    return (
        '<mj-section background-color="#f3f4f6" css-class="page" padding="8px 0 24px"><mj-column>'
        '<mj-text align="center" font-size="13px" color="#57606a" css-class="quiet">'
        f'<div dir="{way}" lang="{words.language}">{why}<br>{link}{address}</div></mj-text></mj-column></mj-section>'
    )


def _pixel(url: str, slots: "_Slots") -> str:
    return f'<mj-raw><img src="{slots.add(url)}" alt="" width="1" height="1" style="display:block;border:0" /></mj-raw>'


class _Slots:
    """Placeholders in the layout and the patterns that take their place once it is compiled."""

    def __init__(self) -> None:
        self.patterns: list[str] = []

    def add(self, pattern: str) -> str:
        """A placeholder for an HTML pattern."""
        self.patterns.append(pattern)
        return f"%%{len(self.patterns) - 1}%%"

    def words(self, pattern: str) -> str:
        """A placeholder for the words of a text pattern."""
        return self.add(pattern_of(markup(parse(pattern))))

    def plain(self, text: str) -> str:
        """A placeholder for plain text."""
        return self.words(quote(text))

    def fill(self, compiled: str) -> str:
        """The compiled layout as a pattern, with every placeholder replaced."""
        parts = re.split(r"%%(\d+)%%", compiled)
        return "".join(self.patterns[int(part)] if index % 2 else quote(part) for index, part in enumerate(parts))


def markup(message: Message) -> Message:
    """A text message as HTML: its words escaped, its line ends `<br>`. What is filled in is escaped then."""
    return merge(escape(part) if isinstance(part, str) else part for part in message)
