"""Scenarios and their templates, as sellers see them."""

import strawberry

from models.content.variable import TextVariableKind
from models.content.variable import Variable as VariableRow
from models.plan.status import PlanKind
from models.scenario import Destination
from resolvers import scenario as resolvers
from schema.enums import describe

describe(
    TextVariableKind,
    "How a variable may stand in a text.",
    {
        "TEXT": "Shown as it is: {name}.",
        "COUNT": "A whole number, shown or deciding a plural.",
        "CHOICE": "Never shown; decides a select between yes and no.",
        "LINK": "An address that the server puts in itself; never in what people write.",
    },
)


def _sample(root: strawberry.Parent[VariableRow]) -> str:
    return str(root.sample)


@strawberry.type(description="Something that a text may speak of, filled in for each recipient.")
class TextVariable:
    """One variable."""

    name: str = strawberry.field(description="Its name, as it stands in braces.")
    kind: TextVariableKind = strawberry.field(description="How it may stand.")
    meaning: str = strawberry.field(description="What it is filled with.")
    sample: str = strawberry.field(resolver=_sample, description="An example of that.")


@strawberry.type(description="A language that templates exist in.")
class TemplateLanguage:
    """One data file."""

    tag: str = strawberry.field(description="BCP 47 tag.")
    name: str = strawberry.field(description="Its own name for itself.")
    reviewed_by_native_speaker: bool = strawberry.field(
        description="Whether a native speaker has read and corrected its texts."
    )


@strawberry.type(description="A ready text, in one language.")
class PlanTemplate:
    """What planCreate's texts can be filled with."""

    language: TemplateLanguage = strawberry.field(description="The language it is in.")
    title: str = strawberry.field(description="What the scenario is called in it.")
    text: str = strawberry.field(description="The message, as ICU MessageFormat.")
    subject: str | None = strawberry.field(description="The email's subject; null for automated plans, which are chat.")
    preheader: str | None = strawberry.field(description="The email's preheader; null for automated plans.")
    button: str = strawberry.field(description="What the button says.")


@strawberry.type(description="A reason to write to customers, with ready texts.")
class Scenario:
    """What a plan may be for."""

    code: str = strawberry.field(description="What a plan's template names it by.")
    name: str = strawberry.field(
        resolver=resolvers.name, description="What it is called, in the seller's language (Accept-Language)."
    )
    kind: PlanKind = strawberry.field(resolver=resolvers.kind_of, description="The kind of plan it is for.")
    destination: Destination = strawberry.field(description="Where its button leads unless the plan says otherwise.")
    variables = strawberry.field(
        resolver=resolvers.variables, graphql_type=list[TextVariable], description="What its texts may speak of."
    )
    templates = strawberry.field(
        resolver=resolvers.templates, graphql_type=list[PlanTemplate], description="Its texts, one per language."
    )
