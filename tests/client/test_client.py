"""The generated client is the one that the schema gives, and its connection is patient with care."""

from collections.abc import Callable, Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import httpx
import pytest
from graphql import build_schema

from client.connection import ApiError, Connection
from client.generator import ROOT, Generator, generate
from client.rekindle import Rekindle
from schema import schema

SMALL = """
type Query { plan(id: ID!, kind: Kind = A): Plan, plans: [Plan!]! }
type Plan { id: ID!, name: String, tags: [String!]!, when: Date }
type Mutation { make(input: Make!): Plan! }
input Make { name: String!, kind: Kind!, size: Int = 1, inner: [Make!] }
enum Kind { A B }
scalar Date
"""


def test_the_client_is_what_the_schema_gives():
    assert (ROOT / "client" / "rekindle.py").read_text("utf-8") == generate(), "run: python -m client"


def test_every_operation_of_the_client_is_valid():
    Generator(schema._schema, (ROOT / "client" / "operations.graphql").read_text("utf-8"))


def made(operations: str) -> str:
    """The client of the small schema with these operations."""
    return Generator(build_schema(SMALL), operations).module()


def test_answers_are_typed_as_they_are_selected():
    text = made(
        "query Look($id: ID!, $kind: Kind = A) { a: plan(id: $id, kind: $kind) { id name tags when } plans { id } }"
    )

    assert (
        "class LookA(TypedDict):\n    id: str\n    name: str | None\n    tags: list[str]\n    when: str | None\n"
        in text
    )
    assert "class Look(TypedDict):\n    a: LookA | None\n    plans: list[LookPlans]\n" in text
    assert 'Kind = Literal["A", "B"]' in text
    assert "class LookVariables(TypedDict):\n    id: str\n    kind: NotRequired[Kind | None]\n" in text
    assert "    def look(self, **variables: Unpack[LookVariables]) -> Look:\n" in text


def test_inputs_say_what_may_be_left_out():
    text = made("mutation MakeIt($input: Make!) { make(input: $input) { id } }")

    assert (
        "class Make(TypedDict):\n    name: str\n    kind: Kind\n"
        "    size: NotRequired[int | None]\n    inner: NotRequired[list[Make] | None]\n"
    ) in text


def loaded(text: str, folder: Path) -> dict[str, Any]:
    """What a client has once Python has read it."""
    path = folder / "made.py"
    path.write_text(text, "utf-8")
    return run_path(str(path))


def test_a_client_can_be_loaded_though_an_input_holds_itself(tmp_path: Path):
    found = loaded(made("mutation MakeIt($input: Make!) { make(input: $input) { id } }"), tmp_path)

    assert set(found["Make"].__annotations__) == {"name", "kind", "size", "inner"}


def test_a_client_can_be_loaded_though_fields_of_an_input_are_words_of_python(tmp_path: Path):
    operation = "mutation Make($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } } }"

    found = loaded(Generator(schema._schema, operation).module(), tmp_path)

    assert set(found["MomentConditionInput"].__annotations__) == {"withinDays", "from", "to"}
    assert {"all", "any", "not", "orders"} <= set(found["ConditionInput"].__annotations__)


def test_an_operation_that_the_schema_does_not_know_is_refused():
    with pytest.raises(ValueError, match="Cannot query field 'nothing'"):
        made("query Look { nothing }")


class Server:
    """Answers what it is told to, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def failed(code: str, **extensions: Any) -> dict[str, Any]:
    return {"errors": [{"message": "no", "extensions": {"code": code, **extensions}}]}


DONE = {"data": {"done": True}}
QUERY, MUTATION = "query Q { done }", "mutation M { done }"
KEYED = {"input": {"idempotencyKey": "k"}}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, which take no time here."""
    waits: list[float] = []
    monkeypatch.setattr("client.connection.time.sleep", waits.append)
    return waits


@pytest.fixture
def talking() -> Iterator[Callable[..., Any]]:
    made: list[Connection] = []

    def talk(server: Server, kind: type[Connection] = Connection) -> Connection:
        connected = kind("http://test", "token")
        connected._client = httpx.Client(transport=httpx.MockTransport(server), base_url="http://test")
        made.append(connected)
        return connected

    yield talk
    for each in made:
        each.close()


def test_what_is_throttled_is_tried_again_after_as_long_as_the_server_says(talking, waits):
    server = Server(failed("THROTTLED", retryAfter=3.5), failed("THROTTLED", retryAfter=900), DONE)

    assert talking(server).run(MUTATION, {}) == {"done": True}
    assert waits == [3.5, 30.0]


@pytest.mark.parametrize(("document", "variables"), [(QUERY, {}), (MUTATION, KEYED)])
@pytest.mark.parametrize("trouble", [failed("UNAVAILABLE"), httpx.ConnectError("gone")])
def test_what_may_be_repeated_is_tried_again_when_nobody_answers(talking, waits, document, variables, trouble):
    assert talking(Server(trouble, DONE)).run(document, variables) == {"done": True}
    assert waits == [1.0]


def test_a_query_as_the_generated_client_has_it_is_one_that_may_be_repeated(talking, waits):
    told = {"plan": None}
    server = Server(httpx.ConnectError("gone"), {"data": told}, failed("UNAVAILABLE"), {"data": told})
    rekindle = talking(server, Rekindle)

    assert rekindle.plan_progress(id="1") == rekindle.plan_export(id="1") == told
    assert waits == [1.0, 1.0]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_stands_before_a_server_that_is_not_there_reads_like_nobody(talking, waits, status):
    away = httpx.Response(status, html="<h1>Try again later</h1>")

    assert talking(Server(away, DONE)).run(QUERY, {}) == {"done": True}
    with pytest.raises(ApiError, match=f"HTTP {status}") as refused:
        talking(Server(away)).run(MUTATION, {"input": {}})
    assert (refused.value.code, waits) == ("UNAVAILABLE", [1.0])


@pytest.mark.parametrize("answer", [httpx.Response(404, html="<h1>Not here</h1>"), httpx.Response(200, json=[])])
def test_what_speaks_no_graphql_is_told_at_once(talking, waits, answer):
    with pytest.raises(ApiError, match=f"HTTP {answer.status_code}"):
        talking(Server(answer)).run(QUERY, {})
    assert waits == []


@pytest.mark.parametrize("trouble", [failed("UNAVAILABLE"), httpx.ReadTimeout("slow")])
def test_a_mutation_without_a_key_is_never_repeated(talking, waits, trouble):
    server = Server(trouble, DONE)

    with pytest.raises((ApiError, httpx.TransportError)):
        talking(server).run(MUTATION, {"input": {}})
    assert (len(server.asked), waits) == (1, [])


def test_what_the_caller_did_wrong_is_told_at_once(talking, waits):
    with pytest.raises(ApiError, match="no") as refused:
        talking(Server(failed("FORBIDDEN"))).run(QUERY, {})
    assert (refused.value.code, waits) == ("FORBIDDEN", [])


def test_patience_has_an_end(talking, waits):
    with pytest.raises(ApiError) as refused:
        talking(Server(*[failed("THROTTLED")] * 9)).run(QUERY, {})
    assert (refused.value.code, waits) == ("THROTTLED", [1.0, 2.0, 4.0, 8.0])
