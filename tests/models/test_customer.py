"""Customers as they are written: the last word wins field by field, for all shops at once."""

import asyncio
from hashlib import sha256
from hmac import digest
from typing import Any

import pytest

from models import database as db
from models.customer import email_key, suppress
from models.identifier import customer_id
from models.ingest import ingest
from tests.factories import make_shop
from tests.rows import SECRET, customer_row, tell

pytestmark = pytest.mark.usefixtures("database")

WHOLE = customer_row(
    name="Ana", email="Ana@Example.com", language="es-mx", timeZone="America/Mexico_City", country="MX",
    region="MX-JAL", gender="FEMALE", birthDate="1990-05-01",
)  # fmt: skip


async def stored(external_id: str = "c1") -> dict[str, Any]:
    """A customer as stored, without the times."""
    row = await db.fetch_one("SELECT * FROM customer WHERE id = $1", customer_id(external_id))
    assert row is not None
    return {name: value for name, value in row.items() if name not in ("id", "created_at", "updated_at")}


def test_an_address_key_is_a_keyed_digest_that_ignores_case():
    assert email_key("Ana@Example.com", b"key") == digest(b"key", b"ana@example.com", sha256)
    assert email_key("ana@example.com", b"key") != email_key("ana@example.com", b"another")


async def test_a_customer_is_stored_whole():
    await tell(await make_shop(), WHOLE)
    found = await stored()
    birth_date = found.pop("birth_date")
    assert found.pop("email_changed_at") is None
    assert birth_date.isoformat() == "1990-05-01"
    assert found == {
        "external_id": "c1", "name": "Ana", "email": "Ana@Example.com", "language": "es-MX",
        "email_key": email_key("ana@example.com", SECRET), "time_zone": "America/Mexico_City", "country": "MX",
        "region": "MX-JAL", "gender": "FEMALE",
    }  # fmt: skip


async def test_a_field_left_out_stays_and_null_empties_it():
    shop = await make_shop()
    await tell(shop, WHOLE)
    await tell(shop, customer_row(name="Ana María", email=None))
    found = await stored()
    assert (found["name"], found["email"], found["email_key"]) == ("Ana María", None, None)
    assert (found["language"], found["region"]) == ("es-MX", "MX-JAL")


async def test_the_last_row_of_a_batch_wins_field_by_field():
    await tell(await make_shop(), WHOLE, customer_row(name="Bea"), customer_row(gender=None, name="Cleo"))
    found = await stored()
    assert (found["name"], found["gender"], found["language"]) == ("Cleo", None, "es-MX")


async def test_a_customer_is_one_person_for_all_shops():
    await tell(await make_shop("bloom"), WHOLE)
    await tell(await make_shop("cedar"), customer_row(name="Bea"))
    assert await db.fetch_value("SELECT count(*) FROM customer") == 1
    assert (await stored())["name"] == "Bea"


async def test_the_same_row_again_touches_nothing():
    shop = await make_shop()
    await tell(shop, WHOLE)
    before = await db.fetch("SELECT xmin, * FROM customer")
    await tell(shop, WHOLE)
    assert await db.fetch("SELECT xmin, * FROM customer") == before


async def test_languages_in_use_are_kept_once_each():
    shop = await make_shop()
    await tell(shop, *(customer_row(f"c{tag}", language=tag) for tag in ("es-MX", "en", "ES-mx", None)))
    assert [row["tag"] for row in await db.fetch("SELECT tag FROM language ORDER BY tag")] == ["en", "es-MX"]


async def test_a_customer_alone_is_no_relationship():
    await tell(await make_shop(), WHOLE)
    assert await db.fetch_value("SELECT count(*) FROM relationship") == 0


async def test_a_zone_that_only_postgresql_does_not_know_is_refused_with_its_row(monkeypatch):
    shop = await make_shop()
    monkeypatch.setattr("models.zone.names", lambda: {"Mars/Olympus"})
    results = await ingest(shop, [customer_row(timeZone="Mars/Olympus"), customer_row("c2")], secret=SECRET)
    assert [[problem.code.value for problem in result.problems] for result in results] == [["UNKNOWN_TIME_ZONE"], []]
    assert await db.fetch_value("SELECT array_agg(external_id) FROM customer") == ["c2"]


async def test_shops_that_write_the_same_customers_at_once_do_not_wait_for_each_other_in_a_circle():
    shops = [await make_shop(name) for name in ("bloom", "cedar", "dune")]
    names = [f"c{number}" for number in range(60)]
    for _ in range(5):
        await asyncio.gather(
            *(
                tell(shop, *(customer_row(name, country=country) for name in order))
                for shop, country, order in zip(
                    shops, ("MX", "US", "ID"), (names, names[::-1], names[30:] + names[:30]), strict=True
                )
            )
        )
    countries = await db.fetch_value("SELECT array_agg(DISTINCT country) FROM customer")
    assert len(countries) == 1, "each batch is whole, so the last one is seen in every row"


async def test_fields_that_two_shops_write_at_once_are_both_kept():
    first, second = await make_shop("bloom"), await make_shop("cedar")
    for number in range(10):
        name = f"c{number}"
        await asyncio.gather(
            tell(first, customer_row(name, name="Ana")), tell(second, customer_row(name, email="a@example.com"))
        )
        found = await stored(name)
        assert (found["name"], found["email"]) == ("Ana", "a@example.com")


async def test_suppressing_an_address_keeps_it_once_by_its_key():
    at = (await make_shop()).created_at
    keys = [email_key(address, SECRET) for address in ("ana@example.com", "Ana@Example.com")]

    assert await suppress(keys, reason="BOUNCED", at=at) == 1
    assert await suppress(keys, reason="COMPLAINED", at=at) == 0
    kept = await db.fetch_one("SELECT * FROM suppression")
    assert kept is not None
    assert tuple(kept) == (keys[0], "BOUNCED", at)


async def test_a_name_of_spaces_is_none_and_what_else_is_said_of_the_customer_counts():
    shop = await make_shop()
    await tell(shop, customer_row("c1", name="Ana"), customer_row("c2", name=" Bea\u00a0"))
    await tell(shop, customer_row("c1", name=" \u3000", country="MX"))

    names = await db.fetch("SELECT external_id, name, country FROM customer ORDER BY external_id")
    assert [tuple(row) for row in names] == [("c1", None, "MX"), ("c2", "Bea", None)]


async def test_a_name_that_is_a_way_out_of_the_shop_is_none():
    shop = await make_shop()
    await tell(shop, WHOLE, customer_row("c2", name="visit bit.ly/x"), customer_row("c3", name="Ana. WA: tokobloom"))
    await tell(shop, customer_row("c1", name="0812-3456-7890"))

    names = await db.fetch("SELECT external_id, name, country FROM customer ORDER BY external_id")
    assert [tuple(row) for row in names] == [("c1", None, "MX"), ("c2", None, None), ("c3", None, None)]
