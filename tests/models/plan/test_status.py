"""The table of legal moves: what it allows, to whom it answers what (R10)."""

import pytest

from models.plan.status import MOVES, SELLERS_ACTIONS, TRANSITIONS, PlanAction, PlanKind, PlanStatus, allowed, sources

ONE_TIME = {
    "DRAFT": "edit submit duplicate delete",
    "SCHEDULED": "duplicate pause cancel",
    "ONGOING": "duplicate pause cancel",
    "PAUSED": "duplicate resume cancel",
    "SENT": "duplicate retry",
    "CANCELLING": "duplicate",
    "CANCELLED": "duplicate delete",
    "DELETED": "duplicate",
}


@pytest.mark.parametrize(("status", "actions"), ONE_TIME.items())
def test_what_a_seller_may_do_to_a_one_time_plan_follows_the_rule(status, actions):
    assert allowed(PlanKind.ONE_TIME, PlanStatus(status)) == actions.split()


def test_a_cancelled_automated_plan_is_not_deleted_but_its_draft_is():
    assert PlanAction.DELETE not in allowed(PlanKind.AUTOMATED, PlanStatus.CANCELLED)
    assert PlanAction.DELETE in allowed(PlanKind.AUTOMATED, PlanStatus.DRAFT)


def test_only_drafts_are_edited_and_nothing_becomes_a_draft_again():
    assert {status for _, status in sources(PlanAction.EDIT)} == {PlanStatus.DRAFT}
    assert all(PlanStatus.DRAFT not in targets for targets in TRANSITIONS.values())


def test_a_deleted_plan_moves_nowhere():
    assert not TRANSITIONS[PlanStatus.DELETED]


def test_one_time_plans_are_sent_and_automated_ones_end():
    kinds = {move.action: move.kinds for move in MOVES}
    assert [list(kinds[action]) for action in (PlanAction.FINISH, PlanAction.END)] == [
        [PlanKind.ONE_TIME], [PlanKind.AUTOMATED],
    ]  # fmt: skip


def test_revocation_is_no_sellers_action():
    assert PlanAction.REVOKE not in SELLERS_ACTIONS
