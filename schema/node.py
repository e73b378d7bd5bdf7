"""The interface of everything that has a global id."""

import strawberry


@strawberry.interface(description="An object that can be fetched again by its global id.")
class Node:
    """What `node` and `nodes` answer."""

    id: strawberry.ID = strawberry.field(description="Opaque id, unique across all types.")
