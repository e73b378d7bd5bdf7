"""One compiler for size, preview, membership, audience and triggers: a definition becomes parameterised SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.condition.document import read_stored
from models.condition.history import History
from models.condition.lowering import Lowering
from models.condition.rollup import RollUp
from models.condition.tree import Definition


@dataclass(frozen=True, slots=True)
class Compiled:
    """A SELECT of `customer_id`, without duplicates, grouping or limit, and its arguments in order.

    It can stand as a subquery, and a bound on `customer_id` outside reaches into it.
    """

    sql: str
    arguments: tuple[Any, ...]


def compile_condition(
    definition: Definition | dict[str, Any],
    *,
    shop_id: int,
    now: datetime,
    as_of: datetime | None = None,
    first_parameter: int = 1,
) -> Compiled:
    """Compile a definition, or the document stored of one, for a shop.

    Without `as_of` it asks the roll-up about `now`; with it, history about that instant. Placeholders
    begin at `$first_parameter`, and `arguments` are to be passed in that order.
    """
    if isinstance(definition, dict):
        definition = read_stored(definition)
    lowering: type[Lowering] = RollUp if as_of is None else History
    made = lowering(definition, shop_id=shop_id, now=as_of or now, first_parameter=first_parameter)
    return Compiled(made.select(), tuple(made.parameters.values))
