"""Links to exports of a plan, and whose plan a download is of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import strawberry

from models.caller import Action, Caller
from models.clock import now
from models.errors import Unauthenticated
from models.export import ExportContent, ExportFormat
from models.export import link as export_link
from models.export.link import LIFETIME
from models.plan import Plan
from models.signed_link import keys_of
from resolvers import global_id
from resolvers.context import Info
from settings import Settings


@dataclass(frozen=True, slots=True)
class ExportLink:
    """Where to download an export, and until when that can begin."""

    url: str
    expires_at: datetime


def link(
    info: Info,
    root: strawberry.Parent[Plan],
    *,
    content: Annotated[ExportContent, strawberry.argument(description="What of the plan.")] = ExportContent.LEDGER,
    format: Annotated[ExportFormat, strawberry.argument(description="How it is written.")] = ExportFormat.CSV,
) -> ExportLink:
    """A link to an export of a plan."""
    settings = info.context.settings
    expires_at = now() + LIFETIME
    wanted = export_link.LinkedExport(root.shop_id, root.id, content, format, expires_at)
    token = export_link.sign(keys_of(settings)[0], wanted)
    return ExportLink(f"{settings.base_url}/exports/{token}", expires_at.replace(microsecond=0))


async def linked(settings: Settings, token: str) -> export_link.LinkedExport | None:
    """What a link is for, when it is ours, its time is not over, and the plan is there."""
    found = export_link.verify(keys_of(settings), token, now())
    if found is None or not await Plan.exists(id=found.plan_id, shop_id=found.shop_id):
        return None
    return found


async def own_plan(caller: Caller | None, plan_id: str) -> Plan | None:
    """The plan with this global id, when it is of the caller's shop. Raises Unauthenticated or Forbidden."""
    if caller is None:
        raise Unauthenticated("This needs a bearer token, or a link of Plan.export.")
    caller.require(Action.READ_SHOP)
    number = global_id.integer(plan_id, "Plan")
    return await Plan.get_or_none(id=number, shop__external_id=caller.shop) if number is not None else None
