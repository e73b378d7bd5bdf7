"""Send a plan to one of the shop's preset segments, and tell how it goes (as a seller).

    .venv/bin/python -m examples.plan_from_a_script REPEAT "Spring news" "Hi {name}, {shop} has news for you." --key spring-2026

With the same key it is one plan, however often the script is run: a script that was cut off is just run again.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from client.rekindle import PlanProgress, PlanProgressPlan, Rekindle
from examples.account import connect

OVER = {"SENT", "ENDED", "CANCELLED", "PAUSED", "DELETED"}
"""Statuses in which nothing more goes out by itself."""


def main(words: Sequence[str] | None = None) -> int:
    """Draft, submit and watch; 1 when it was refused."""
    parser = argparse.ArgumentParser(description="Send a plan by chat to a preset segment.")
    parser.add_argument("preset", help="REPEAT, RECENT, LAPSED …")
    parser.add_argument("name")
    parser.add_argument("text", help="in English, with ICU MessageFormat's variables")
    parser.add_argument("--key", required=True, help="your own name for this one plan")
    parser.add_argument("--glance", type=float, default=5.0, help="seconds between two looks (default: 5)")
    told = parser.parse_args(words)
    with connect() as api:
        plan = submit(api, told.preset, told.name, told.text, told.key)
        if plan is None:
            return 1
        while (found := progress(api, plan))["status"] not in OVER:
            time.sleep(told.glance)
    figures = found["progress"]
    print(f"{plan}: {found['status']}, {figures['sent']} of {figures['recipients']} sent" if figures else plan)
    return 0


def submit(api: Rekindle, preset: str, name: str, text: str, key: str) -> str | None:
    """Draft and submit a plan; its id, or None when something has to be mended first."""
    segments = api.segments(first=50)["segments"]["nodes"]
    segment = next((each["id"] for each in segments if each["preset"] == preset), None)
    if segment is None:
        print(f"there is no preset {preset}", file=sys.stderr)
        return None
    drafted = api.create_plan(
        input={
            "name": name, "channel": "CHAT", "segmentId": segment, "texts": [{"language": "en", "text": text}],
            "idempotencyKey": f"{key}:draft",
        }
    )["planCreate"]  # fmt: skip
    plan = drafted["plan"]
    problems = drafted["userErrors"]
    if plan is not None:
        problems = api.submit_plan(input={"id": plan["id"], "idempotencyKey": f"{key}:submit"})["planSubmit"][
            "userErrors"
        ]
    for problem in problems:
        print(f"{'.'.join(problem['field'] or [])}: {problem['message']}", file=sys.stderr)
    return plan["id"] if plan is not None and not problems else None


def progress(api: Rekindle, plan: str) -> PlanProgressPlan:
    """How the plan goes."""
    answer: PlanProgress = api.plan_progress(id=plan)
    found = answer["plan"]
    assert found is not None, "the plan is there: it was just submitted"
    return found


if __name__ == "__main__":
    sys.exit(main())
