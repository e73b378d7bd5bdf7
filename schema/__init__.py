"""What clients see: the schema (B1), a file for each noun. `schema.graphql` is its committed text.

What runs operations and serves them is in the folders: `cost`, `execution` and `serving`.
"""

import strawberry
from graphql import GraphQLInputObjectType
from strawberry.schema.config import StrawberryConfig

from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

schema = strawberry.Schema(Query, Mutation, Subscription, config=StrawberryConfig(scalar_map=SCALARS))


def _mark_one_of() -> None:
    """Let graphql-core know the inputs of exactly one key: Strawberry's own check says neither where nor in which variable."""
    for kind in schema._schema.type_map.values():  # noqa: SLF001 - it has no other way in
        if isinstance(kind, GraphQLInputObjectType):
            definition = kind.extensions.get("strawberry-definition")
            kind.is_one_of = bool(definition and definition.is_one_of)


_mark_one_of()
