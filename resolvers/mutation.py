"""What all mutations share: payloads with `userErrors`, and idempotency keys."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import asyncpg
import strawberry
from pydantic.alias_generators import to_camel
from tortoise.exceptions import DoesNotExist, OperationalError

from models import database, erasure, idempotency
from models.caller import Role
from models.errors import ErrorCode, Problem, Refused, refuse
from resolvers import violation
from resolvers.context import Info
from resolvers.loaders import Loaders

T = TypeVar("T")

IDEMPOTENCY_KEY = (
    "A key of your own for this one intended operation (1–255 characters, kept a day). Repeated with the same "
    "key, the mutation does nothing and answers as it first did, with what it is about as it stands by then; with "
    "another input it is refused (KEY_REUSED). A mutation that was refused leaves its key free."
)


class Payload:
    """What a mutation answers: its `entity`, also under its `name` (None when refused), and what to mend."""

    def __init__(self, name: str, entity: Any, user_errors: Sequence[Problem] = ()) -> None:
        self.entity = entity
        self.user_errors = list(user_errors)
        setattr(self, name, entity)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """How an answer is remembered for a repeated key: its name in the payload, as JSON, and back."""

    name: str
    keep: Callable[[T], Any]
    load: Callable[[Any], Awaitable[T]]


async def answer(info: Info, input: Any, kept: Kept[T], work: Callable[[], Awaitable[T]]) -> Payload:
    """Do the `work` of a mutation, once per idempotency key, all or nothing, and answer its payload.

    What the caller can mend becomes `userErrors`; then nothing was changed and the key stays free. Work that PostgreSQL
    gives up for somebody else's, because both wait for one another, is done again. What the document's mutations before
    this one have read is read anew.
    """
    info.context.loaders = Loaders()
    key: str | None = input.idempotency_key
    attempt = partial(_done, info, work) if key is None else partial(_once, info, input, key, kept, work)
    try:
        result = await database.despite_deadlocks(attempt)
    except Refused as refused:
        await violation.note(info, input, refused.problems)
        return Payload(kept.name, None, refused.problems)
    except (asyncpg.CharacterNotInRepertoireError, OperationalError) as error:
        problems = list(_unstorable(input)) if database.is_unstorable(error) else []
        if not problems:
            raise
        return Payload(kept.name, None, problems)
    return Payload(kept.name, result)


def _unstorable(value: Any, *path: str) -> Iterator[Problem]:
    """Where an input has the one character that PostgreSQL stores in no text."""
    if isinstance(value, str) and "\0" in value:
        yield Problem(path, "The character U+0000 cannot be stored.")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unstorable(each, *path, str(place))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _unstorable(getattr(value, field.name), *path, to_camel(field.name))


async def _done(info: Info, work: Callable[[], Awaitable[T]]) -> T:
    """The work. A shopper's waits for an erasing of them, and is refused after it: their token outlives what is known."""
    caller, settings = info.context.caller, info.context.settings
    if caller is None or caller.role is not Role.CUSTOMER or settings.secret_key is None:
        return await work()
    async with database.transaction():
        if await erasure.among(lambda: [caller.customer_id], secret=settings.secret):
            raise refuse("", "This customer was erased; who comes back is a new customer.", ErrorCode.ERASED)
        return await work()


async def _once(info: Info, input: Any, key: str, kept: Kept[T], work: Callable[[], Awaitable[T]]) -> T:
    actor = info.context.actor
    digest = idempotency.request_hash({**strawberry.asdict(input), "idempotency_key": None})
    async with database.transaction():
        earlier = await idempotency.claim(actor, info.field_name, key, digest)
        if earlier is None:
            result = await _done(info, work)
            await idempotency.keep(actor, info.field_name, key, kept.keep(result))
            return result
    try:
        return await kept.load(earlier.response)
    except DoesNotExist:
        raise gone() from None


def gone() -> Refused:
    """The refusal of a repeated key when what was answered first is no longer there to be answered again."""
    return refuse("", "What this key once answered is not there any more.", ErrorCode.NOT_FOUND)
