"""Who may say what became of a call: whoever may decide its request, admins, operators; sometimes the creator."""

import pytest

from governance.errors import Forbidden, SelfReview
from governance.lifecycle import EXECUTION_MOVES, ExecutionStatus
from governance.reconciling import STATUS_AFTER, Finding, check_may_reconcile
from governance.reviewers import Panel
from tests.unit.rules import policy, tool

ASKED = Panel(("U0BOB", "U0CAROL", "S0ONCALL"), 1, "U0CAROL")
MEMBERS = {"S0ONCALL": frozenset({"U0DAVE"})}
BARRED = policy(tool(creator_may_approve=False), operators=("U0OPS",))
USUAL = policy(operators=("U0OPS",))


def may(person, panel, rules=USUAL, name="deploy.production"):
    try:
        check_may_reconcile(rules, panel, "U0ALICE", name, person, MEMBERS)
    except Forbidden as refusal:
        return type(refusal)
    return True


@pytest.mark.parametrize(
    ("person", "panel", "answer"),
    [
        ("U0BOB", ASKED, True),
        ("U0DAVE", ASKED, True),
        ("U0CAROL", ASKED, SelfReview),
        ("U0ADMIN", ASKED, True),
        ("U0OPS", ASKED, True),
        ("U0ALICE", ASKED, Forbidden),
        ("U0MALLORY", ASKED, Forbidden),
        ("U0ADMIN", Panel(("U0BOB",), 1, "U0ADMIN"), SelfReview),
        ("U0ALICE", None, True),
        ("U0ADMIN", None, True),
        ("U0OPS", None, True),
        ("U0BOB", None, Forbidden),
    ],
)
def test_who_may_answer_for_a_call(person, panel, answer):
    assert may(person, panel) is answer


def test_a_creator_who_may_not_approve_may_not_answer_either():
    assert may("U0ALICE", None, BARRED) is Forbidden
    assert may("U0OPS", None, BARRED) is True


def test_a_tool_that_left_the_policy_opens_no_door_to_the_creator():
    assert may("U0ALICE", None, name="gone.tool") is Forbidden


def test_every_finding_is_a_move_the_lifecycle_allows():
    assert set(STATUS_AFTER) == set(Finding)
    assert set(STATUS_AFTER.values()) == EXECUTION_MOVES[ExecutionStatus.UNKNOWN]
