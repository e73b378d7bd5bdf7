"""Write a shop's customers and orders of the day, from files that the shop's system has put down (as PLATFORM).

    .venv/bin/python -m examples.nightly_import bloom customers.ndjson orders.ndjson

Each line is a row as CustomerInput and OrderInput have it. A row that is refused is told with its line and why, and
holds no other up; run it again with the same files and nothing changes. Files of any size: `server.py import`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from client.connection import ApiError
from client.rekindle import Rekindle
from examples.account import connect

BATCH = 250
"""Rows that one call takes at most."""

Rows = list[tuple[int, Any]]
"""Rows, each after the number of its line."""


def main(words: Sequence[str] | None = None) -> int:
    """Write both files; 1 when a row was refused."""
    parser = argparse.ArgumentParser(description="Write a shop's customers and orders from NDJSON files.")
    parser.add_argument("shop", help="external id of the shop")
    parser.add_argument("customers", type=Path)
    parser.add_argument("orders", type=Path)
    told = parser.parse_args(words)
    with connect() as api:
        refused = [
            *write(told.customers, told.shop, lambda rows: customers(api, rows)),
            *write(told.orders, told.shop, lambda rows: orders(api, rows)),
        ]
    for line in refused:
        print(line, file=sys.stderr)
    return 1 if refused else 0


def customers(api: Rekindle, rows: Any) -> Any:
    """Write customers; what became of each row."""
    return api.write_customers(input=rows)["customersUpsert"]


def orders(api: Rekindle, rows: Any) -> Any:
    """Write orders; what became of each row."""
    return api.write_orders(input=rows)["ordersUpsert"]


def write(path: Path, shop: str, send: Callable[[Any], Any]) -> Iterator[str]:
    """Write a file in batches; what was refused, by line."""
    with path.open("rb") as file:
        lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        while batch := list(islice(lines, BATCH)):
            rows: Rows = []
            for number, line in batch:
                try:
                    rows.append((number, json.loads(line)))
                except ValueError as error:
                    yield f"{path}:{number}: {error}"
            if rows:
                yield from (f"{path}{problem}" for problem in written(rows, shop, send))
    print(f"{path}: written")


def written(rows: Rows, shop: str, send: Callable[[Any], Any]) -> Iterator[str]:
    """Write rows. One that the schema does not allow refuses them all, so they are halved until it stands alone."""
    try:
        payload = send({"shop": shop, "rows": [row for _, row in rows]})
    except ApiError as error:
        if error.code != "BAD_USER_INPUT":
            raise
        if len(rows) == 1:
            yield f":{rows[0][0]}: {error}"
        else:
            half = len(rows) // 2
            yield from written(rows[:half], shop, send)
            yield from written(rows[half:], shop, send)
        return
    for problem in payload["userErrors"]:
        yield f": {problem['message']}"
    for result in payload["results"] or []:
        for problem in result["errors"]:
            where = ".".join(problem["field"] or [])
            yield f":{rows[result['index']][0]}: {where} {problem['message']}"


if __name__ == "__main__":
    sys.exit(main())
