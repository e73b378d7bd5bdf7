"""What comes with a message in the inbox: image, button, products and coupon, the plan's or the message's own (R8, R9, R13, R16)."""

from typing import Any

from models import database as databases
from models.coupon.terms import CouponVisibility
from models.scenario import Destination
from models.shop import Shop
from tests.api import Api, shopper
from tests.factories import make_coupon, make_customers, make_resolved, make_shop
from tests.models.test_enclosure import make_product

INBOX = """{ inbox { nodes { text imageUrl button { destination label url }
    products { externalId title price { amount currency } imageUrl url } coupon { name gives status claimsLeft } } } }"""
TEXTS = {"texts": {"en": {"text": "Hi {name}"}, "es": {"text": "Hola {name}"}}}


async def message(api: Api) -> dict[str, Any]:
    """The only message of the first customer."""
    (found,) = (await api.data(INBOX, shopper("c0")))["inbox"]["nodes"]
    return dict(found)


async def send(shop: Shop, **fields: Any) -> None:
    await make_customers(shop, 1, language="es")
    await make_resolved(shop, content=TEXTS, **fields)


async def test_a_message_shows_what_its_plan_encloses(api: Api):
    shop = await make_shop(store_url="https://m.example/bloom")
    soap = await make_product(shop, "p/1", "Soap")
    coupon = await make_coupon(shop, name="Ten", visibility=CouponVisibility.PRIVATE)
    image = "https://img.example/spring.png"
    await send(shop, product_ids=[soap], image_url=image, coupon_id=coupon.id, button=Destination.CART)

    found = await message(api)

    assert found["imageUrl"] == image
    assert found["button"] == {"destination": "CART", "label": "Ir al carrito", "url": "https://m.example/bloom/cart"}
    assert found["products"] == [{
        "externalId": "p/1", "title": "Soap", "price": {"amount": 1999, "currency": "USD"}, "imageUrl": None,
        "url": "https://m.example/bloom/products/p%2F1",
    }]  # fmt: skip
    assert found["coupon"] == {"name": "Ten", "gives": "10%", "status": "RUNNING", "claimsLeft": 1}


async def test_a_bare_message_shows_nothing(api: Api):
    await send(await make_shop())

    assert await message(api) == {"text": "Hola c0", "imageUrl": None, "button": None, "products": [], "coupon": None}


async def test_without_a_page_of_the_shop_a_button_has_no_address(api: Api):
    shop = await make_shop()
    await send(shop, product_ids=[await make_product(shop, "p1", "Soap")], button=Destination.PRODUCT)

    found = await message(api)
    assert found["button"] == {"destination": "PRODUCT", "label": "Ver el producto", "url": None}
    assert found["products"][0]["url"] is None


async def test_products_and_coupon_of_its_own_take_the_place_of_the_plan_s(api: Api):
    shop = await make_shop(store_url="https://m.example/bloom")
    soap, towel = await make_product(shop, "p1", "Soap"), await make_product(shop, "p2", "Towel, or bit.ly/x")
    foreign = await make_product(await make_shop("other"), "p3", "Foreign")
    theirs, own = await make_coupon(shop, name="Theirs"), await make_coupon(shop, name="Own", percentage=20)
    await send(shop, product_ids=[soap], coupon_id=theirs.id, button=Destination.PRODUCT)
    await databases.execute(
        "UPDATE delivery SET frozen = frozen || jsonb_build_object('productIds', $1::uuid[], 'couponId', $2::int)",
        [towel, foreign],
        own.id,
    )

    found = await message(api)
    assert [(each["externalId"], each["title"]) for each in found["products"]] == [("p2", "Towel, or")]
    assert found["button"]["url"] == "https://m.example/bloom/products/p2"
    assert found["coupon"]["name"] == "Own"


async def test_a_title_frozen_into_a_message_is_shown_within_the_rules(api: Api):
    shop = await make_shop()
    soap = await make_product(shop, "p1", "Soap")
    await make_customers(shop, 1)
    await make_resolved(shop, content={"texts": {"en": {"text": "Hi {name}, {product}!"}}}, product_ids=[soap])
    await databases.execute(
        "UPDATE plan_content SET text = 'Hi {name}, {product}!', variables = ARRAY['name', 'product']"
    )
    await databases.execute('UPDATE delivery SET frozen = frozen || \'{"product": "Soap at bit.ly/x"}\'')

    assert (await message(api))["text"] == "Hi c0, Soap at!"
