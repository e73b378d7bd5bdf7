"""Phone numbers in a text: as people write them in many countries, and not prices, dates, sizes or order numbers."""

import re
from collections.abc import Iterator
from itertools import pairwise

from models.content_rule.link import CONTEXT

Span = tuple[int, int]

_CANDIDATE = re.compile(
    r"(?<![A-Za-z0-9#_/-])(?<!\d[.,:])(?:\+\s?)?[(]?\d(?:[ \u00a0.()‐‑–-]{0,2}\d){5,17}(?![A-Za-z0-9])"
)
_SLASHED = re.compile(r"(?<![\d/.,])0\d{2,4}\s?/\s?\d{5,8}(?![\d/])")
# As written within a country, whatever other numbers stand beside it; thousands are never grouped so.
_NATIONAL = re.compile(
    r"(?<![^\s(])\(?0[1-9](?:\d{0,3}\)?([ .-])\d{3,4}\1\d{4}|\d\d\)?([ .-])\d{3}\2\d{3})(?!\d|[.,-]\d)"
)
_GLUED = re.compile(r"(?<!\d)0\d{9,13}(?!\d)")
_SPACED_HYPHENS = re.compile(
    r"(?<![A-Za-z0-9.,:-])(?:\+\s?[1-9]\d*|0\d{1,4})(?: [‐‑–—-] ?\d{2,8}){1,4}(?![A-Za-z0-9.,:]\d)"
)
_SHORT_CODE = re.compile(
    r"\b(?:te?xt(?:ing)?|sms|ketik|soạn|nhắn|envi[aáe]|mand[ae]|envoyez|sende|hantar|พิมพ์|ส่ง)\b[^.!?\n]{0,40}"
    r"\s(?:to|ke|gửi|đến|al|a|para|au|an|kepada|sa|ที่|ไปที่)\s(?:no\.?:?\s)?(?P<code>\d{4,6})(?![\d%])",
    re.IGNORECASE,
)
_SPELLED_ZERO = re.compile(r"(?<![A-Za-z])[Oo](?=\d[\d .-]{5})|(?<=\d)[Oo](?![A-Za-z])")
# What stands between digits instead of a hyphen, by a Japanese keyboard or on purpose; ranges (100~200) begin otherwise.
_ODD_HYPHEN = re.compile(r"[―—−ー〜~_*·•∙⋅]")
_ODDLY_HYPHENED = re.compile(rf"(?<![A-Za-z0-9.,])(?:\+\s?\d|\(?0)\d*\)?(?:{_ODD_HYPHEN.pattern}\d{{2,}})+")

_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:20)?\d\d|20\d\d([./-])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01]))"
    r"(?![.\d/-])"
)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:20)?\d\d"
_TO = r"\s?[‐‑–-]\s?"
# From one day to another, of which the first may leave out what both have: 01.12.-31.12.2026, 2026.12.01-12.31.
_PERIOD = re.compile(
    rf"(?:{_DAY}\.(?:{_MONTH}(?:\.(?:{_YEAR})?)?)?{_TO}{_DAY}\.{_MONTH}\.(?:{_YEAR})?"
    rf"|20\d\d\.{_MONTH}\.{_DAY}\.?{_TO}{_MONTH}\.{_DAY})(?![.\d/-]*\d)"
)
_COMPACT_DATE = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
_YEARS = re.compile(r"(?:19|20)\d\d\s?[‐‑–-]\s?(?:19|20)\d\d")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ \u00a0.])\d{3})(?:\1\d{3})*(?:\.\d\d)?")
_DECIMAL = re.compile(r"\d+\.\d+")

_CALL = re.compile(
    r"(?:\b(?:call|phone|tel|telp|tlp|telepon|telefon|teléfono|telefone|fone|telephone|mobile|mob|cell|ring|dial|text|sms"
    r"|i-text|tumawag|tawag|hotline|freephone|whatsapp|wa|zalo|viber|hp|hub|hubungi|kontak|contact|nomor|nombor"
    r"|llama|llame|llámanos|llámenos|ligue|liga|appelez|tél|téléphone|ruf|rufen|anruf|anrufen|number"
    r"|gọi|sđt|đt|điện thoại|liên hệ|lh|tổng đài|звоните|звони|тел|телефон)\b"
    r"|โทร|เบอร์|ติดต่อ|電話|TEL|お問い合わせ|هاتف|جوال|اتصل|للطلب|واتساب|전화|电话|☎|📞|📱|☏)"
    r"[^\d\n.!?]{0,12}[.:]?[^\d\n.!?]{0,3}$",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?:\b(?:order|orders|invoice|sku|ean|isbn|upc|gtin|imei|serial|ref|reference|code|kode|pesanan|resi|pedido|commande"
    r"|bestellung|art|artikel|item|model|tracking|batch|lot|sn|mã|đơn|no|nr|num)\b|#|№|รหัส|品番|注文|訂單|订单|الطلب)"
    r"[^\w\n]{0,3}$",
    re.IGNORECASE,
)
# Words that stand before nothing but the number of a product, which may begin like that of a phone.
_CATALOGUE = re.compile(r"\b(?:ean|gtin|imei|isbn|upc)(?:-?\d\d)?[^\w\n]{0,3}$", re.IGNORECASE)
_CATALOGUED = re.compile(r"\d[\d-]*")
_MONEY_BEFORE = re.compile(
    r"(?:[$€£¥₫฿₱₩₹₽]|\b(?:Rp|RM|R\$|USD|EUR|IDR|VND|THB|PHP|SGD|MYR|SAR|AED))\.?\s?$", re.IGNORECASE
)
_MONEY_AFTER = re.compile(
    r"\s?(?:[$€£¥₫฿₱₩₹₽đ%]|(?:USD|EUR|VND|IDR|THB|baht|บาท|円|元|руб|dong|ريال)\b)", re.IGNORECASE
)

_NORTH_AMERICA = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}")
_BRAZIL = re.compile(r"\(?[1-9]\d\)? ?9?\d{4}-\d{4}")
_AREA = re.compile(r"\(\d{2,4}\)")
_COUNTRY = re.compile(
    r"(?:1|20|27|3[0-4]|36|39|4[0134689]|5[1-8]|6[0-6]|7|8[1246]|9[0-58]|966|971|852|855|856|880|886)"
)

_DIGIT_WORDS = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine",
    "nol|kosong|satu|dua|tiga|empat|lima|enam|tujuh|delapan|lapan|sembilan",
    "cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve",
    "zero|um|dois|três|quatro|cinco|seis|sete|oito|nove",
    "zéro|un|deux|trois|quatre|cinq|six|sept|huit|neuf",
    "null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun",
    "không|một|hai|ba|bốn|năm|sáu|bảy|tám|chín",
)
_SPELLED = [
    *(re.compile(rf"\b(?:{words})(?:[\s,.-]+(?:{words})){{6,}}\b", re.IGNORECASE) for words in _DIGIT_WORDS),
    re.compile(r"[零〇一二三四五六七八九幺](?:[\s,.、-]?[零〇一二三四五六七八九幺]){7,}"),
    re.compile(r"공\s?일\s?공(?:[\s,.-]{0,3}[공영일이삼사오육륙칠팔구]){7,8}"),
]


def phones(text: str) -> Iterator[Span]:
    """Where phone numbers stand."""
    digits = _ODDLY_HYPHENED.sub(lambda number: _ODD_HYPHEN.sub("-", number.group()), _SPELLED_ZERO.sub("0", text))
    for pattern in _SPELLED:
        yield from (found.span() for found in pattern.finditer(text))
    for pattern in (_SLASHED, _NATIONAL):
        yield from (found.span() for found in pattern.finditer(digits))
    for found in _GLUED.finditer(digits):
        if not _CATALOGUE.search(_before(digits, found.start())):
            yield found.span()
    for found in _SPACED_HYPHENS.finditer(digits):
        if 9 <= sum(character.isdigit() for character in found.group()) <= 13:
            yield found.span()
    yield from (found.span("code") for found in _SHORT_CODE.finditer(digits))
    for found in _undated(digits):
        number, after = found.group(), digits[found.end() : found.end() + CONTEXT]
        if _is_phone(number, _before(digits, found.start()), after):
            yield found.span()


def _undated(digits: str) -> Iterator[re.Match[str]]:
    """What may be a number to call; one that stands right behind a date is looked for on its own."""
    start = 0
    while found := _CANDIDATE.search(digits, start):
        if length := _date_length(found.group()):
            start = found.start() + length
        else:
            yield found
            start = found.end()


def _before(text: str, start: int) -> str:
    return text[max(start - CONTEXT, 0) : start]


def _date_length(number: str) -> int:
    """How much of the beginning is a date, or a span of days or years."""
    for pattern in (_PERIOD, _DATE, _COMPACT_DATE, _YEARS):
        found = pattern.match(number)
        if found:
            return found.end()
    return 0


def _is_phone(number: str, before: str, after: str) -> bool:
    count = sum(character.isdigit() for character in number)
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after) or _DECIMAL.fullmatch(number):
        return False
    if _CATALOGUED.fullmatch(number) and _CATALOGUE.search(before):
        return False
    if _CALL.search(before):
        return 6 <= count <= 15
    if number.startswith("+"):
        return 8 <= count <= 15 and not (count < 10 and _GROUPED.fullmatch(number[1:].strip()))
    if _GROUPED.fullmatch(number):
        return False
    return _has_form(number, count, before)


def _has_form(number: str, count: int, before: str) -> bool:
    """Whether the digits alone look like a phone number."""
    if number.startswith("00"):
        return 11 <= count <= 15
    if number.startswith(("0", "(0")):
        return 9 <= count <= 12
    if _NORTH_AMERICA.fullmatch(number) or _BRAZIL.fullmatch(number):
        return True
    if _AREA.search(number):
        return 9 <= count <= 13
    if number.isdigit():
        return (10 <= count <= 12 and not _CODE.search(before)) or (count == 13 and number.startswith(("62", "55")))
    return 11 <= count <= 13 and _COUNTRY.match(number) is not None and not _is_series(number)


def _is_series(number: str) -> bool:
    """Whether its parts rise by as much each time, as sizes do: 36-38-40-42-44-46."""
    parts = [int(part) for part in re.findall(r"\d+", number)]
    return len({later - earlier for earlier, later in pairwise(parts)}) == 1
