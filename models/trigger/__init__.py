"""Triggers of automated plans (R9): a registry of data, one file per family, each compiled to one statement.

docs/automation.md is the rule, trigger by trigger. Nothing here writes: models/trigger/fire.py makes the
ledger's rows, models/slice/loading.py sends them while their reason holds.
"""

from collections.abc import Mapping

from models.trigger.cart import ABANDONED_CART, INCOMPLETE_CHECKOUT
from models.trigger.follow import WELCOME_FOLLOWER
from models.trigger.kind import Parameter, ParameterKind, Trigger, TriggerCode
from models.trigger.live import LIVE_REMINDER
from models.trigger.order import ORDER_CONFIRMATION, REPURCHASE_REMINDER, THANK_YOU
from models.trigger.price import PRICE_DROP

__all__ = ["TRIGGERS", "Parameter", "ParameterKind", "Trigger", "TriggerCode"]

TRIGGERS: Mapping[TriggerCode, Trigger] = {
    trigger.code: trigger
    for trigger in (
        WELCOME_FOLLOWER,
        LIVE_REMINDER,
        PRICE_DROP,
        ABANDONED_CART,
        INCOMPLETE_CHECKOUT,
        THANK_YOU,
        ORDER_CONFIRMATION,
        REPURCHASE_REMINDER,
    )
}
"""Every trigger by its code, in the order of R9."""
