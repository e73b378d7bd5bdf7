"""Links to exports, as sellers see them."""

from datetime import datetime

import strawberry

from models.export import ExportContent, ExportFormat
from schema.enums import describe

describe(
    ExportContent,
    "What of a plan is exported.",
    {"LEDGER": "Every recipient, a row each.", "FIGURES": "What it brought, a row for each figure."},
)
describe(
    ExportFormat,
    "How an export is written.",
    {"CSV": "RFC 4180 with a header line, safe to open in a spreadsheet.", "NDJSON": "A JSON object on each line."},
)


@strawberry.type(description="Where to download an export. Whoever has the link can; it needs no token.")
class ExportLink:
    """A link that holds for ten minutes."""

    url: str = strawberry.field(description="Where it is, by GET.")
    expires_at: datetime = strawberry.field(description="Until when a download can begin.")
