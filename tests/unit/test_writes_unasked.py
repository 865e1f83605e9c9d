"""`policy check` lists every write that runs without a person, and nothing else."""

import pytest

from bot.policy.unasked import writes_unasked
from governance.tiers import ApprovalMode, Risk, Tier
from tests.unit.rules import agent, policy, tool


def found(*, who=None, rules=None, **changes):
    made = tool(**changes)
    return writes_unasked(policy(made, agents=(who or agent(),), **(rules or {})))


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("risk", [Risk.LOW_WRITE, Risk.HIGH_WRITE])
def test_a_write_is_listed_exactly_where_its_tier_runs_it(tier, risk):
    listed = found(tier=tier, risk=risk)
    reason = f"tier {tier} for tool deploy.production"
    entry = {"agent": "deployer", "tool": "deploy.production", "risk": str(risk), "reason": reason}
    assert listed == ([entry] if tier.runs_unasked else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"risk": Risk.READ_ONLY},
        {"risk": Risk.DESTRUCTIVE},
        {"risk": None},
        {"approval_mode": ApprovalMode.ALWAYS_BLOCK},
        {"approval_mode": ApprovalMode.REQUIRES_APPROVAL},
        {"scopes": frozenset({"other"})},
    ],
)
def test_what_only_reads_is_blocked_asks_or_is_out_of_reach_is_not_listed(changes):
    assert found(tier=Tier.ACT_AUTO, **changes) == []


def test_a_default_that_a_written_mode_lets_through_is_listed():
    listed = found(rules={"default_tier": Tier.ACT_AUTO}, risk=None, approval_mode=ApprovalMode.AUTO)
    assert [(one["risk"], one["reason"]) for one in listed] == [("not declared", "tier act_auto by default")]


def test_every_agent_is_listed_with_the_line_that_decides_for_it():
    first = agent(id="first", tiers={"deploy": Tier.ACT_AUTO})
    second = agent(id="second", tiers={"deploy.production": Tier.ACT_AND_NOTIFY})
    third = agent(id="third", tiers={"deploy.production": Tier.SUGGEST})
    rules = policy(tool(), tool(name="deploy.staging"), agents=(first, second, third))
    assert [(one["agent"], one["tool"]) for one in writes_unasked(rules)] == [
        ("first", "deploy.production"),
        ("first", "deploy.staging"),
        ("second", "deploy.production"),
    ]
