"""What is stored about a customer, as the platform gets it."""

import strawberry

from schema.user_error import UserError


@strawberry.type(description="Everything that is stored about one customer.")
class CustomerExport:
    """One document."""

    document: str = strawberry.field(
        description="JSON: their rows by table, the shops these belong to, and their messages as they read them."
    )
    cut: list[str] = strawberry.field(
        description="Tables of which there are more than 1,000 rows; `.venv/bin/python server.py export-customer` writes all."
    )


@strawberry.type(description="What became of customerExport.")
class CustomerExportPayload:
    """The document, or why there is none."""

    export: CustomerExport | None = strawberry.field(description="What is stored; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What is wrong with the call.")
