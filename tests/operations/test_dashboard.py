"""What the dashboard and the page for operators name is what /metrics tells."""

import json
import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from server import create_app
from settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = re.compile(r"\b(?:rekindle|process)_[a-z_]+[a-z]\b")


async def told(settings: Settings) -> set[str]:
    """The names of all samples and families of a process that has answered something."""
    token = "a token for monitors"
    app = create_app(settings.model_copy(update={"metrics_token": SecretStr(token)}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        await client.post("/graphql", json={"query": "{ __typename }"})
        answer = await client.get("/metrics", headers={"authorization": f"Bearer {token}"})
    families = list(text_string_to_metric_families(answer.text))
    names = {family.name for family in families} | {sample.name for family in families for sample in family.samples}
    return names | {f"{family.name}_total" for family in families if family.type == "counter"}


async def test_every_figure_of_the_dashboard_exists(database: None, settings: Settings):
    panels = json.loads((DOCS / "grafana.json").read_text("utf-8"))["panels"]
    named = {name for panel in panels for target in panel["targets"] for name in NAMES.findall(target["expr"])}

    assert len(named) > 12
    assert (
        named - await told(settings) - {"rekindle_sweep_age_seconds"} == set()
    )  # there is none before the first sweep


async def test_the_page_tells_every_figure_and_no_other(database: None, settings: Settings):
    page = (DOCS / "operations.md").read_text("utf-8")
    told_of = page.partition("## Metrics")[2].partition("## Logs")[0]
    named = {name for name in NAMES.findall(told_of) if name.startswith("rekindle")}
    of_ours = {
        name for name in await told(settings)
        if name.startswith("rekindle") and not name.endswith(("_bucket", "_sum", "_count"))
    }  # fmt: skip
    table = set(re.findall(r"`(rekindle_[a-z_]+)", page.partition("| metric |")[2].partition("\nAlerts")[0]))
    without_total = {"rekindle_operations", "rekindle_relay_messages"}  # as families; their samples end in _total

    assert named - of_ours == {"rekindle_sweep_age_seconds"}
    assert of_ours - without_total - table == set()


def test_panels_do_not_cover_each_other():
    panels = json.loads((DOCS / "grafana.json").read_text("utf-8"))["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]

    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels})
    assert all(panel["gridPos"]["w"] <= 8 for panel in panels)
