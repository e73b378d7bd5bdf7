"""The example of docs/experiments.md is true: its groups are stored, and the API answers its numbers."""

from pathlib import Path

import pytest

from models import database
from models.clock import now
from models.identifier import customer_id
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_draft, make_shop

PAGE = (Path(__file__).parents[1] / "docs" / "experiments.md").read_text("utf-8")

DIFFERENCE = "treated heldOut difference low high extra extraLow extraHigh"
LIFT = f"""
query ($id: ID!) {{ plan(id: $id) {{ lift {{ days comparison {{
  treated {{ customers buyers orders gmv }} heldOut {{ customers buyers orders gmv }}
  buyers {{ {DIFFERENCE} }} gmv {{ {DIFFERENCE} }} shortage
}} }} }} }}"""


def table(name: str) -> dict[str, dict[str, str]]:
    """The rows of the table after the comment of this name, by their first cell."""
    lines = PAGE.partition(f"<!-- {name} -->\n")[2].partition("\n\n")[0].splitlines()
    headings, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(headings[1:], row[1:], strict=True)) for row in rows}


@pytest.mark.usefixtures("database")
async def test_the_lift_of_the_example_is_that_of_the_page(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop, holdout_percent=20)
    for name, row in table("groups").items():
        ids = [customer_id(f"{name}-{number}") for number in range(int(row["customers"]))]
        await database.execute(
            "INSERT INTO delivery (plan_id, customer_id, shop_id, state, reason, created_at)"
            " SELECT $1, id, $2, $3::delivery_state, $4, $5 FROM unnest($6::uuid[]) AS t(id)",
            plan.id, shop.id, *(("HELD_OUT", "HOLDOUT") if name == "heldOut" else ("SENT", None)), now(), ids,
        )  # fmt: skip
        await database.execute(
            "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
            " SELECT id, id, $1, 'any', $2, $3, 'PLACED', $2 FROM unnest($4::uuid[]) AS t(id)",
            shop.id, now(), int(row["each for"]), ids[: int(row["buyers"])],
        )  # fmt: skip

    data = await api.data(LIFT, seller(shop), id=global_id.encode("Plan", plan.id))

    found = data["plan"]["lift"]["comparison"]
    assert data["plan"]["lift"]["days"] == 14 and found["shortage"] is None
    for name, row in table("groups").items():
        buyers = int(row["buyers"])
        assert found[name] == {
            "customers": int(row["customers"]), "buyers": buyers, "orders": buyers, "gmv": buyers * int(row["each for"]),
        }  # fmt: skip
    for measure, told in table("lift").items():
        assert {name: rounded(found[measure][name], like=cell) for name, cell in told.items()} == told


def rounded(value: float, *, like: str) -> str:
    """A number to as many decimals as the page tells."""
    return f"{value:.{len(like.partition('.')[2])}f}"
