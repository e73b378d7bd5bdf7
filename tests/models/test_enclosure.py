"""What comes with a plan's text: products, coupon and button, in each language, and nowhere but into the shop (R8, R13)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import database, enclosure
from models.clock import now
from models.coupon.terms import CouponTerms, CouponVisibility
from models.enclosure import Enclosure
from models.identifier import product_id
from models.plan import PlanChannel, wording
from models.product import Product
from models.scenario import Destination
from models.shop import Shop
from tests.conftest import NOON
from tests.factories import make_coupon, make_running, make_shop

CREAM = Product(product_id("bloom", "p/1"), "p/1", "Rose {cream}", None, 1999, "USD", None)
TEN = CouponTerms(
    name="Ten", visibility=CouponVisibility.REGULAR, starts_at=NOON, ends_at=NOON, total_limit=1, amount=1_000
)  # fmt: skip


async def make_product(shop: Shop, external_id: str, title: str) -> object:
    key = product_id(shop.external_id, external_id)
    await database.execute(
        "INSERT INTO product (id, shop_id, external_id, title, price, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, 1999, $5, $5)",
        key, shop.id, external_id, title, now(),
    )  # fmt: skip
    return key


def test_the_coupon_is_written_as_each_language_writes_it_and_is_empty_without_one():
    with_one = Enclosure("Bloom", "USD", coupon=TEN)
    assert with_one.constants("de")["coupon"] == "10\xa0$"
    assert with_one.constants("en") == {"shop": "Bloom", "coupon": "$10"}
    assert Enclosure("Bloom", "USD").constants("en")["coupon"] == ""


def test_products_are_named_and_counted():
    assert Enclosure("Bloom", "USD", products=(CREAM, CREAM)).constants("en") == {
        "shop": "Bloom", "coupon": "", "product": "Rose {cream}", "productCount": 2,
    }  # fmt: skip


@given(st.sampled_from(Destination), st.sampled_from([(), (CREAM,)]))
def test_every_destination_lies_in_the_shop(destination, products):
    address = Enclosure("Bloom", "USD", "https://m.example/bloom/", products).address(destination)
    assert address is not None
    assert address.startswith("https://m.example/bloom") and "//" not in address.removeprefix("https://")


def test_a_button_leads_where_it_says_and_a_products_id_cannot_lead_elsewhere():
    enclosed = Enclosure("Bloom", "USD", "https://m.example/bloom", (CREAM,), button=Destination.PRODUCT)
    assert enclosed.address(Destination.PRODUCT) == "https://m.example/bloom/products/p%2F1"
    assert enclosed.label("es") == "Ver el producto"


def test_without_a_store_url_an_email_shows_neither_button_nor_products():
    frame = Enclosure("Bloom", "USD", None, (CREAM,), button=Destination.STORE).frame("en")
    assert (frame.button, frame.products) == (None, ())


def test_an_image_is_shown_with_or_without_a_store_url():
    image = "https://img.example/spring.png"
    for store in (None, "https://m.example/bloom"):
        assert Enclosure("Bloom", "USD", store, image_url=image).frame("en").image_url == image


@pytest.mark.usefixtures("database")
async def test_a_plans_products_coupon_and_button_are_pinned_in_each_language():
    shop = await make_shop(store_url="https://m.example/bloom")
    products = [await make_product(shop, "p1", "Rose {cream}"), await make_product(shop, "p2", "Oil & balm")]
    coupon = await make_coupon(shop)
    say = "{product}, {productCount}{hasCoupon, select, yes { −{coupon}} other {}}"
    plan = await make_running(
        shop, channel=PlanChannel.CHAT_THEN_EMAIL, product_ids=products, coupon_id=coupon.id,
        button=Destination.PRODUCTS, content={"texts": {tag: {"text": say, "subject": "!"} for tag in ("en", "de")}},
    )  # fmt: skip

    keys = [(plan.id, channel, tag, 0) for channel in ("CHAT", "EMAIL") for tag in ("en", "de")]
    chat_en, chat_de, mail_en, mail_de = [(await wording.load([key]))[key] for key in keys]

    assert (chat_en.text, chat_de.text.replace("\xa0", " ")) == (
        "Rose '{'cream'}', 2 −10%",
        "Rose '{'cream'}', 2 −10 %",
    )
    assert mail_en.html is not None and mail_de.html is not None
    assert "https://m.example/bloom/products/p2" in mail_en.html and "Oil &amp; balm" in mail_en.html
    assert "See the products" in mail_en.html and "Produkte ansehen" in mail_de.html
    assert "$19.99" in mail_en.text


@pytest.mark.usefixtures("database")
async def test_a_product_that_is_gone_is_left_out():
    shop = await make_shop()
    gone, kept = await make_product(shop, "p1", "One"), await make_product(shop, "p2", "Two")
    plan = await make_running(shop, product_ids=[gone, kept])
    await database.execute("DELETE FROM product WHERE id = $1", gone)

    assert [each.title for each in (await enclosure.of_plan(plan.id)).products] == ["Two"]


@pytest.mark.usefixtures("database")
async def test_a_title_that_came_to_lead_out_is_shown_without_the_way_out():
    shop = await make_shop(store_url="https://m.example/bloom")
    soap, link = await make_product(shop, "p1", "Soap"), await make_product(shop, "p2", "Shampoo")
    plan = await make_running(shop, product_ids=[soap, link])
    await database.execute("UPDATE product SET title = 'Soap from bit.ly/x for you' WHERE id = $1", soap)
    await database.execute("UPDATE product SET title = 'bloom-outlet.com' WHERE id = $1", link)

    enclosed = await enclosure.of_plan(plan.id)

    assert [each.title for each in enclosed.products] == ["Soap from for you", "Bloom"]
    assert enclosed.constants("en")["product"] == "Soap from for you"
    assert "bit.ly" not in str(enclosed.frame("en"))
