"""Links and e-mail addresses in a text, also disguised ones: URLs, bare domains, punycode, "shop dot com"."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LATIN = "a-z0-9\u00c0-\u024f\u1e00-\u1eff"
"""The letters and digits of a Latin domain, as the inside of a character class."""

CONTEXT = 40
"""How many characters before a match are looked at for what it is."""

_LABEL = rf"[{LATIN}](?:[{LATIN}-]{{0,61}}[{LATIN}])?"
_NOT_INSIDE = rf"(?<![{LATIN}@_.-])"

STRONG = "com|net|org|info|biz|xyz|shop|store|online|site|app"
"""Endings that are hardly ever the beginning of a sentence."""

# Generic endings that are used widely and begin no sentence; all others need more than a dot.
_GENERIC = _set(f"{STRONG}|ai|asia|blog|dev|edu|gov|icu|io|mil|mobi|website|xyz".replace("|", " "))

# Countries' endings that are also words or units: "price.in stock", "differ.be nice", "max.kg".
_WORDS = _set(
    "ac ad ae ag al am an ao ar as ba be bo by cl cm di do et fm ga gg gi gl gp gs hm il im in is it je "
    "kg ki km la li lo ma me mg ml mm mn mo mr ms mu my na ne ng ni no nr nu om pa pe pm pn ps pw qa re "
    "sc se sh si sl sm sn so sr st su ta td tf tg tl tm tn to tv us va vi vu ws yt"
)

_SECOND_LEVEL = _set("ac co com edu go gob gov in ltd me mil ne net nom or org plc web")
"""Labels under which countries register names, as in co.uk, com.br, in.th."""

_ABBREVIATIONS = _set(
    "approx art bzgl ca co dll dr dsb etc ex ggf ie incl inkl max min mr mrs ms nr no par pcs resp st tel usw vol vs"
)

_EVIDENCE = re.compile(
    r"(?:\b(?:at|on|visit|via|from|see|to|site|website|web|url|domain|shop|store|click|order|join|open|browse"
    r"|di|ke|cek|klik|kunjungi|situs|laman|layari|pumunta|bisitahin|sa|tại|vào|ghé|truy cập|trang|xem"
    r"|en|visita|entra|busca|web|em|acesse|sur|visitez|site|auf|bei|unter|besuche?|на|сайт)\s*:?\s*|[:→➡👉📍(]\s*)$",
    re.IGNORECASE,
)

_SCHEME = re.compile(
    rf"(?<![{LATIN}])(?:[a-z][a-z0-9+.-]{{1,15}}:\s?/\s?/\s*|(?:https?|hxxps?)\s?:\s?/?\s?)(?:[!-;=?-~]+|[^\s<>]+)",
    re.IGNORECASE,
)
_WWW = re.compile(rf"(?<![{LATIN}])www\d?\s?[.。]\s?[{LATIN}.-]*[{LATIN}](?:/[^\s<>]*)?", re.IGNORECASE)
_PUNYCODE = re.compile(
    r"(?<![a-z0-9.-])(?:[a-z0-9.-]{0,200}[.-])?xn--[a-z0-9-]+(?:\.[a-z0-9-]+)*(?:/[^\s<>]*)?", re.IGNORECASE
)
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])(?:[:/][^\s<>]*)?")
MOST_ROUND_DOTS = 8
"""Labels of a domain among which `。` is looked for. It ends sentences too, so a domain may begin behind each one: whatever
has more of them is found from a later one on, and of a text of nothing else no more is read each time."""

_VERSION = re.compile(r"(?:version|ver|firmware|release|v)\.?\s*$", re.IGNORECASE)
_DOMAIN = re.compile(
    rf"{_NOT_INSIDE}((?:{_LABEL}\.)*(?:{_LABEL}[.。]){{1,{MOST_ROUND_DOTS}}})([a-z]{{2,24}})(?![{LATIN}]|-[{LATIN}]|[.@][{LATIN}])(\:\d{{2,5}})?([/?#][{LATIN}][^\s<>]*)?",
    re.IGNORECASE,
)
# In capitals "SHOP" and the like begin sentences more often than they end an address.
_SPACED = re.compile(
    rf"(?i:{_NOT_INSIDE}{_LABEL}(?:[.]{_LABEL})*)\s+\.\s?(?:{STRONG}|COM|NET|ORG)(?![A-Z{LATIN}])",
)
_BRACKETED = re.compile(
    rf"{_NOT_INSIDE}({_LABEL}\s?[\[({{<]\s?(?:\.|dot|punto|ponto|point|punkt|titik|chấm|noktası|точка)\s?[\])}}>]\s?){{1,4}}[a-z]{{2,24}}(?![{LATIN}])",
    re.IGNORECASE,
)
_SPOKEN_END = (
    rf"(?:\s+dot\s+(?:{STRONG}|io|co|[a-z]{{2}}(?<!am|an|as|at|be|by|do|go|he|if|in|is|it|me|my|no|of|on|or|so|to|up|us|we))"
    r"|\s+punto\s+(?:com|net|org|mx|es|ar|cl|pe)|\s+ponto\s+(?:com|net|org|br)|\s+point\s+(?:com|net|org|fr)"
    r"|\s+punkt\s+(?:com|net|org|de|at|ch)|\s+titik\s+(?:com|net|id|co)|\s+chấm\s+(?:com|net|vn)"
    rf"|\s+точка\s+(?:ру|ком|рф))(?![{LATIN}])"
)
_SPELLED_DOTS = re.compile(rf"{_NOT_INSIDE}({_LABEL}){_SPOKEN_END}", re.IGNORECASE)
# Dots that stand in the middle of the line, and those that are said in East Asian languages.
_MIDDLE_DOT = re.compile(
    rf"{_NOT_INSIDE}(?=[\d-]{{0,9}}[a-z]){_LABEL}[·•∙⋅‧⸱](?:com|net|org)(?![{LATIN}])", re.IGNORECASE
)
_EAST_ASIAN_DOT = re.compile(
    rf"(?<![{LATIN}])(?=[\d-]{{0,9}}[a-z]){_LABEL}\s?(?:[点點]|닷|ドット)\s?(?:{STRONG}|cn|tw|hk|jp|kr|cc|io|컴|넷|コム|ネット)(?![{LATIN}])"
    r"|[^\W_]{1,20}(?:닷[컴넷]|ドット(?:コム|ネット))",
    re.IGNORECASE,
)
_NO_LABEL = _set(
    "a an the this that our my your of and or el la los las un una le les der die das ein eine o um uma en em"
)

_LOCAL = rf"(?<![{LATIN}._%+'-])[{LATIN}][{LATIN}._%+'-]{{0,63}}+"
_EMAIL = re.compile(rf"(?:(?<![{LATIN}])mailto:)?{_LOCAL}@(?:{_LABEL}\.)+[a-z]{{2,24}}(?![{LATIN}])", re.IGNORECASE)
_SPACED_EMAIL = re.compile(
    rf"{_LOCAL}\s?@\s?{_LABEL}(?:\s?\.\s?{_LABEL})*\s?\.\s?(?:{STRONG})(?![{LATIN}])", re.IGNORECASE
)
_AT_SIGN = r"\s?[\[({<]\s?(?:at|arroba|ät|@|et)\s?[\])}>]\s?"
_AT = rf"(?:{_AT_SIGN}|\s+(?:at|arroba|chez)\s+)"
_DOT_SIGN = r"\s?[\[({<]\s?(?:\.|dot|punto|ponto|point|punkt)\s?[\])}>]\s?"
_SPELLED_EMAIL = re.compile(
    rf"({_LOCAL})(?:{_AT}{_LABEL}(?:\.{_LABEL})*(?:{_SPOKEN_END}|{_DOT_SIGN}[a-z]{{2,24}})"
    rf"|{_AT_SIGN}(?:{_LABEL}\.)+[a-z]{{2,24}})(?![{LATIN}])",
    re.IGNORECASE,
)
_NO_MAILBOX = _set("us me them it is are shop store online order buy look search here now available live deals again")

_AT_WORD = re.compile(r"@|[\s(\[{<](?:at|arroba|ät|chez|et)[\s)\]}>]", re.IGNORECASE)
_DOT_WORD = re.compile(
    r"[.。:·•∙⋅‧⸱点點닷]|xn--|dot|punto|ponto|point|punkt|titik|chấm|точка|noktası|ドット", re.IGNORECASE
)

Span = tuple[int, int]


@cache
def endings() -> frozenset[str]:
    """Every top-level domain of the root zone, in lower case and its own script (IANA's list)."""
    listed = (Path(__file__).parent / "top_level_domains.txt").read_text(encoding="utf-8")
    return frozenset(listed.split())


@cache
def _other_script() -> re.Pattern[str]:
    """Domains whose name or ending is in another script than Latin."""
    foreign = sorted(_in_either_case(ending for ending in endings() if not ending.isascii()), key=len, reverse=True)
    spaced = "|".join(re.escape(ending) for ending in foreign if ending[0] < "\u0e00")
    unspaced = "|".join(re.escape(ending) for ending in foreign if ending[0] >= "\u0e00")
    label = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
    usual = (e for e in endings() if e in _GENERIC or (e.isascii() and len(e) == 2 and e not in _WORDS))
    latin = "|".join(_in_either_case(usual))
    return re.compile(
        rf"(?<![\w@.-]){label}\.(?:(?:{spaced})(?!\w)|(?:{unspaced})|(?<=[^\x00-\u024f]\.)(?:{latin})(?![A-Z{LATIN}]))(?:/[^\s<>]*)?"
    )


def _in_either_case(words: Iterable[str]) -> set[str]:
    """The words in small letters and in capitals: with a capital at its beginning a word begins a sentence."""
    return {form for word in words for form in (word, word.upper())}


def emails(text: str) -> Iterator[Span]:
    """Where e-mail addresses stand, plain or spelled out."""
    if not _AT_WORD.search(text):
        return
    for pattern in (_EMAIL, _SPACED_EMAIL):
        yield from (found.span() for found in pattern.finditer(text))
    for found in _SPELLED_EMAIL.finditer(text):
        if found[1].lower() not in _NO_MAILBOX:
            yield found.span()


def links(text: str) -> Iterator[Span]:
    """Where links and domains stand."""
    if not _DOT_WORD.search(text):
        return
    for pattern in (_SCHEME, _WWW, _PUNYCODE, _SPACED, _MIDDLE_DOT, _EAST_ASIAN_DOT, _other_script()):
        yield from (found.span() for found in pattern.finditer(text))
    for found in _IP.finditer(text):
        octets = re.findall(r"\d+", found.group())[:4]
        if all(map(_is_octet, octets)) and not _VERSION.search(text[max(found.start() - CONTEXT, 0) : found.start()]):
            yield found.span()
    for found in _DOMAIN.finditer(text):
        if _is_domain(found, text):
            yield found.span()
    for found in (*_BRACKETED.finditer(text), *_SPELLED_DOTS.finditer(text)):
        if found[1].lower() not in _NO_LABEL:
            yield found.span()


def _is_octet(digits: str) -> bool:
    """Whether an address has it between its dots; the noughts of a price in thousands (1.000.000.000) it never has."""
    return int(digits) <= 255 and str(int(digits)) == digits


def _is_domain(found: re.Match[str], text: str) -> bool:
    """Whether `label.ending` is an address and not a sentence that begins without its space."""
    ending = found[2].lower()
    if ending not in endings():
        return False
    if found[4] or found[3]:
        return True
    labels = [label for label in re.split(r"[.。]", found[1]) if label]
    title = found[2] not in {ending, ending.upper()}
    if (
        title
        or (len(labels) == 1 and labels[0].lower() in _ABBREVIATIONS)
        or not any(character.isalpha() for character in "".join(labels))
    ):
        return ending == "com" and not title
    if ending in STRONG.split("|"):
        return True
    if max(map(len, labels)) < 2:
        return False
    usual = ending in _GENERIC or (len(ending) == 2 and ending not in _WORDS)
    return (
        usual
        or labels[-1].lower() in _SECOND_LEVEL
        or _EVIDENCE.search(text[max(found.start() - CONTEXT, 0) : found.start()]) is not None
    )
