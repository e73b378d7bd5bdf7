"""What comes with a plan's text: its image, products, coupon and button, the same for every recipient (R8, R13)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote as percent_encoded
from uuid import UUID

from models import content_rule, database, money, product, words
from models.content.layout import Button, Frame, ProductCard
from models.content.pattern import quote
from models.content.variable import Value
from models.coupon.terms import CouponTerms, CouponVisibility
from models.product import MOST_SHOWN, Product
from models.scenario import Destination

LINK = "{link}"
"""The pattern of what a mail's own links begin with."""

OPEN, BUTTON = "o.gif", "b"
PRODUCTS = tuple(f"p{place}" for place in range(1, MOST_SHOWN + 1))
"""What they end with: a mail's image, its button, and its products by their places, `p1` to `p4`."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Image, products (0–4), coupon and button of a plan, and the shop that they lead into.

    `store_url` is the shop's own page; without one, an email can lead nowhere and shows no products. `product_ids` are
    the plan's, gone ones too, so that a place stands for the same product for ever. `is_tracked` unless the shop wants
    nothing noted of its emails.
    """

    shop_name: str
    currency: str
    store_url: str | None = None
    products: tuple[Product, ...] = ()
    coupon: CouponTerms | None = None
    button: Destination | None = None
    postal_address: str | None = None
    has_smart_coupon: bool = False
    """Each recipient gets a coupon of their own, or none (R16)."""
    product_ids: tuple[UUID, ...] = ()
    is_tracked: bool = True
    shop_id: int | None = None
    image_url: str | None = None

    def constants(self, language: str) -> dict[str, Value]:
        """Values of the variables that are the same for every recipient of the text in `language`."""
        values: dict[str, Value] = {"shop": self.shop_name}
        if not self.has_smart_coupon:
            values["coupon"] = self.coupon.gives(self.currency, language) if self.coupon else ""
        if self.products:
            values |= {"product": self.products[0].title, "productCount": len(self.products)}
        return values

    def label(self, language: str) -> str | None:
        """What the button says in `language`; None without one."""
        return words.button_label(self.button, language) if self.button else None

    def frame(self, language: str, *, tracked: bool = False) -> Frame:
        """What stands around the text in an email. `tracked`: its links lead through us, and a pixel tells of opens."""
        url = self.address(self.button) if self.button else None
        label = self.label(language)
        cards = [self._card(each, language) for each in self.products] if self.store_url else []
        if tracked:
            ends = [PRODUCTS[self.product_ids.index(each.id)] for each in self.products]
            cards = [replace(card, url=f"{LINK}{end}") for card, end in zip(cards, ends, strict=False)]
        return Frame(
            shop=self.shop_name,
            products=tuple(cards),
            button=Button(label, f"{LINK}{BUTTON}" if tracked else quote(url)) if label and url else None,
            postal_address=self.postal_address,
            image_url=self.image_url,
            pixel=f"{LINK}{OPEN}" if tracked else None,
        )

    def address(self, destination: Destination, shown: Product | None = None) -> str | None:
        """Where a destination lies below the store's page (R13); None when the shop has told of none."""
        if self.store_url is None:
            return None
        base = self.store_url.rstrip("/")
        first = shown or (self.products[0] if self.products else None)
        paths = {
            Destination.STORE: "",
            Destination.PRODUCTS: "/products",
            Destination.PRODUCT: f"/products/{percent_encoded(first.external_id, safe='')}" if first else "/products",
            Destination.CART: "/cart",
            Destination.LIVE: "/live",
        }
        return base + paths[destination]

    def page(self, shown: Product) -> str | None:
        """Where a product's own page is."""
        return self.address(Destination.PRODUCT, shown)

    def _card(self, shown: Product, language: str) -> ProductCard:
        price = None if shown.price is None else money.written(shown.price, shown.currency, language)
        return ProductCard(title=shown.title, url=quote(self.page(shown) or ""), price=price, image_url=shown.image_url)


async def of_plans(plan_ids: Sequence[int]) -> dict[int, Enclosure]:
    """The enclosure of each of these plans that exists."""
    rows = await database.fetch(_ENCLOSURES, list(plan_ids))
    wanted: dict[int, set[UUID]] = {}
    for row in rows:
        wanted.setdefault(row["shop_id"], set()).update(row["product_ids"])
    products: dict[UUID, Product] = {}
    for shop_id, ids in wanted.items():
        products |= await product.of_shop(shop_id, list(ids))
    return {row["id"]: _enclosure(row, [products[i] for i in row["product_ids"] if i in products]) for row in rows}


async def of_plan(plan_id: int) -> Enclosure:
    """The enclosure of a plan that exists."""
    return (await of_plans([plan_id]))[plan_id]


async def with_coupons(plan_id: int, coupon_ids: Sequence[int | None]) -> list[Enclosure]:
    """The enclosure of a plan that exists, once with each of these coupons (None: without) in place of its own."""
    own = await of_plan(plan_id)
    wanted = sorted({each for each in coupon_ids if each is not None})
    rows = await database.fetch(_COUPONS, wanted) if wanted else []
    terms = {row["id"]: _coupon(row) for row in rows}
    return [replace(own, coupon=terms[each] if each is not None else None) for each in coupon_ids]


def _enclosure(row: database.Record, products: Sequence[Product]) -> Enclosure:
    return Enclosure(
        shop_name=row["shop_name"],
        currency=row["currency"],
        store_url=row["store_url"],
        postal_address=row["postal_address"],
        products=tuple(within_rules(each, row["shop_name"]) for each in products),
        product_ids=tuple(row["product_ids"]),
        is_tracked=row["mail_tracking"] is not False,
        shop_id=row["shop_id"],
        image_url=row["image_url"],
        coupon=_coupon(row) if row["coupon_name"] is not None else None,
        button=Destination(row["button"]) if row["button"] else None,
        has_smart_coupon=row["smart_coupon"],
    )


def within_rules(shown: Product, shop_name: str) -> Product:
    """The product without what in its title is a way out of the shop: titles may change after a plan was checked (R13)."""
    return replace(shown, title=content_rule.without(shown.title) or shop_name)


def _coupon(row: database.Record) -> CouponTerms:
    return CouponTerms(
        name=row["coupon_name"], visibility=CouponVisibility(row["visibility"]), starts_at=row["starts_at"],
        ends_at=row["ends_at"], total_limit=row["total_limit"], customer_limit=row["customer_limit"],
        percentage=row["percentage"], amount=row["amount"], minimum_spend=row["minimum_spend"],
        segment_id=row["segment_id"], product_ids=tuple(row["coupon_product_ids"]), code=row["code"],
    )  # fmt: skip


_TERMS = """c.name AS coupon_name, c.visibility, c.starts_at, c.ends_at, c.total_limit, c.customer_limit,
    c.percentage, c.amount, c.minimum_spend, c.segment_id, c.product_ids AS coupon_product_ids, c.code"""

_ENCLOSURES = f"""
SELECT p.id, p.shop_id, p.product_ids, p.image_url, p.button, p.smart_coupon, s.name AS shop_name, s.currency, s.store_url,
    s.postal_address, s.mail_tracking, {_TERMS}
FROM plan p JOIN shop s ON s.id = p.shop_id LEFT JOIN coupon c ON c.id = p.coupon_id
WHERE p.id = ANY($1::int[])
"""

_COUPONS = f"SELECT c.id, {_TERMS} FROM coupon c WHERE c.id = ANY($1::int[])"
