"""CDNOW's history through the whole system: imported, segmented and written to by separate processes."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from local.mailbox import Mailbox
from settings import Settings
from tests.processes import api, command, process

TODAY = "1998-06-30T00:00:00Z"
EARLIER = "1997-03-20T00:00:00Z"
SIZES = {
    TODAY: {"RECENT": 0, "REPEAT": 1506, "FREQUENT": 1219, "LAPSED": 5031},
    EARLIER: {"RECENT": 8979, "REPEAT": 2928, "FREQUENT": 4232, "LAPSED": 0},
}
"""What the data's own page counts, by date and preset."""

TEXTS = [
    {"language": "en", "text": "Hi {name}, new albums are in.", "subject": "New albums"},
    {"language": "es", "text": "Hola {name}, hay discos nuevos.", "subject": "Discos nuevos"},
]
SHOPS = "mutation ($input: ShopsUpsertInput!) { shopsUpsert(input: $input) { userErrors { message } } }"
SIZES_AT = "query ($at: DateTime) { segments(first: 10) { nodes { id preset size(asOf: $at) } } }"
CREATE = "mutation ($input: PlanCreateInput!) { planCreate(input: $input) { plan { id } userErrors { message } } }"
SUBMIT = "mutation ($id: ID!) { planSubmit(input: {id: $id}) { plan { status } userErrors { message } } }"
WATCH = "subscription ($id: ID!) { planProgress(planId: $id) { status version recipients sent } }"


def write_rows(orders: Path, target: Path) -> int:
    """Rows of all customers and orders in the file format; how many customers have an address (every third)."""
    customers = set()
    with orders.open() as source, target.open("w") as rows:
        for line in csv.DictReader(source):
            if line["customer"] not in customers:
                customers.add(line["customer"])
                rows.write(json.dumps(customer_row(line["customer"])) + "\n")
            rows.write(json.dumps(order_row(line)) + "\n")
    return len(customers)


def has_address(customer: str) -> bool:
    """Every third customer left an address and consented."""
    return int(customer) % 3 == 0


def customer_row(customer: str) -> dict[str, Any]:
    """A customer of CDNOW, half of them Spanish-speaking."""
    row: dict[str, Any] = {"type": "customer", "externalId": customer, "name": f"Listener {customer}"}
    row["language"] = "es-MX" if int(customer) % 2 else "en-US"
    if has_address(customer):
        row["email"] = f"listener{customer}@example.com"
        row["emailConsent"] = {"state": "SUBSCRIBED", "source": "checkout", "at": "1997-01-01T00:00:00Z"}
    return row


def order_row(line: dict[str, str]) -> dict[str, Any]:
    """An order of CDNOW, its amount in cents."""
    return {
        "type": "order", "externalId": line["order"], "customer": line["customer"],
        "orderedAt": f"{line['date']}T00:00:00Z", "amount": round(float(line["amount"]) * 100), "currency": "USD",
    }  # fmt: skip


def token(settings: Settings, role: str, **more: str) -> str:
    """A bearer token as the command line prints it."""
    options = [part for name, value in more.items() for part in (f"--{name}", value)]
    printed = command(settings, "token", "--role", role, *options, CLOCK=TODAY)
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.strip().splitlines()[-1].removeprefix("Bearer ")


def client(base: str, bearer: str) -> Client:
    """A stock Python client of the API."""
    return Client(
        transport=HTTPXAsyncTransport(url=f"{base}/graphql", headers={"Authorization": f"Bearer {bearer}"}, timeout=30)
    )


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("database", "redis")
async def test_a_plan_over_cdnows_repeat_customers_reaches_each_of_them_once(
    settings: Settings, mailbox: Mailbox, cdnow: Path, tmp_path: Path
):
    rows = tmp_path / "cdnow.ndjson"
    assert write_rows(cdnow, rows) == 23_570

    with api(settings, CLOCK=TODAY) as base, process(settings, "work", CLOCK=TODAY, SWEEP_INTERVAL="PT1S"):
        await make_shop(base, token(settings, "PLATFORM"))
        imported = command(settings, "import", str(rows), "--shop", "cdnow", CLOCK=TODAY)
        assert imported.returncode == 0, imported.stderr
        seller = token(settings, "OWNER", shop="cdnow")

        for date, sizes in SIZES.items():
            assert await sizes_as_of(base, seller, date) == sizes
        chat = await send(base, seller, "CHAT")
        assert (chat["recipients"], chat["sent"]) == (1506, 1506)
        email = await send(base, seller, "EMAIL")

    assert email["recipients"] == 1506
    assert email["sent"] == mailbox.count() == len({entry.recipients for entry in mailbox.entries(limit=2000)})
    assert email["sent"] > 400


async def make_shop(base: str, bearer: str) -> None:
    """The store, written by the platform."""
    shop = {
        "externalId": "cdnow", "name": "CDNOW", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
        "score": 4.5, "gmv": 250_031_563, "postalAddress": "1 Main St",
    }  # fmt: skip
    async with client(base, bearer) as session:
        answer = await ask(session, SHOPS, input={"rows": [shop]})
    assert answer["shopsUpsert"]["userErrors"] == []


async def ask(session: Any, operation: str, **variables: Any) -> dict[str, Any]:
    """The answer's data; errors raise."""
    data: dict[str, Any] = await session.execute(GraphQLRequest(operation, variable_values=variables))
    return data


async def sizes_as_of(base: str, bearer: str, date: str) -> dict[str, int]:
    """The sizes of the order presets at a date; live ones for today."""
    async with client(base, bearer) as session:
        history = (await ask(session, SIZES_AT, at=date))["segments"]["nodes"]
        now = (await ask(session, SIZES_AT))["segments"]["nodes"]
    if date == TODAY:
        assert now == history
    return {node["preset"]: node["size"] for node in history if node["preset"] in SIZES[TODAY]}


async def send(base: str, bearer: str, channel: str) -> dict[str, Any]:
    """Draft, submit and follow a plan to REPEAT until it is over; its last figures."""
    async with client(base, bearer) as session:
        presets = (await ask(session, SIZES_AT))["segments"]["nodes"]
        repeat = next(node["id"] for node in presets if node["preset"] == "REPEAT")
        draft = {"name": f"New albums by {channel}", "channel": channel, "segmentId": repeat, "texts": TEXTS}
        created = (await ask(session, CREATE, input=draft))["planCreate"]
        assert created["userErrors"] == []
        submitted = (await ask(session, SUBMIT, id=created["plan"]["id"]))["planSubmit"]
        assert submitted["userErrors"] == []
    return await follow(base, bearer, created["plan"]["id"])


async def follow(base: str, bearer: str, plan: str) -> dict[str, Any]:
    """The figures of the plan's last event; versions rise on the way, and a snapshot comes first."""
    transport = WebsocketsTransport(
        url=f"{base.replace('http', 'ws')}/graphql",
        init_payload={"authorization": f"Bearer {bearer}"},
        subprotocols=["graphql-transport-ws"],
    )
    async with Client(transport=transport) as session:
        watch = GraphQLRequest(WATCH, variable_values={"id": plan})
        events: list[dict[str, Any]] = [event["planProgress"] async for event in session.subscribe(watch)]
    versions = [event["version"] for event in events]
    assert versions == sorted(set(versions))
    assert events[-1]["status"] == "SENT"
    return events[-1]
