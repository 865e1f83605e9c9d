"""Which tier applies: the first line written wins, derived caution gives way to targeted lines only, floors hold."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.resolution import resolve_tier
from governance.tiers import (
    TIER_ALIASES,
    ApprovalMode,
    Risk,
    Tier,
    derived_mode,
    is_stricter,
    strictest,
)
from tests.unit.rules import agent, policy, tool

#: Where a tier may be written, first hit first: how to write it, and how the verdict names it.
LEVELS = {
    "agent+tool": (
        lambda tier: {"agent": {"deploy.production": tier}},
        "for tool deploy.production (agent deployer)",
    ),
    "agent+class": (lambda tier: {"agent": {"deploy": tier}}, "for class deploy (agent deployer)"),
    "agent": (lambda tier: {"agent_tier": tier}, "for every tool (agent deployer)"),
    "tool": (lambda tier: {"tool_tier": tier}, "for tool deploy.production"),
    "class": (lambda tier: {"class": tier}, "for class deploy"),
    "default": (lambda tier: {"default": tier}, "by default"),
}
TARGETED = ("agent+tool", "agent+class", "tool", "class")


def resolve(levels, risk=Risk.READ_ONLY, mode=None):
    """Resolve with tiers written at the given levels (level -> tier)."""
    written = {"agent": {}}
    for level, tier in levels.items():
        for key, value in LEVELS[level][0](tier).items():
            written[key] = {**written["agent"], **value} if key == "agent" else value
    made = tool(risk=risk, approval_mode=mode, tier=written.get("tool_tier"))
    who = agent(tier=written.get("agent_tier"), tiers=written["agent"])
    classes = {"deploy": written["class"]} if "class" in written else {}
    return resolve_tier(
        policy(made, agents=(who,), default_tier=written.get("default"), class_tiers=classes), who, made
    )


@pytest.mark.parametrize(("higher", "lower"), list(pairwise(LEVELS)))
def test_the_more_specific_line_wins(higher, lower):
    found = resolve({higher: Tier.ACT_AND_NOTIFY, lower: Tier.SHADOW})
    assert found.tier is Tier.ACT_AND_NOTIFY
    assert found.reason == f"tier act_and_notify {LEVELS[higher][1]}"


def test_where_nothing_is_written_people_are_asked():
    """closes autonomy-and-trust 1, 2; approval-api 10"""
    assert resolve({}).tier is Tier.ACT_WITH_APPROVAL


@pytest.mark.parametrize("risk", [Risk.LOW_WRITE, Risk.HIGH_WRITE])
@pytest.mark.parametrize("level", LEVELS)
def test_only_a_targeted_line_lets_a_write_run_unasked(level, risk):
    found = resolve({level: Tier.ACT_AUTO}, risk)
    assert found.tier is (Tier.ACT_AUTO if level in TARGETED else Tier.ACT_WITH_APPROVAL)
    assert ("raises act_auto" in found.reason) is (level not in TARGETED)


@pytest.mark.parametrize("level", LEVELS)
def test_reading_runs_at_whatever_tier_is_written(level):
    assert resolve({level: Tier.ACT_AUTO}, Risk.READ_ONLY).tier is Tier.ACT_AUTO


@pytest.mark.parametrize("risk", Risk)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("tier", Tier)
def test_a_written_requires_approval_is_a_floor_under_every_tier(level, tier, risk):
    """closes governed-proposals 13"""
    found = resolve({level: tier}, risk, ApprovalMode.REQUIRES_APPROVAL)
    assert found.tier is strictest(tier, Tier.ACT_WITH_APPROVAL)
    assert ("approval_mode of the tool" in found.reason) is tier.runs_unasked


@given(st.dictionaries(st.sampled_from(list(LEVELS)), st.sampled_from(Tier)), st.sampled_from(Risk))
def test_the_answer_is_never_looser_than_the_first_line_written(levels, risk):
    found = resolve(levels, risk)
    first = next((levels[level] for level in LEVELS if level in levels), Tier.ACT_WITH_APPROVAL)
    assert not is_stricter(first, found.tier)


def test_the_l_levels_are_three_of_the_five_tiers():
    assert TIER_ALIASES == {
        "L1": Tier.ACT_AUTO,
        "L2": Tier.ACT_AND_NOTIFY,
        "L3": Tier.ACT_WITH_APPROVAL,
    }


def test_tiers_are_ordered_from_the_most_restrictive():
    order = ["shadow", "suggest", "act_with_approval", "act_and_notify", "act_auto"]
    assert [str(tier) for tier in Tier] == order
    for stricter, looser in pairwise(Tier):
        assert strictest(looser, stricter) is stricter
        assert is_stricter(stricter, looser)
        assert not is_stricter(looser, stricter)


@pytest.mark.parametrize(
    ("tier", "asks", "runs"),
    list(zip(Tier, [False, True, True, False, False], [False, False, False, True, True], strict=True)),
)
def test_a_tier_either_asks_or_runs_or_only_records(tier, asks, runs):
    assert (tier.asks, tier.runs_unasked) == (asks, runs)


@pytest.mark.parametrize(
    ("risk", "mode"),
    [
        (Risk.READ_ONLY, ApprovalMode.AUTO),
        (Risk.LOW_WRITE, ApprovalMode.REQUIRES_APPROVAL),
        (Risk.HIGH_WRITE, ApprovalMode.REQUIRES_APPROVAL),
        (Risk.DESTRUCTIVE, ApprovalMode.ALWAYS_BLOCK),
        (None, ApprovalMode.ALWAYS_BLOCK),
        ("made_up", ApprovalMode.ALWAYS_BLOCK),
    ],
)
def test_risk_implies_a_mode_and_the_unknown_is_blocked(risk, mode):
    """closes governed-proposals 13; autonomy-and-trust 3"""
    assert derived_mode(risk) is mode
    assert tool(risk=risk).mode is mode
