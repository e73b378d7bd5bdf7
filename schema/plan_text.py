"""What plans say, per language, as their sellers see it."""

from collections.abc import Mapping
from typing import Any

import strawberry


@strawberry.type(description="What a plan says in one language.")
class PlanText:
    """One entry of a plan's content."""

    language: str = strawberry.field(description="BCP 47 tag.")
    text: str | None = strawberry.field(description="The message, as ICU MessageFormat; null while there is none.")
    subject: str | None = strawberry.field(description="The email's subject, as ICU MessageFormat, if there is one.")
    preheader: str | None = strawberry.field(
        description="The email's preheader, as ICU MessageFormat, if there is one."
    )


def texts_of(content: Mapping[str, Any]) -> list[PlanText]:
    """The texts of some content, by language."""
    texts: Mapping[str, Mapping[str, str]] = content.get("texts") or {}
    return [
        PlanText(language=tag, text=said.get("text"), subject=said.get("subject"), preheader=said.get("preheader"))
        for tag, said in sorted(texts.items())
    ]
