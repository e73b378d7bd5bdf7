"""What a trigger is: its parameters as data, and the pieces of SQL that find its occasions and check their reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.scenario import SCENARIOS, Scenario
from models.trigger.fragment import occasion_of


class TriggerCode(StrEnum):
    """What may trigger an automated plan (R9)."""

    WELCOME_FOLLOWER = "WELCOME_FOLLOWER"
    LIVE_REMINDER = "LIVE_REMINDER"
    PRICE_DROP = "PRICE_DROP"
    ABANDONED_CART = "ABANDONED_CART"
    INCOMPLETE_CHECKOUT = "INCOMPLETE_CHECKOUT"
    THANK_YOU = "THANK_YOU"
    ORDER_CONFIRMATION = "ORDER_CONFIRMATION"
    REPURCHASE_REMINDER = "REPURCHASE_REMINDER"


class ParameterKind(StrEnum):
    """How a form asks for a parameter."""

    MINUTES = "MINUTES"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    CHOICES = "CHOICES"


ParameterValue = int | bool | tuple[int, ...] | tuple[str, ...]
"""A parameter's value: MINUTES are several numbers, CHOICES several codes."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a trigger, as a form draws it: its default, its bounds, and at most how many values."""

    name: str
    kind: ParameterKind
    description: str
    default: ParameterValue
    least: int | None = None
    greatest: int | None = None
    most: int = 1
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OccasionQuery:
    """How a trigger finds its occasions and knows that their reason holds (docs/automation.md), as SQL.

    `candidates` is a SELECT of (customer_id, occasion, step, counted_from, nominal, due, about); `facts` a SELECT
    of one row while the reason holds, with (product_ids uuid[], said jsonb, instant timestamptz) and what the
    other pieces name. In those, `c` is a candidate, `x` its facts, `d` a row of the ledger.

    `first` must hold as well when a row is made, `still` when it is sent. `same` tells the ledger's rows of
    the same occasion, `unmade` that there is none of those that are found sooner: a dry run asks neither. `bundle`
    and `rank` tell which one of several candidates of a sweep counts, `once` the same where all sweeps of some time
    are one.
    """

    candidates: str
    facts: str
    first: str = "true"
    still: str = "true"
    unmade: str = ""
    occasion: str = "c.occasion"
    about: str = "c.about"
    same: str = f"{occasion_of('d')} = c.occasion"
    bundle: str = "c.occasion"
    rank: str = "-c.step"
    once: str = "c.occasion, c.due"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger: what sellers are told of it, what it asks for, and how it finds its occasions.

    `has_products`: its messages show products of its own (the cart's, the order's), not the plan's.
    """

    code: TriggerCode
    description: str
    parameters: Sequence[Parameter]
    occasions: OccasionQuery
    has_products: bool = True
    is_marketing: bool = True
    steps_descend: bool = False

    @property
    def scenario(self) -> Scenario:
        """The scenario of the same name: what it is called, its button, and what its texts may speak of."""
        return SCENARIOS[self.code]

    @property
    def by_name(self) -> Mapping[str, Parameter]:
        """Its parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}


def steps(description: str, default: tuple[int, ...], *, least: int, greatest: int, most: int) -> Parameter:
    """The parameter that every trigger has: at `most` MOST_STEPS (models/trigger/fragment.py)."""
    return Parameter("steps", ParameterKind.MINUTES, description, default, least, greatest, most)
