"""An export of a customer holds everything that is stored of them, and nothing of others."""

import json

import pytest

from models import customer_export, database
from models.clock import Clock, now
from models.errors import Refused
from models.identifier import customer_id
from tests.known_person import ID, PERSON, a_life

pytestmark = pytest.mark.usefixtures("database")


async def test_an_export_holds_everything_and_nothing_of_others(clock: Clock):
    await a_life(clock)

    whole = json.loads((await customer_export.export(PERSON)).document)

    assert whole["externalId"] == PERSON and set(whole["shops"].values()) == {"Bloom", "Other"}
    assert set(whole["tables"]) >= {
        "customer",
        "orders",
        "event",
        "relationship",
        "delivery",
        "claim",
        "remark",
        "touch",
    }
    assert whole["tables"]["customer"][0]["email"] == "zebulon@quux.example"
    assert len(whole["tables"]["orders"]) == 5
    assert "Hi Zebulon Quux, greetings from Bloom" in {each.get("text") for each in whole["messages"]}
    assert "anna" not in json.dumps(whole)  # who of a shop's staff wrote to them
    assert {remark["author"] for remark in whole["tables"]["remark"]} == {"SHOPPER", "SELLER"}
    assert '"c0"' not in json.dumps(whole) and str(customer_id("c0")) not in json.dumps(whole)
    assert "suppression" not in whole["tables"]
    await database.execute(
        "INSERT INTO suppression SELECT email_key, 'BOUNCED', $2 FROM customer WHERE id = $1", ID, now()
    )
    told = json.loads((await customer_export.export(PERSON)).document)
    assert [each["reason"] for each in told["tables"]["suppression"]] == ["BOUNCED"]
    cut = await customer_export.export(PERSON, most_rows=1)
    assert "orders" in cut.cut and len(json.loads(cut.document)["tables"]["orders"]) == 1
    with pytest.raises(Refused):
        await customer_export.export("nobody")
