"""The yardstick of the API: a bare Strawberry app that serves one JSON object from memory.

No database, no tokens, no limits: its types are made from the object in the file that BENCH_ANSWER names.
"""

import os
from pathlib import Path
from typing import Any

import orjson
import strawberry
from starlette.applications import Starlette
from strawberry.asgi import GraphQL


def type_of(name: str, value: Any) -> Any:
    """The Strawberry type of a JSON value."""
    if isinstance(value, dict):
        fields = {key: type_of(f"{name}_{key}", inner) for key, inner in value.items()}
        plain = type(name, (), {"__annotations__": fields})
        return strawberry.type(plain)
    if isinstance(value, list):
        return list[type_of(name, value[0])]  # type: ignore[misc] # made as it runs
    return type(value)


def instance_of(kind: Any, value: Any) -> Any:
    """The value as an instance of its type."""
    if isinstance(value, dict):
        return kind(**{key: instance_of(kind.__annotations__[key], inner) for key, inner in value.items()})
    if isinstance(value, list):
        return [instance_of(kind.__args__[0], inner) for inner in value]
    return value


def create_app() -> Starlette:
    """An app that answers any selection of the object."""
    answer = orjson.loads(Path(os.environ["BENCH_ANSWER"]).read_bytes())
    kind = type_of("Query", answer)
    app = Starlette()
    schema = strawberry.Schema(query=kind)
    root = instance_of(kind, answer)

    class Bare(GraphQL[None, Any]):
        async def get_root_value(self, request: Any) -> Any:  # noqa: ARG002 - as its parent has it
            return root

    app.mount("/", Bare(schema))
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), port=int(os.environ["PORT"]), loop="uvloop", http="httptools", log_config=None)
