"""Other messengers in a text: their names with a handle or a number, or with a call to come there."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

# Names that mean nothing else.
_CLEAR = (
    r"(?:wh?[a4]ts?[\s-]?[a4]pp?|wh?atsap|wa?zz?app|telegram|wechat|we\schat|weixin|viber|zalo|kakao\s?talk|snap\s?chat"
    r"|instagram|facebook(?:\smessenger)?|discord|skype|imessage"
    r"|в[ао]тс[аэ]пп?|телеграмм?|телегу|вайбер|инстаграмм?"
    r"|(?:ال)?(?:واتس\s?[أا]ب|تيليجرام|تليجرام|تلغرام|تيليغرام|[إا]نست[غق]رام|سناب\s?شات|فيسبوك|ماسنجر)"
    r"|[微薇]信|(?<![a-z])v信|扣扣|微博|카카오톡|카톡|텔레그램|วอ[ทต]ส์?แอ[ปพ]|เทเลแกรม|อินสตาแกรม|เฟซบุ๊ก|เฟสบุ๊ค|テレグラム|インスタ(?:グラム)?)"
)
# Short forms and words that mean other things, too: they need a handle, a number or a call.
_SHORT = r"(?:wa|ig|fb|tg|insta|zap(?:zap)?|[vw]x|qq|line|signal|messenger|ไลน์|ライン|라인)"
_ANY = rf"(?:{_CLEAR}|{_SHORT})"
_START = r"(?<![a-z0-9_-])"
_END = r"(?![a-z0-9_-])"
_ID = r"(?:\s?(?:(?:id|user(?:name)?|account|akun|konto|kontakt|name|number|nomor|no\.?)(?![a-z])|ไอดี|アカウント|号|號|아이디))"
_HANDLE = r"[a-z0-9][a-z0-9._#-]{2,40}"
_NUMBER = r"\+?[(0-9][0-9() .-]{5,18}\d"

_CALL = r"(?:message|msg|text|dm|pm|chat|contact|write|reach|ping|find|follow|join|order|talk|call|add)"
_US = r"(?:us|me|our|kami|saya|chúng tôi|shop|nos|noi|conosco|nous|uns|нам|нас|معنا|ونا)"
_TO = r"(?:on|via|by|in|over|through|using|di|lewat|melalui|ke|qua|trên|bằng|sa|por|en|no|na|pelo|pela|par|sur|auf|über|per|в|через|عبر|على|ب)"
_ADD = r"(?<![参參增附追更])加\s?"

_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_START}{_ANY}{_END}{_ID}?\s?[:：=]?\s?@{_HANDLE}",
        rf"{_START}(?:{_CLEAR}|{_SHORT}(?:{_END}|(?=[^\x00-\x7f]))){_ID}\s?[:：=]?\s?@?{_HANDLE}",
        rf"{_START}{_CLEAR}{_ID}?\s?[:：=]\s?@?{_HANDLE}",
        rf"{_START}(?:wa|ig|fb|tg|[vw]x|qq|insta|zap)\s?[:：=]\s?{_HANDLE}",
        rf"{_START}line\s?[:：=]\s?(?=[a-z0-9._-]*[0-9_])[a-z0-9._-]{{3,40}}",
        rf"{_START}{_ANY}{_END}\s?[:：]?\s?{_NUMBER}",
        rf"{_START}add\s(?:us\son\s|me\son\s)?{_ANY}{_END}\s?[:：]?\s?@?{_HANDLE}",
        rf"{_START}add\s(?:us\son\s|our\s)?line{_END}",
        # Called there: "message us on WhatsApp", "chat kami di WA", "escríbenos por WhatsApp".
        rf"{_START}{_CALL}\b[^.!?\n]{{0,15}}\b{_US}\b[^.!?\n]{{0,15}}\b{_TO}\s(?:our\s)?{_ANY}{_END}",
        rf"{_START}(?:message|msg|dm|pm|chat|contact|inbox|ib|order)\s(?:{_TO}\s)?{_CLEAR}{_END}",
        rf"{_START}(?:dm|pm|inbox)\s(?:{_TO}\s)?(?:ig|fb|wa){_END}(?:\s@?{_HANDLE})?",
        rf"{_START}(?:hubungi|chat|kontak|japri|pesan|order|tanya|kirim)\b[^.!?\n]{{0,25}}\b(?:di|lewat|via|melalui|ke)\s{_ANY}{_END}",
        rf"(?:nhắn(?:\stin)?|liên hệ|kết bạn|inbox|chat|đặt hàng)[^.!?\n]{{0,25}}\s(?:qua|trên|bằng|tại)\s{_ANY}{_END}",
        rf"(?:แอด|ทัก|เพิ่มเพื่อน|ติดต่อ|สั่งซื้อ|คุย)[^.!?\n]{{0,15}}(?:{_CLEAR}|ไลน์|line{_END})(?:\s?@?{_HANDLE})?",
        rf"{_START}(?:escr[ií]b|cont[aá]ct|m[aá]nd|h[aá]bl|s[ií]gue|[uú]nete|pid)\w*[^.!?\n]{{0,25}}\s(?:por|en|al|vía|via|un|nuestro)\s{_CLEAR}{_END}",
        rf"{_START}(?:cham|fal|mand|contat|sig|entr|peç)\w*[^.!?\n]{{0,25}}\s(?:no|na|pelo|pela|por|via|um|nosso)\s(?:{_CLEAR}|zap(?:zap)?){_END}",
        rf"{_START}(?:écri|contact|rejoi|suiv|parl|command)\w*[^.!?\n]{{0,25}}\s(?:sur|par|via|notre)\s{_CLEAR}{_END}",
        rf"{_START}(?:schreib|kontaktier|folg|erreich|meld|bestell)\w*[^.!?\n]{{0,25}}\s(?:auf|über|per|via|bei|in)\s{_CLEAR}{_END}",
        rf"(?:напиш|пиш|связ|подпис|звон|добав)\w*[^.!?\n]{{0,25}}\s(?:в|на|через|по)\s{_CLEAR}{_END}",
        rf"(?:راسل|تواصل|انضم|تابع|اطلب|كلم)\w*[^.!?\n]{{0,25}}{_CLEAR}",
        r"(?:加|添加|关注|關注|联系|聯繫)[^。！？\n]{0,8}(?:[微薇]信|v信|扣扣|line|telegram|whatsapp|qq)",
        rf"{_ADD}(?:[vw]x?|[微薇])(?:\s?[:：]|\s)\s?{_HANDLE}",
        rf"(?:[微薇]信|扣扣|{_START}(?:v信|qq))\s?[:：]?\s?(?=[a-z_-]*\d)[a-z0-9_-]{{5,40}}",
        rf"(?:line|ライン|{_CLEAR})\s?(?:で|に|の)[^。！？\n]{{0,6}}(?:友だち|友達|追加|連絡|お問い合わせ|登録|メッセージ)\w{{0,4}}",
        rf"{_START}{_CLEAR}\s(?:us|kami|me|nos|uns|group|grup|groupe|gruppe|grupo|channel|number|nomor|nhóm|link){_END}",
        rf"{_START}(?:join\s)?our\s{_CLEAR}{_END}(?:\s(?:group|channel|number))?",
    )
]


_NAMED = re.compile(rf"{_CLEAR}|{_START}{_SHORT}|{_ADD}[vw微薇]|ไลน์|ライン|라인", re.IGNORECASE)


def messengers(text: str) -> Iterator[Span]:
    """Where the reader is pointed to another messenger."""
    if not _NAMED.search(text):
        return
    for pattern in _PATTERNS:
        yield from (found.span() for found in pattern.finditer(text))
