"""Save what became of each of a plan's messages as CSV (as a seller).

    .venv/bin/python -m examples.export_results PLAN results.csv

The file is there whole or not at all: it is written beside its name first.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.account import connect


def main(words: Sequence[str] | None = None) -> int:
    """Save a plan's ledger; 1 when there is no such plan."""
    parser = argparse.ArgumentParser(description="Save a plan's ledger as CSV.")
    parser.add_argument("plan", help="global id of the plan")
    parser.add_argument("file", type=Path)
    told = parser.parse_args(words)
    with connect() as api:
        plan = api.plan_export(id=told.plan)["plan"]
        if plan is None:
            print(f"there is no plan {told.plan}", file=sys.stderr)
            return 1
        draft = told.file.with_name(f"{told.file.name}.part")
        with draft.open("wb") as file:
            for piece in api.download(plan["export"]["url"]):
                file.write(piece)
        draft.rename(told.file)
    print(f"{told.file}: {told.file.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
