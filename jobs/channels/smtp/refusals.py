"""What relays say to each plan's mails, and when it is about the plan rather than its recipients (R21)."""

from collections import OrderedDict
from dataclasses import dataclass

from models.delivery import DeliveryState
from models.intent import Settlement

IN_A_ROW = 50
"""So many refusals in a row, not counting those of addresses, are about the plan, not its recipients."""

BY_POLICY = 20
"""So many refusals by policy (5.7.x, RFC 3463 §3.8) are, if they are many of all answers."""

POLICY_SHARE = 0.1
"""What share of the answers they must be: there are always some who take no mail from strangers."""

MANY_PLANS = 1_000
"""So many plans are remembered, those that were heard of last."""


@dataclass(slots=True)
class _Heard:
    answers: int = 0
    in_a_row: int = 0
    by_policy: int = 0


class Refusals:
    """Counts answers by plan, over all relays and for as long as the process lives, so that retries of few count too."""

    def __init__(self) -> None:
        self._plans: OrderedDict[int, _Heard] = OrderedDict()

    def are_about_plan(self, settlement: Settlement) -> bool:
        """Count what became of a mail; whether its plan is refused by now. Then counting begins anew for it."""
        plan_id = settlement.message.plan_id
        heard = self._of(plan_id)
        heard.answers += 1
        if settlement.state is DeliveryState.SENT:
            heard.in_a_row = 0
        elif settlement.state is DeliveryState.FAILED and not settlement.suppresses:
            heard.in_a_row += 1
        elif (settlement.reason or "").startswith("5.7."):
            heard.by_policy += 1
        is_policy = heard.by_policy >= max(BY_POLICY, POLICY_SHARE * heard.answers)
        if heard.in_a_row < IN_A_ROW and not is_policy:
            return False
        del self._plans[plan_id]
        return True

    def _of(self, plan_id: int) -> _Heard:
        heard = self._plans.setdefault(plan_id, _Heard())
        self._plans.move_to_end(plan_id)
        if len(self._plans) > MANY_PLANS:
            self._plans.popitem(last=False)
        return heard
