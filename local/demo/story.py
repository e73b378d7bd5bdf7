"""The demo shops as rows of the import format, in batches, in bounded memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from local.demo.behaviour import Row, stage_of, year_of
from local.demo.people import Person, person_of
from local.demo.shops import HISTORY, DemoShop

SOURCES = ("checkout", "sign-up", "newsletter box", "prize draw")


def story_of(shop: DemoShop, now: datetime, batch: int) -> Iterator[tuple[int, list[Row]]]:
    """Yield (customers told so far, rows): products first, then each customer with their year up to `now`.

    A batch ends with the customer who fills it, so it holds few more than `batch` rows. The same shop
    and `now` always yield the same rows with the same external ids.
    """
    stage = stage_of(shop, now)
    rows: list[Row] = [product_row(shop, number) for number in range(len(shop.products))]
    told = 0
    for told, number in enumerate(shop.people, start=1):
        person = person_of(number)
        rows.append(customer_row(shop, person, now))
        rows.extend(year_of(stage, person))
        if len(rows) >= batch:
            yield told, rows
            rows = []
    if rows:
        yield told, rows


def shop_row(shop: DemoShop) -> Row:
    """The shop itself as a row."""
    return {
        "externalId": shop.external_id,
        "name": shop.name,
        "currency": shop.currency,
        "timeZone": shop.time_zone,
        "defaultLanguage": shop.default_language,
        "country": shop.country,
        "score": shop.score,
        "gmv": shop.gmv,
        "postalAddress": shop.postal_address,
        "storeUrl": shop.store_url,
    }


def product_row(shop: DemoShop, number: int) -> Row:
    """One product as a row."""
    product = shop.products[number]
    return {
        "type": "product",
        "externalId": product.external_id,
        "title": product.title,
        "category": product.category,
        "price": product.price,
        "currency": shop.currency,
        "imageUrl": None,
    }


def customer_row(shop: DemoShop, person: Person, now: datetime) -> Row:
    """One customer as a row, with what they allow this shop's mail to do."""
    return {
        "type": "customer",
        "externalId": person.external_id,
        "name": person.name,
        "email": person.email,
        "language": person.language,
        "timeZone": person.time_zone,
        "country": person.country,
        "region": person.region,
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat() if person.birth_date else None,
        "emailConsent": _email_consent(shop, person, now) if person.email else None,
    }


def _email_consent(shop: DemoShop, person: Person, now: datetime) -> Row:
    """Seven in ten subscribed, one in ten has left again, the others were never asked."""
    random = Random(f"rekindle demo consent {shop.external_id} {person.number}")
    state = random.choices(("SUBSCRIBED", "UNSUBSCRIBED", "NEVER"), (7, 1, 2))[0]
    at = now - timedelta(seconds=random.randrange(3600, int(HISTORY.total_seconds())))
    return {"state": state, "source": random.choice(SOURCES), "at": at.isoformat(timespec="seconds")}
