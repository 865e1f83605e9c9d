"""The gates in their order: the first that fails is the answer, and whatever breaks is a denial."""

import pytest

from governance.gates import judge
from governance.narrowing import narrowed
from governance.policy import Problem
from governance.tiers import ApprovalMode, Risk, Tier
from governance.verdict import Call, Outcome
from tests.unit.rules import agent, policy, tool

GOOD = {"service": "checkout"}


def verdict(*, who=None, call=None, on_behalf_of=None, arguments=GOOD, rules=None, **changes):
    made = tool(**changes)
    asked = call or Call(made.name, arguments, on_behalf_of)
    return judge(rules or policy(made), who or agent(), asked)


#: What each gate objects to; a call with every later flaw as well must still meet the first.
FLAWS = [
    (Outcome.UNSUPPORTED, "UNSUPPORTED", {"call": Call("deploy.Production", {}, "U0EVIL")}),
    (Outcome.NEEDS_INPUT, "NEEDS_INPUT", {"arguments": {}}),
    (Outcome.SCOPE_INVALID, "SCOPE_INVALID", {"who": agent(scopes=frozenset())}),
    (Outcome.POLICY_DENIED, "ALWAYS_BLOCK", {"risk": Risk.DESTRUCTIVE}),
    (Outcome.POLICY_DENIED, "UNKNOWN_REQUESTER", {"on_behalf_of": "U0EVIL"}),
    (Outcome.POLICY_DENIED, "NO_REVIEWER", {"quorum": 3}),
]


@pytest.mark.parametrize("first", range(len(FLAWS)), ids=[code for _, code, _ in FLAWS])
def test_the_first_gate_that_fails_is_the_answer(first):
    """closes autonomy-and-trust 6"""
    flaws = {}
    for _, _, flaw in FLAWS[first:]:
        flaws |= flaw
    outcome, code, _ = FLAWS[first]
    answer = verdict(**flaws)
    assert (answer.outcome, answer.code) == (outcome, code)
    assert answer.tier is None
    assert answer.panel is None


def test_a_call_without_flaws_reaches_its_tier_and_its_panel():
    answer = verdict(on_behalf_of="U0CAROL")
    assert (answer.outcome, answer.code, answer.tier) == (Outcome.TIER, None, Tier.ACT_WITH_APPROVAL)
    assert answer.panel.reviewers == ("U0BOB", "U0CAROL")
    assert answer.panel.requester == "U0CAROL"


@pytest.mark.parametrize("tier", Tier)
def test_a_panel_is_called_only_where_the_tier_asks(tier):
    answer = verdict(tier=tier)
    assert answer.tier is tier
    assert (answer.panel is not None) is tier.asks


@pytest.mark.parametrize("tier", [tier for tier in Tier if not tier.asks])
def test_nobody_needs_to_be_reachable_where_nobody_is_asked(tier):
    assert verdict(tier=tier, quorum=9).tier is tier


def test_missing_scopes_are_named():
    answer = verdict(scopes=frozenset({"deploy", "b.write", "a.write"}))
    assert answer.missing_scopes == ("a.write", "b.write")
    assert answer.reason == "agent deployer lacks the scopes a.write, b.write"


def test_a_key_can_take_scopes_away_and_never_give_any():
    answer = verdict(who=narrowed(agent(), ["read"]))
    assert (answer.code, answer.reason) == ("SCOPE_INVALID", "this key of agent deployer lacks the scope deploy")
    assert verdict(who=narrowed(agent(), ["deploy", "read"])).tier is Tier.ACT_WITH_APPROVAL
    assert narrowed(agent(), ["read"]).scopes == frozenset()
    assert narrowed(agent(), None) == agent()


def test_every_wrong_field_is_named():
    answer = verdict(arguments={"servce": "checkout"})
    assert {problem.field for problem in answer.problems} == {"/service", "/servce"}
    assert "/service: is required" in answer.reason


@pytest.mark.parametrize(("wrong", "rest"), [(4, ""), (5, ""), (6, "; and 1 more"), (12, "; and 7 more")])
def test_the_reason_lists_five_problems_and_counts_the_rest(wrong, rest):
    answer = verdict(find_problems=lambda _: [Problem(f"/f{i}", "is wrong") for i in range(wrong)])
    listed = "; ".join(f"/f{i}: is wrong" for i in range(min(wrong, 5)))
    assert answer.reason == listed + rest
    assert len(answer.problems) == wrong


def test_a_problem_with_the_whole_names_the_arguments():
    assert verdict(arguments=[]).reason == "arguments: must be of type object"


def test_an_unknown_tool_is_named_as_far_as_a_name_may_go():
    assert verdict(call=Call("x" * 500, {})).reason == f"there is no tool named '{'x' * 80}'"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"risk": Risk.DESTRUCTIVE}, "risk destructive"),
        ({"risk": None}, "its risk is not declared"),
        (
            {"risk": Risk.READ_ONLY, "approval_mode": ApprovalMode.ALWAYS_BLOCK},
            "approval_mode always_block",
        ),
    ],
)
@pytest.mark.parametrize("tier", [None, *Tier])
def test_no_tier_lifts_always_block(changes, why, tier):
    who = agent(tier=tier, tiers={"deploy.production": tier} if tier else {})
    answer = verdict(who=who, tier=tier, **changes)
    assert answer.code == "ALWAYS_BLOCK"
    assert why in answer.reason


def test_an_agent_may_act_only_for_the_people_its_policy_lists():
    assert verdict(on_behalf_of="U0CAROL").outcome is Outcome.TIER
    assert verdict(on_behalf_of="").code == "UNKNOWN_REQUESTER"
    assert verdict(on_behalf_of="U0BOB").code == "UNKNOWN_REQUESTER"


def test_nobody_reachable_is_a_denial_that_counts_them():
    answer = verdict(reviewers=("U0CAROL",), on_behalf_of="U0CAROL")
    assert answer.code == "NO_REVIEWER"
    assert "0 of the 1 people needed" in answer.reason


class Broken(Exception):
    """What a rule may raise."""


class BrokenMapping(dict):
    def get(self, *_):
        raise Broken


def broken(*_):
    raise Broken("secret detail")


@pytest.mark.parametrize(
    "broken_part",
    [
        {"rules": policy(tool(), agents=(agent(),), class_tiers=BrokenMapping()), "tier": Tier.ACT_AUTO},
        {"find_problems": broken},
        {"scopes": None},
        {"who": agent(tiers=BrokenMapping(), tier=Tier.ACT_AUTO)},
        {"reviewers": 7},
    ],
    ids=["class tiers", "schema", "scopes", "agent tiers", "reviewers"],
)
def test_an_exception_inside_a_gate_is_a_denial(broken_part):
    answer = verdict(**broken_part)
    assert (answer.outcome, answer.code) == (Outcome.POLICY_DENIED, "GATE_FAILED")
    assert "secret detail" not in answer.reason
    assert answer.tier is None
