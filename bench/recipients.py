"""A shop and the customers its plans go to, by set-based SQL: the same ones each time."""

from datetime import timedelta

from bench.shop import make_shop
from models import database
from models.clock import now
from models.plan import Plan, PlanChannel, PlanDraft
from models.segment import Segment
from models.shop import Shop

LANGUAGES = ("en", "es-MX", "id", "th", "zh-Hant", "ar")
"""Each sixth of the customers has its app in one of these; the plan says something in every one."""

TEXTS = {
    "en": "Hi {name}, {shop} has picked something for you. Have a look before Sunday, when the offer ends.",
    "es-MX": "Hola {name}, {shop} eligió algo para ti. Míralo antes del domingo, cuando termina la oferta.",
    "id": "Hai {name}, {shop} memilihkan sesuatu untukmu. Lihat sebelum hari Minggu, saat penawaran berakhir.",
    "th": "สวัสดี {name} {shop} คัดสรรบางอย่างมาให้คุณ แวะมาดูก่อนวันอาทิตย์ที่ข้อเสนอจะสิ้นสุด",
    "zh-Hant": "{name}您好，{shop}為您精選了一些好物，優惠星期日截止，快來看看。",
    "ar": "مرحبًا {name}، اختار لك {shop} شيئًا مميزًا. ألقِ نظرة قبل يوم الأحد، موعد انتهاء العرض.",
}
SUBJECTS = {
    "en": "{name}, something for you", "es-MX": "{name}, algo para ti", "id": "{name}, sesuatu untukmu",
    "th": "{name} มีบางอย่างสำหรับคุณ", "zh-Hant": "{name}，給您的好物", "ar": "{name}، شيء لك",
}  # fmt: skip


async def shop_with_recipients(count: int) -> Shop:
    """The shop `bench`, where each of `count` customers ordered twice yesterday and subscribed to its mail."""
    shop = await make_shop()
    at = now()
    await database.execute("INSERT INTO language SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", list(LANGUAGES))
    await database.execute(_CUSTOMERS, count, at, list(LANGUAGES))
    await database.execute(_RELATIONSHIPS, shop.id, at - timedelta(days=1))
    await database.execute("VACUUM (ANALYZE) customer")
    await database.execute("VACUUM (ANALYZE) relationship")
    return shop


async def submitted(shop: Shop, channel: PlanChannel) -> Plan:
    """A plan to all of them, localised, just submitted: nothing of it is done yet."""
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    texts = {tag: {"text": text, "subject": SUBJECTS[tag]} for tag, text in TEXTS.items()}
    wanted = PlanDraft(name="To everyone", channel=channel, segment_id=segment.id, content={"texts": texts})
    plan = await Plan.draft(shop, wanted, actor="bench")
    return await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=72))


_CUSTOMERS = """
INSERT INTO customer (id, external_id, name, email, email_key, language, created_at, updated_at)
SELECT md5('customer ' || n)::uuid, 'c' || n, 'Customer ' || n, 'c' || n || '@example.com', sha256(('c' || n)::bytea),
       ($3::text[])[1 + n % cardinality($3::text[])], $2, $2
FROM generate_series(1, $1::int) n ORDER BY 1"""

_RELATIONSHIPS = """
INSERT INTO relationship (shop_id, customer_id, first_interaction_at, order_count, order_amount, first_order_at,
                          last_order_at, previous_order_at, email_consent)
SELECT $1, id, $2, 2, 2000, $2, $2, $2, 'SUBSCRIBED' FROM customer ORDER BY id"""
