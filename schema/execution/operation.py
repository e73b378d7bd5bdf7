"""Operations: one request of one caller, from its document to its answer, the same over every transport."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Any, cast

import orjson
import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    located_error,
    subscribe,
)
from structlog.contextvars import bind_contextvars

from models.caller import Caller, Role
from models.span import span
from models.turn import Turns
from resolvers.context import Context
from resolvers.loaders import Loaders
from schema.cost import limits
from schema.cost.points import counted
from schema.cost.throttle import Bucket, Throttle
from schema.execution.answer import Answer, requested, throttled
from schema.execution.compiled import CompiledExecutor, is_awaitable
from schema.execution.document import Document, Documents
from schema.execution.errors import AFTER_A_TIMEOUT, BAD_INPUT, VALIDATION_FAILED, formatted, plain
from schema.execution.subscribed import TOO_MUCH_SUBSCRIBED, SubscribedDocuments
from schema.execution.traffic import NO_KIND, Traffic
from schema.execution.trusted import TrustedDocuments, Untrusted

TIMEOUT = 20.0
"""Seconds a query or mutation may take; a subscription lives as long as its caller listens."""


CHARACTERS_A_POINT = 50
"""So many characters of a text that nobody has sent before are read for a point."""

LONGEST_NAME = 60
"""Characters of an operation's name in a log."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asks: a document (its text, the SHA-256 of it, or both), which of its operations, with what."""

    query: str | None
    name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """An operation that may run: found in a valid document, and within what it may cost."""

    operation: Operation  # without its text, which the document has for all who sent it
    document: Document
    node: OperationDefinitionNode
    cost: int

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation

    @property
    def name(self) -> str:
        """What its author called it, as far as that is worth logging."""
        return (self.node.name.value if self.node.name else "")[:LONGEST_NAME]


class Engine:
    """Runs operations against the schema: any document and as many as its callers like, unless told otherwise."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        production: bool = False,
        trusted: TrustedDocuments | None = None,
        throttle: Throttle | None = None,
        traffic: Traffic | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._schema: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry offers no other way to graphql-core's
        self._documents = Documents(self._schema, production=production)
        self._trusted = trusted or TrustedDocuments(None)
        self._throttle = throttle
        self._traffic = traffic or Traffic()
        self._turns = turns
        self._hide_suggestions = production
        self._subscribed = SubscribedDocuments()

    async def admit(self, operation: Operation, context: Context) -> Answer | None:
        """Take from the caller's bucket what reading the operation's text costs; the refusal when it is not there.

        Parsing and validating come before any other limit, so a caller who sends ever new texts, valid or not, pays
        for their length. A text that is known already costs nothing to read.
        """
        try:
            source = self._trusted.source(operation.query, operation.digest, context.caller)
        except Untrusted:
            return None  # refused without being read, by `prepare`
        points = min(len(source), limits.MAX_SOURCE_LENGTH) // CHARACTERS_A_POINT
        if not points or source in self._documents:
            return None
        bucket = await self._bucket(points, context)
        if bucket is None or bucket.allowed:
            return None
        self._traffic.ended(NO_KIND, ["THROTTLED"], was_run=False)
        return throttled(points, bucket)

    def prepare(self, operation: Operation, caller: Caller | None = None) -> Ready | Answer:
        """The operation, ready to run; or the answer that says why it will not be."""
        ready = self._prepare(operation, caller)
        if isinstance(ready, Answer):
            self._traffic.ended(NO_KIND, ready.codes, was_run=False)
        else:
            bind_contextvars(kind=ready.kind.value, operation=ready.name)
        return ready

    def _prepare(self, operation: Operation, caller: Caller | None) -> Ready | Answer:
        try:
            source = self._trusted.source(operation.query, operation.digest, caller)
        except Untrusted as untrusted:
            return Answer(errors=[plain(untrusted.code, untrusted.message)])
        document = self._documents.read(source)
        if document.errors:
            return Answer(errors=document.errors)
        try:
            node = document.operation(operation.name)
        except GraphQLError as error:
            return Answer(errors=[formatted(error, otherwise=VALIDATION_FAILED)])
        cost = document.cost(self._schema, node, operation.variables)
        if cost > limits.MAX_COST:
            excess = limits.too_much("costly", "points", cost, limits.MAX_COST)
            return Answer(errors=[formatted(excess)], extensions={"cost": requested(cost)})
        if operation.query is not None and operation.digest is not None:
            self._trusted.register(operation.digest, operation.query)
        _forget_undeclared(node, operation.variables)
        if node.operation is OperationType.SUBSCRIPTION and (refusal := _too_much_to_keep(operation.variables)):
            return Answer(errors=[formatted(refusal)])
        return Ready(replace(operation, query=None), document, node, cost)

    async def execute(self, ready: Ready, context: Context) -> Answer:
        """Run a query or mutation to its end, at most for TIMEOUT seconds, when its caller's bucket allows it."""
        began = asyncio.get_running_loop().time()
        with span("graphql", kind=ready.kind.value, operation=ready.name), self._turn(context):
            answer = await self._execute(ready, context)
        self._traffic.took(ready.kind.value, asyncio.get_running_loop().time() - began)
        self._traffic.ended(ready.kind.value, answer.codes, was_run=answer.was_run)
        return answer

    def _turn(self, context: Context) -> AbstractContextManager[None]:
        """The caller's turn at PostgreSQL, so that costly operations leave connections to others.

        The platform needs none: its back end is trusted, and writes by as many calls at once as it likes. Nor does a
        subscription, which asks little at a time.
        """
        if self._turns is None or context.caller is None or context.caller.role is Role.PLATFORM:
            return nullcontext()
        return self._turns.of(context.actor)

    async def _execute(self, ready: Ready, context: Context) -> Answer:
        bucket = await self._bucket(ready.cost, context)
        if bucket is None:
            return await self._run(ready, context)
        if not bucket.allowed:
            return throttled(ready.cost, bucket)
        answer = await self._run(ready, context)
        cost = answer.extensions["cost"]
        cost["throttleStatus"] = bucket.give_back(ready.cost - cost["actualQueryCost"])
        return answer

    async def _bucket(self, points: int, context: Context) -> Bucket | None:
        """The caller's bucket, from which the points were taken if they were there; None when nobody holds one.

        Callers without a token share one.
        """
        if self._throttle is None or context.queue is None:
            return None
        return await self._throttle.take(context.queue, context.actor or "nobody", points)

    async def _run(self, ready: Ready, context: Context) -> Answer:
        try:
            async with asyncio.timeout(TIMEOUT):
                result = execute(
                    self._schema,
                    ready.document.ast,  # type: ignore[arg-type] # a document that is ready has been parsed
                    context_value=context,
                    variable_values=ready.operation.variables,
                    operation_name=ready.operation.name,
                    is_awaitable=is_awaitable,  # type: ignore[arg-type] # it lacks only the TypeGuard
                    hide_suggestions=self._hide_suggestions,
                    executor_class=CompiledExecutor,
                    selections=ready.document.selections,
                )
                if isawaitable(result):
                    result = await result
        except TimeoutError:
            message = f"The operation took longer than {TIMEOUT:.0f} seconds and was stopped. {AFTER_A_TIMEOUT}"
            return Answer(
                errors=[plain("TIMEOUT", message)],
                extensions={"cost": requested(ready.cost) | {"actualQueryCost": ready.cost}},
                was_run=True,
            )
        return self._answer(result, ready)

    async def stream(self, ready: Ready, context: Context) -> AsyncIterator[Answer]:
        """Run a subscription: an answer per event, until its source ends or the caller closes this.

        Its cost is taken once, when it begins.
        """
        last = Answer(was_run=True)
        with self._traffic.listening(), self._subscribed.by(context.actor or "", ready.document) as may_be_kept:
            try:
                if not may_be_kept:
                    last = Answer(errors=[plain("THROTTLED", TOO_MUCH_SUBSCRIBED)])
                    yield last
                    return
                async with aclosing(self._stream(ready, context)) as answers:
                    async for answer in answers:
                        last = answer
                        yield answer
            finally:
                self._traffic.ended(ready.kind.value, last.codes, was_run=last.was_run)

    async def _stream(self, ready: Ready, context: Context) -> AsyncGenerator[Answer]:
        bucket = await self._bucket(ready.cost, context)
        if bucket is not None and not bucket.allowed:
            yield throttled(ready.cost, bucket)
            return
        source = subscribe(
            self._schema,
            ready.document.ast,  # type: ignore[arg-type] # as above
            context_value=context,
            variable_values=ready.operation.variables,
            operation_name=ready.operation.name,
            is_awaitable=is_awaitable,
            hide_suggestions=self._hide_suggestions,
            executor_class=CompiledExecutor,
            selections=ready.document.selections,
        )
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            yield self._answer(source, ready)
            return
        async with aclosing(cast("Any", source)) as events:
            try:
                async for result in events:
                    yield self._answer(result, ready)
                    # The next event must not see rows that this one loaded.
                    context.loaders = Loaders()
            except Exception as error:  # noqa: BLE001 - whatever ends the source is told like any other error
                yield self._answer(ExecutionResult(None, [_at_root(error, ready)]), ready)

    def _answer(self, result: ExecutionResult, ready: Ready) -> Answer:
        variables = ready.operation.variables
        errors = [formatted(error, otherwise=BAD_INPUT, variables=variables) for error in result.errors or ()]
        # graphql-core answers what it could not start (a variable of the wrong type) with errors without a path.
        was_run = result.data is not None or any("path" in error for error in errors)
        used = counted(result.data, ready.document.dear)
        cost = requested(ready.cost) | {"actualQueryCost": max(1, min(used, ready.cost))}
        return Answer(result.data, errors, {"cost": cost}, was_run)


def _forget_undeclared(node: OperationDefinitionNode, variables: dict[str, Any]) -> None:
    """Let go of variables that nothing can read: a subscription would keep them for as long as it lives."""
    declared = {each.variable.name.value for each in node.variable_definitions or ()}
    for name in variables.keys() - declared:
        del variables[name]


def _too_much_to_keep(variables: dict[str, Any]) -> GraphQLError | None:
    """Why a subscription may not have these variables, if it may not."""
    try:
        amount, most = len(orjson.dumps(variables)), limits.MAX_SUBSCRIBED_VARIABLES
    except TypeError:  # it reads four times as many levels as it writes
        return GraphQLError("Variable values are nested too deeply.")
    return limits.too_much("wordy", "octets of variables", amount, most) if amount > most else None


def _at_root(error: Exception, ready: Ready) -> GraphQLError:
    """What ended a subscription's source, told at its field: graphql-core knows a place only for what resolvers raise."""
    field = ready.document.root_field(ready.node)
    return located_error(error, [field], [(field.alias or field.name).value])
