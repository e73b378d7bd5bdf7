"""The log of a whole run: every line is JSON, ids lead from a request to its plan, and nobody is in it."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from models import database as db
from models.caller import Role
from models.clock import now
from models.plan import PlanChannel
from models.shop import Shop
from models.signed_link import Link, Purpose, keys_of, sign
from settings import Settings
from tests.api import token_of
from tests.factories import make_customers, make_resolved, make_shop
from tests.processes import ROOT, environment, free_port
from tests.smtp_sink import Conversation, Sink, Stage

NAME = "Anastasia Quellwasser"
SECRETS = {"METRICS_TOKEN": "metrics-token-0123456789", "LINK_KEYS": "link-key-0123456789-0123456789-0123456789"}


@contextmanager
def running(settings: Settings, log: Path, *arguments: str, **more: str) -> Iterator[None]:
    """A process of ours whose output goes to a file, stopped in order at the end."""
    more = {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO", "SWEEP_INTERVAL": "PT0.5S", "CLOCK": now().isoformat(), **more}
    told = environment(settings, **more)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "server.py", *arguments], cwd=ROOT, env=told, stdout=output, stderr=output
        )
        try:
            yield
        finally:
            child.terminate()
            child.wait(90)


def scripted(stage: Stage, conversation: Conversation) -> str | None:
    """Every third recipient is refused, in words that name them."""
    if stage is Stage.RCPT and conversation.message % 3 == 0:
        return f"550 5.1.1 <{conversation.recipient}>: {NAME} is unknown here"
    return None


@pytest.mark.usefixtures("redis")
async def test_the_log_of_a_whole_run_is_json_and_tells_of_nobody(database: None, settings: Settings, tmp_path: Path):
    sink = Sink(tmp_path / "journal")
    sink.script = scripted
    settings = settings.model_copy(update={"smtp_url": sink.start()})
    shop = await make_shop()
    customers = await make_customers(shop, 9, name=NAME)
    await db.execute("UPDATE customer SET email = 'quell.' || external_id || '@Wasser.example'")
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    log, port = tmp_path / "log", free_port()
    with (
        running(settings, log, "serve", PORT=str(port), **SECRETS),
        running(settings, log, "work", **SECRETS),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        wait_for(client)
        misuse(client, settings, shop, customers[0])
        await until_nothing_waits(plan.id)
    sink.stop()

    text = log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines() if not line.startswith("serving http")]
    assert leaks(text, settings) == []
    assert {"answered", "job ended"} <= {line["event"] for line in lines}
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines)
    assert {line["plan"] for line in lines if line.get("job") == "deliver_slice"} == {plan.id}
    assert {line["request"] for line in lines if line["event"] == "answered"} >= {"the-edge-said-this"}
    assert [line["operation"] for line in lines if line.get("request") == "the-edge-said-this"] == ["Looking"]


def wait_for(client: httpx.Client) -> None:
    """Until the API answers."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            client.get("/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the API does not answer")


def misuse(client: httpx.Client, settings: Settings, shop: Shop, customer: UUID) -> None:
    """Ask as callers do, well and badly, with personal data wherever it fits."""
    seller = {"authorization": f"Bearer {token_of(Role.OWNER, shop=shop.external_id)}"}
    link = sign(keys_of(settings)[0], Purpose.UNSUBSCRIBE, Link(shop.id, 1, customer))
    client.post(
        "/graphql", json={"query": "query Looking { __typename }"}, headers={"X-Request-ID": "the-edge-said-this"}
    )
    by_id = '{ node(id: "quell.1@wasser.example") { id } }'
    for query in ("{ nothing }", "{", by_id, "{ segments(first: 999) { nodes { id } } }"):
        client.post("/graphql", json={"query": query, "variables": {"name": NAME}}, headers=seller)
        client.get("/graphql", params={"query": query, "variables": json.dumps({"email": "quell.1@wasser.example"})})
    client.post("/graphql", json={"query": "{ a }"}, headers={"authorization": f"{seller['authorization']}x"})
    client.post(f"/unsubscribe/{link}")
    client.get("/unsubscribe/quell.1@wasser.example")
    client.get("/quell.1@wasser.example", params={"name": NAME})
    client.get("/metrics", headers={"authorization": f"Bearer {SECRETS['METRICS_TOKEN']}x"})


async def until_nothing_waits(plan_id: int) -> None:
    """Until every message of the plan has an outcome."""
    deadline = time.monotonic() + 90
    while await db.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1 AND state = 'PENDING'", plan_id):
        assert time.monotonic() < deadline, "the worker sends nothing"
        await asyncio.sleep(0.2)


def leaks(text: str, settings: Settings) -> list[str]:
    """What is in a log that must not be."""
    kept = [settings.token_secret, settings.secret_key]
    secrets = [secret.get_secret_value() for secret in kept if secret] + list(SECRETS.values())
    personal = ["quell", "wasser.example", *NAME.lower().split()]
    patterns = [r"\beyJ[\w-]{10,}", r"[\w.]+@[\w.]+\w", r"/unsubscribe/\w"]
    return [
        *(word for word in (*secrets, *personal) if word.lower() in text.lower()),
        *(found for pattern in patterns for found in re.findall(pattern, text)),
    ]
