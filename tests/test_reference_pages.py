"""What the pages list is what the code has: each table or list by its names and figures, in the code's order."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import stopping
from models import coupon, language, retention, segment, trial
from models.condition.document import write
from models.condition.leaves import Scope
from models.condition.presets import PRESETS
from models.condition.text import read_text
from models.coupon import terms
from models.event import EventKind
from models.export import LEDGER
from models.recommendation.threshold import RecommendationKind, thresholds
from models.scenario import SCENARIOS, Destination
from models.touch.machine import Sign
from models.trigger import TRIGGERS, Parameter, Trigger
from models.webhook import MOST_WEBHOOKS, posting
from models.webhook.fact import WebhookFact
from operations import command_line, file_import, trouble
from schema.cost import limits

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCOPE = Scope("UTC", "USD")


def section(page: str, title: str = "") -> str:
    """The text of a page, or of what stands below one of its headings."""
    text = (DOCS / page).read_text("utf-8")
    if not title:
        return text
    assert f"\n{title}\n" in text, title
    return re.split(r"^#+ ", text.partition(f"\n{title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str) -> list[list[str]]:
    """The rows of a text's tables, without their heads."""
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    rules = [place for place, row in enumerate(rows) if all(re.fullmatch(":?-+:?", cell.strip()) for cell in row)]
    return [row for place, row in enumerate(rows) if place not in rules and place + 1 not in rules]


def names(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def test_the_presets_are_told_by_their_conditions():
    told = {row[0]: names(row[1])[0] for row in cells(section("segments.md")) if row[0] in PRESETS}

    assert list(told) == list(PRESETS)
    assert {preset: write(read_text(line, SCOPE).conditions) for preset, line in told.items()} == {
        preset: write(condition) for preset, (_, condition) in PRESETS.items()
    }


@pytest.mark.parametrize(
    "line", [line for row in cells(section("segments.md", "## Writing a condition"))[1:] for line in names(row[1])]
)
def test_every_line_of_text_that_is_shown_is_a_condition(line: str):
    if "…" not in line:
        read_text(line, SCOPE)


def bounds(parameter: Parameter) -> str:
    """The bounds of a number, as the table of triggers has them."""
    return f"{parameter.least:,}–{parameter.greatest:,}"


def steps_of(trigger: Trigger) -> str:
    """The steps of a trigger, as the table has them: their default, bounds and number."""
    (steps,) = [each for each in trigger.parameters if each.name == "steps"]
    assert isinstance(steps.default, tuple)
    return f"{', '.join(f'{each:,}' for each in steps.default)}; {bounds(steps)}; {steps.most}"


def others_of(trigger: Trigger) -> list[str]:
    """The other parameters of a trigger, as the table has them: name, default, bounds."""
    told = []
    for each in trigger.parameters:
        if each.name != "steps" and each.options:
            told.append(f"`{each.name}` all of {', '.join(each.options)}")
        elif each.name != "steps":
            default = str(each.default).lower() if isinstance(each.default, bool) else each.default
            told.append(f"`{each.name}` {default}" + (f", {bounds(each)}" if each.least is not None else ""))
    return told


def test_each_trigger_is_told_with_its_parameters_and_its_button():
    told = [
        (names(code)[0], re.sub(r" \([^)]*\)", "", steps), [each for each in others.split("; ") if each], button)
        for code, steps, others, _, button in cells(section("automation.md", "## Triggers"))
    ]
    assert told == [
        (code, steps_of(trigger), others_of(trigger), trigger.scenario.destination)
        for code, trigger in TRIGGERS.items()
    ]


def test_each_scenario_is_told_with_its_button_and_variables():
    places = {"products": Destination.PRODUCTS, "the store": Destination.STORE, "the LIVE": Destination.LIVE}
    places |= {"the product": Destination.PRODUCT, "the cart": Destination.CART}
    rows = [row for row in cells(section("templates.md")) if row[0] in SCENARIOS]

    assert [(code, places[button], set(names(variables))) for code, _, button, variables in rows] == [
        (scenario.code, scenario.destination, set(scenario.concerns)) for scenario in SCENARIOS.values()
    ]


def test_each_recommendation_is_told_with_its_limits_and_priority():
    rows = {names(row[0])[0]: row[1:] for row in cells(section("recommendations.md"))}

    assert list(rows) == list(RecommendationKind)
    for kind in RecommendationKind:
        limits_of = thresholds().limits[kind]
        least = {f"{value:,}" for name, value in limits_of.items() if name.startswith("least_")}
        shares = (
            {f"{limits_of['percent']:g} %"}
            if "percent" in limits_of and kind is not RecommendationKind.QUOTA_UNUSED
            else set()
        )
        said = f"{rows[kind][0]} {rows[kind][1]}"
        assert {figure for figure in least | shares if figure not in said} == set(), kind
        assert rows[kind][-1] == str(thresholds().priorities[kind])


def test_each_fact_is_told_by_its_type():
    told = [
        pair
        for row in cells(section("webhooks.md", "## Webhooks"))
        if len(row) == 3
        for pair in zip(row[0].split(", ") if row[0] else ["TEST"], names(row[1]), strict=True)
    ]
    assert told == [(fact.name, fact.value) for fact in WebhookFact]


def test_the_columns_of_a_ledger_are_told_in_their_order():
    told = [name for row in cells(section("exports.md")) for name in names(row[0])]

    assert told == list(LEDGER)


def test_every_sign_of_a_machine_is_told():
    assert [names(row[0])[0] for row in cells(section("tracking.md"))] == list(Sign)


def test_every_kind_of_event_is_told():
    paragraphs = section("import.md", "## Event").split("\n\n")
    told = next(names(each) for each in paragraphs if each.startswith("`PRODUCT_VIEWED`"))

    assert told == list(EventKind)


def test_each_example_of_a_language_gets_the_text_that_it_says():
    rows = cells(section("languages.md", "## Which text a customer reads"))
    wanted = {row[0]: names(row[0])[0] if "`" in row[0] else None for row in rows}

    assert len(rows) > 5
    for said, available, chosen, _ in rows:
        texts = available.split(", ")
        assert language.choose(wanted[said], texts, "en") == chosen.split(",")[0], said


def test_the_limits_of_a_document_are_told():
    told = re.sub(r"\s+", " ", section("api.md", "## Errors"))

    assert (
        f"Limits: {limits.MAX_BODY // 1024} KiB a request (64 KiB a WebSocket message), {limits.MAX_TOKENS:,} tokens and "
        f"{limits.MAX_SOURCE_LENGTH:,} characters a document, {limits.MAX_DEPTH} levels, {limits.MAX_ALIASES} aliases of "
        f"up to {limits.LONGEST_ALIAS} letters, {limits.MAX_SELECTIONS} selections, one field {limits.MAX_REPEATS} times in one place, "
        f"{limits.MAX_COST:,} points of cost"
    ) in told


def test_how_a_worker_stops_and_how_commands_end_is_told():
    told = re.sub(r"\s+", " ", section("operations.md", "## Processes"))
    drain, store = (f"{limit.total_seconds():g} s" for limit in (stopping.DRAIN, stopping.CLOSE_WITHIN))

    assert f"finishes what is on the wire ({drain} at most) and stores what came of it ({store})" in told
    assert f"it ends within {stopping.STOP_WITHIN.total_seconds():g} s, for which `run`," in told
    assert f"{trouble.BAD_USAGE} when it cannot be done" in told
    assert f"{command_line.INTERRUPTED} is Ctrl-C, and {command_line.READER_GONE} that nobody reads" in told
    assert f"and {file_import.SOME_REFUSED} when the file was read to its end" in section("import.md")


def hours(limit: timedelta) -> str:
    """A limit in hours, as pages write it."""
    return f"{limit / timedelta(hours=1):g}"


def test_how_often_a_webhook_is_asked_again_is_told():
    told = re.sub(r"\s+", " ", section("webhooks.md", "## Webhooks"))
    seconds, *minutes = [delay.total_seconds() for delay in posting.DELAYS if delay < timedelta(hours=1)]
    *most, last = [hours(delay) for delay in posting.DELAYS if delay >= timedelta(hours=1)]
    short = " and ".join(f"{each / 60:g}" for each in minutes)

    assert f"after {seconds:g} seconds, {short} minutes, {', '.join(most)} and {last} hours" in told
    assert f"more than {posting.MOST_WAITING:,} requests wait" in told
    assert MOST_WEBHOOKS == 10
    assert "may have up to ten" in told


def test_how_many_segments_and_coupons_a_shop_may_have_is_told():
    segments, coupons = (
        re.sub(r"\s+", " ", text)
        for text in (section("segments.md", "## What exactly is meant"), section("rules.md", "## Coupons (R15)"))
    )
    validity, total, customer = terms.MAX_VALIDITY.days, terms.MAX_TOTAL, terms.MAX_PER_CUSTOMER

    assert f"{segment.MAX_SEGMENTS:,} segments a shop, presets included" in segments
    assert f"at most {coupon.MAX_OPEN} coupons that have not ended. One starts within {validity} days" in coupons
    assert f"has 1 to {total:,} claims in all, and 1 to {customer} for a customer" in coupons


def test_how_long_contacts_are_kept_is_told():
    rows = {row[0]: row[1] for row in cells(section("privacy.md", "## What is kept how long"))}

    assert rows["on which days somebody was written to"] == f"{retention.CONTACT_DAYS} days"


def test_how_many_trials_a_shop_may_send_is_told():
    assert (trial.MOST_ADDRESSES, trial.MOST_A_DAY) == (5, 50)
    assert "at most five at once and fifty a shop in 24 hours" in section("concepts.md")
