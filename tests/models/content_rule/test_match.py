"""One text under the content rules (R13): exact matches, and no text that keeps the server busy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.content_rule import Match, WayOut, check
from models.content_rule.disguise import is_blank, plain
from models.content_rule.link import endings


def words(text: str) -> list[tuple[WayOut, str]]:
    return [(found.way, found.words) for found in check(text)]


@pytest.mark.parametrize(
    "text",
    [
        "No. 1", "24.12.", "v2.0", "Our No.1, v2.0 on 24.12.", "1.299.000", "10.30am", "e.g. this", "Great.In stock",
        "At 12.30 we open", "pH 5.5", "4.9/5", "2026-01-31", "A-1042", "S/M/L", "St. Ives", "U.S.A.", "3.50 kg",
    ],
)  # fmt: skip
def test_numbers_dates_and_versions_pass(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "01.12.-31.12.2026", "01.12.–31.12.2026", "1.12.-31.12.2026", "01.12-31.12.2026", "01.12 -31.12.2026",
        "31.12.2026", "2026-01-31", "20260131", "01.-24.12.2026", "05.01.-09.01.26", "01.12.26-05.12.26", "2026.12.01-12.31", "2026.12.01.-12.31.",
    ],
)  # fmt: skip
def test_a_day_and_the_days_from_which_to_which_something_goes_are_no_number_to_call(text: str) -> None:
    assert check(f"Only {text}!") == []
    assert words(f"Only {text} 0812 3456 7890!") == [(WayOut.PHONE, "0812 3456 7890")]


@pytest.mark.parametrize(
    ("sizes", "number"),
    [
        ("36-38-40-42-44-46", "36-38-40-42-44-47"), ("62 68 74 80 86 92", "62 812 3456 7890"),
        ("36 37 38 39 40 41", "36 37 38 39 40 42"), ("100-200-300-400", "120-200-300-400"),
    ],
)  # fmt: skip
def test_sizes_rise_by_as_much_each_time_and_a_number_to_call_does_not(sizes: str, number: str) -> None:
    assert check(f"In {sizes}!") == []
    assert words(f"In {number}!") == [(WayOut.PHONE, number)]


@pytest.mark.parametrize(
    "code",
    ["EAN 0012345678905", "EAN-13: 0884938102847", "upc 012345678905", "GTIN 00012345678905", "ISBN 0-306-40615-2"],
)
def test_the_number_of_a_product_is_none_to_call_though_it_begins_with_a_nought(code: str) -> None:
    assert check(f"Fits {code}.") == []
    assert words(f"Fits {code}, 081234567890") == [(WayOut.PHONE, "081234567890")]


def test_a_match_says_what_and_where() -> None:
    assert check("Go to bloomshop.com, call 0812-3456-7890!") == [
        Match(WayOut.LINK, "bloomshop.com", 6, 19),
        Match(WayOut.PHONE, "0812-3456-7890", 26, 40),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a ｂｌｏｏｍ．ｃｏｍ b", "ｂｌｏｏｍ．ｃｏｍ"),
        ("a bl\u200boom.com b", "bl\u200boom.com"),
        ("a blооm.com b", "blооm.com"),
        ("w w w . b l o o m . c o m", "w w w . b l o o m . c o m"),
        ("a 𝗯𝗹𝗼𝗼𝗺.𝗰𝗼𝗺 b", "𝗯𝗹𝗼𝗼𝗺.𝗰𝗼𝗺"),
        ("看ｂｌｏｏｍ．ｃｏｍ看", "ｂｌｏｏｍ．ｃｏｍ"),
        ("看bl\u200boom.com看", "bl\u200boom.com"),
    ],
)
def test_a_disguise_is_seen_through_and_reported_as_written(text: str, found: str) -> None:
    assert words(text) == [(WayOut.LINK, found)]


def test_digits_of_any_script_are_the_digits_they_stand_for() -> None:
    assert plain("٠٨١٢ ०८१२ ０８１２ Ⅷ").text == "0812 0812 0812 VIII"


@pytest.mark.parametrize("text", ["", "  ", "\u200b", " \ufe0f\u3164 ", "\u2800\u034f"])
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}.")


@pytest.mark.parametrize(
    ("way", "text"),
    [
        (WayOut.PHONE, "０８１２ー３４５６ー７８９０"), (WayOut.PHONE, "０３−１２３４−５６７８"), (WayOut.PHONE, "090〜1234〜5678"),
        (WayOut.PHONE, "0812_3456_7890"), (WayOut.PHONE, "+62·812·3456·7890"), (WayOut.PHONE, "0812 - 3456 - 7890"),
        (WayOut.PHONE, "090 — 1234 — 5678"), (WayOut.PHONE, "o812-3456-789o"), (WayOut.PHONE, "电话：一三八零零一三八零零零"),
        (WayOut.PHONE, "공일공 일이삼사 오육칠팔"), (WayOut.LINK, "bloom·com"), (WayOut.LINK, "bloom•com"),
        (WayOut.LINK, "bloom点com"), (WayOut.LINK, "bloom 點 com"), (WayOut.LINK, "bloom닷컴"), (WayOut.LINK, "ブルームドットコム"),
        (WayOut.LINK, "bloom.рф"), (WayOut.LINK, "bloom.рус/x"), (WayOut.LINK, "магазинbloom.рф"), (WayOut.LINK, "блоом.com"),
        (WayOut.LINK, "🅱🅻🅾🅾🅼.🅲🅾🅼"), (WayOut.MESSENGER, "WҺatsApp: bloom"), (WayOut.MESSENGER, "薇信：bloom"),
        (WayOut.MESSENGER, "加V信 bloom"), (WayOut.MESSENGER, "加v bloom123"), (WayOut.MESSENGER, "微信bloom123"),
        (WayOut.MESSENGER, "扣扣12345678"), (WayOut.MESSENGER, "wx: bloom"),
    ],
)  # fmt: skip
def test_ways_out_are_found_as_east_asian_keyboards_and_other_alphabets_write_them(way: WayOut, text: str) -> None:
    assert [found.way for found in check(text)] == [way]


@pytest.mark.parametrize(
    "text",
    [
        "添加wifi密码", "参加 V LIVE", "价格 100~200元", "10000〜20000円", "62000~150000", "09:00~18:00", "2026·01·15",
        "09.00 - 12.00 - 18.00", "100 - 200 - 300 - 400", "Tee 128 - 134 - 140 - 146", "10 - 20 - 30 cm", "0 - 3 - 6 - 9",
        "5月10点开播", "晚上8点 online", "今晚8點 shop now", "水玉ドット柄", "점심 닷새", "col·lecció", "周一二三四五六",
        "QQ糖真好吃", "S🅰️LE", "T-рубашка", "Wi-Fi-том", "004_005_006", "1o lugar",
    ],
)  # fmt: skip
def test_ranges_sizes_hours_and_dotted_patterns_pass_as_they_are_written_there(text: str) -> None:
    assert check(text) == []


def test_real_russian_and_greek_are_left_as_they_are() -> None:
    for text in ("Скидка на все товары сегодня", "Νέα προϊόντα στο κατάστημα", "Сор, рост и хор"):
        assert plain(text).text == text


@pytest.mark.parametrize(
    ("fewer", "least", "most", "more"),
    [
        ("Call 52345", "Call 523456", "Call 523456789234567", "Call 5234567892345678"),
        ("+6282345", "+62823456", "+628234567892345", "+6282345678923456"),
        ("00 1234 5678", "00 1234 56789", "00 1234 567892345", "00 1234 5678923456"),
        ("08234567", "082345678", "0823 4567 8923", "0823 4567 89234"),
        ("(21) 323456", "(21) 3234567", "(21) 32345678923", "(21) 323456789234"),
        ("323456789", "3234567892", "323456789234", "3234567892345"),
        ("0812 - 3456", "0812 - 34567", "08123 - 45678901", "08123 - 4567890 - 12"),
        ("62 812 3456 7", "62 812 34 5678", "62 812 34 567890", "62 812 34 5678901"),
    ],
)
def test_a_number_is_that_of_a_phone_from_its_fewest_to_its_most_digits(
    fewer: str, least: str, most: str, more: str
) -> None:
    assert [[found.way for found in check(text)] for text in (fewer, least, most, more)] == [
        [], [WayOut.PHONE], [WayOut.PHONE], [],
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["6281234567890", "5511234567890"])
def test_thirteen_digits_are_a_phone_s_where_mobiles_have_as_many(number: str) -> None:
    assert words(f"Or {number}") == [(WayOut.PHONE, number)]


@pytest.mark.parametrize(
    "number", ["0812 3456 7890", "0812-3456-7890", "0917 123 4567", "0912 345 678", "(021) 555 0123"]
)
@pytest.mark.parametrize(
    "beside", ["Size 42 {}", "Rp 100.000 {}", "10.30-12.00 {}", "24.12. {}", "{} 24.12.2026", "{} 42", "2026 {}"]
)
def test_a_number_to_call_is_found_beside_other_numbers(beside: str, number: str) -> None:
    ((way, found),) = words(f"Or {beside.format(number)}!")
    assert way is WayOut.PHONE
    assert number in found


@pytest.mark.parametrize(
    "text", ["10 050 000 000", "10.050.000.000", "1 020 300 points", "#0123-456-7890", "0,5 - 1,5"]
)
def test_a_nought_within_a_number_begins_none_to_call(text: str) -> None:
    assert check(f"Or {text}!") == []


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("415-555-0199", "115-555-0199"), ("21 98765-4321", "21 88765-4321"), ("1234567890 now", "1234567890 đ"),
        ("my 1234567890", "SKU 1234567890"), ("+12500000", "+12 500 000"), ("+ 12500000", "+ 12 500 000"),
        ("null eins zwei drei vier fünf sechs", "eins zwei drei vier fünf sechs"),
        ("nol delapan satu dua tiga empat lima", "delapan satu dua tiga empat lima"),
    ],
)  # fmt: skip
def test_a_number_is_told_from_what_only_looks_like_one(number: str, other: str) -> None:
    assert words(f"Or {number}!") == [(WayOut.PHONE, number.removeprefix("my ").removesuffix(" now"))]
    assert check(f"Or {other}!") == []


def test_several_ways_out_are_all_told_and_none_twice() -> None:
    text = "Mail ana@bloom.com, see bloom.com/x, WhatsApp: bloom_1 or +62 812 3456 7890"
    assert words(text) == [
        (WayOut.EMAIL, "ana@bloom.com"),
        (WayOut.LINK, "bloom.com/x"),
        (WayOut.MESSENGER, "WhatsApp: bloom_1"),
        (WayOut.PHONE, "+62 812 3456 7890"),
    ]


def test_of_what_overlaps_the_longest_is_told() -> None:
    assert words("WhatsApp: bloom.com") == [(WayOut.MESSENGER, "WhatsApp: bloom.com")]


@pytest.mark.parametrize("ending", sorted(ending for ending in endings() if not ending.isascii()))
def test_an_address_in_another_script_is_one_in_small_letters_and_in_capitals(ending: str) -> None:
    for address in (f"bloom.{ending}", f"BLOOM.{ending.upper()}"):
        assert words(f"Go: {address} now") == [(WayOut.LINK, address)]


def test_an_address_whose_name_alone_is_in_another_script_is_one_in_capitals_too() -> None:
    assert words("БЛУМ.COM, блум.ru") == [(WayOut.LINK, "БЛУМ.COM"), (WayOut.LINK, "блум.ru")]
    assert check("Готово.In stock. Привет.Дети") == []


@pytest.mark.parametrize("address", ["bloom . com", "Bloom .com", "BLOOM . COM", "my.BLOOM .NET"])
def test_a_dot_between_spaces_is_seen_through_in_small_letters_and_in_capitals(address: str) -> None:
    assert words(f"Go: {address} now") == [(WayOut.LINK, address)]
    assert check("SALE . SHOP NOW. Sale . Shop now") == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("10.0.0.255", "10.0.0.256"), ("1.0.0.0", "1.000.000.000"), ("see 1.2.3.4", "version 1.2.3.4"), ("bloom dot com", "the dot com boom"), ("bloom dot net", "The dot net framework"),
        ("bloom.in/stock", "bloom.in stock"), ("bloom.kg:8080", "bloom.kg 8080"), ("bloom.net", "bloom.Net"),
        ("bloom.com", "bloom.Com"), ("approx.com", "approx.net"), ("12.com", "12.net"), ("a.shop", "a.dev"),
        ("ab.dev", "ab.photography"), ("ab.de", "a.de"), ("bloom.de", "bloom.in"), ("bloom.co.in", "bloom.ab.in"),
        ("visit bloom.photography", "bloom.photography"), ("bloom.de/x", "bloom.notatld/x"), ("max.bloom.net", "max.net"), ("блум.dev", "блум.photography"),
        ("блум.de", "блум.in"),
    ],
)  # fmt: skip
def test_an_address_is_told_from_what_only_looks_like_one(address: str, sentence: str) -> None:
    assert words(f"Now {address}!") == [(WayOut.LINK, address.removeprefix("see ").removeprefix("visit "))]
    assert check(f"Now {sentence}!") == []


def test_a_mailbox_that_is_spelled_out_is_one_unless_a_sentence_leads_to_it() -> None:
    assert words("Mail ana at bloom dot com") == [(WayOut.EMAIL, "ana at bloom dot com")]
    assert words("Order at bloom dot com") == [(WayOut.LINK, "bloom dot com")]


def test_the_root_zone_is_known() -> None:
    assert {"com", "id", "vn", "shop", "рф", "السعودية", "中国"} <= endings()
    assert len(endings()) > 1400
    assert all(ending.islower() for ending in endings() if ending.isascii())


@given(st.text(max_size=200))
def test_any_text_is_checked_and_matches_are_its_own_words(text: str) -> None:
    end = 0
    for found in check(text):
        assert end <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == found.words
        end = found.end


@given(st.text(st.sampled_from("abc.com @0123-+()[]:/ wаZ中\u200b"), max_size=60))
def test_text_close_to_a_way_out_is_checked_too(text: str) -> None:
    for found in check(text):
        assert text[found.start : found.end] == found.words


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a-", "0 ", "0-", "(0", "a@", "a(dot)", "a at ", "www.", "1.", "one ", "chat us on ", "中.", "[.]", "http:", "x-a.", "a(at)", "a dot ", "0_", "0 - ", "081 123 ", "1.1.-1.1. ", "+1~", "一", "공일공", "a点", "ド", "中ドット", "a·", "加v", "qq", "a。", "1。", "a.a。", "a。a.", "ab-c。"],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_no_text_takes_more_than_its_length_is_worth(unit: str) -> None:
    """What grew with the square of the length would not be done with this one within the hour."""
    check((unit * 200_000)[:200_000])
