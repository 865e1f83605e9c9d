"""The gates on what is known besides the policy: pauses, recorded tiers, rules, budgets, scoped policies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance.facts import Facts, Pause, RecordedTier
from governance.gates import judge
from governance.policy import Refused, ScopedPolicy
from governance.promotion import loosened_by, would_loosen
from governance.resolution import Scoping
from governance.rules import Effect, Remembered, Scope, fits, lapses_at, scope_of
from governance.tiers import Risk, Tier
from governance.verdict import Call, Outcome
from tests.unit.rules import agent, policy, tool

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALL = Call("deploy.production", {"service": "checkout"})
RULE = Remembered(
    "rul_1", Effect.ALLOW, "deploy.production", {"same": "hash"}, ("U0BOB",), tool_version="v1",
    expires_at=NOW + timedelta(days=1),
)  # fmt: skip
KNOWN = Facts(now=NOW, call_hash="hash")


def verdict(rules=None, *, facts=KNOWN, call=CALL, who=None):
    return judge(rules or policy(), who or agent(), call, facts)


def test_judging_again_gives_the_same_answer():
    assert verdict() == verdict()


def test_a_pause_denies_everything_and_says_who_and_why():
    found = verdict(facts=replace(KNOWN, pause=Pause("U0ADMIN", "it loops", NOW)))
    assert (found.code, found.outcome) == ("AGENT_PAUSED", Outcome.POLICY_DENIED)
    assert "U0ADMIN: it loops" in found.reason


@pytest.mark.parametrize(
    "marked",
    [
        {"rules": policy(needs_human=frozenset({"deploy"}))},
        {"rules": policy(needs_human=frozenset({"deploy.*"}))},
        {"rules": policy(needs_human=frozenset({"deploy.production"}))},
        {"rules": policy(tool(needs_human=True, tier=Tier.ACT_AUTO))},
        {"who": agent(needs_human=True, tier=Tier.ACT_AUTO)},
    ],
)
def test_what_needs_a_human_is_denied_to_agents_whatever_the_tier(marked):
    """closes autonomy-and-trust 1"""
    found = verdict(**marked)
    assert (found.code, found.tier) == ("NEEDS_HUMAN", None)


def test_a_rule_in_the_file_denies_one_agent_or_all():
    refused = (Refused("deploy.*", "deployer", "freeze", ("rules", 0)),)
    found = verdict(policy(refused=refused))
    assert (found.code, found.place) == ("DENIED_BY_RULE", ("rules", 0))
    assert "freeze" in found.reason
    other = policy(refused=(replace(refused[0], agent="another"),))
    assert verdict(other).outcome is Outcome.TIER


ALLOWS = [
    ("as it is", {}, {}, True),
    ("another call", {"pattern": {"same": "other"}}, {}, False),
    ("any call", {"pattern": {"any": True}}, {}, True),
    ("fields that agree", {"pattern": {"fields": {"/service": "checkout"}}}, {}, True),
    ("fields that differ", {"pattern": {"fields": {"/service": "billing"}}}, {}, False),
    ("fields that are not there", {"pattern": {"fields": {"/token": "x"}}}, {}, False),
    ("a prefix", {"tool": "deploy.*"}, {}, True),
    ("another prefix", {"tool": "note.*"}, {}, False),
    ("another version", {"tool_version": "v0"}, {}, False),
    ("just lapsed", {"expires_at": NOW}, {}, False),
    ("used up", {"max_uses": 3, "uses": 3}, {}, False),
    ("another session", {"session_id": "s1"}, {}, False),
    ("an author who may not approve", {"authors": ("U0MALLORY",)}, {}, False),
    ("too few authors", {}, {"quorum": 2}, False),
    ("enough authors", {"authors": ("U0BOB", "U0CAROL")}, {"quorum": 2}, True),
    ("a tier that only suggests", {}, {"tier": Tier.SUGGEST}, False),
    ("a pattern nobody can read", {"pattern": {"like": "x"}}, {}, False),
    ("an empty pattern", {"pattern": {"fields": {}}}, {}, False),
]


@pytest.mark.parametrize(("changes", "of_tool", "answers"), [one[1:] for one in ALLOWS], ids=[one[0] for one in ALLOWS])
def test_an_allow_answers_only_what_it_was_given_for(changes, of_tool, answers):
    found = verdict(policy(tool(**of_tool)), facts=replace(KNOWN, rules=(replace(RULE, **changes),)))
    assert (found.rule is not None) is answers
    assert found.runs is answers


BY_GROUP = [
    ("asked of the group", {}, {}, True),
    ("made by an admin unasked", {"authors": ("U0ADMIN",), "was_asked": False}, {}, False),
    ("of a creator who may not approve", {"authors": ("U0ALICE",)}, {"creator_may_approve": False}, False),
]


@pytest.mark.parametrize(
    ("changes", "of_tool", "answers"), [one[1:] for one in BY_GROUP], ids=[one[0] for one in BY_GROUP]
)
def test_where_a_group_decides_only_who_was_asked_in_it_speaks_for_it(changes, of_tool, answers):
    rules = policy(tool(reviewers=("S0ONCALL",), **of_tool))
    by_dave = replace(RULE, **{"authors": ("U0DAVE",), **changes})
    found = verdict(rules, facts=replace(KNOWN, rules=(by_dave,)), call=replace(CALL, on_behalf_of="U0CAROL"))
    assert (found.rule is not None) is answers


def test_the_requester_s_own_rule_does_not_answer():
    by_carol = replace(RULE, authors=("U0CAROL",))
    found = verdict(facts=replace(KNOWN, rules=(by_carol,)), call=replace(CALL, on_behalf_of="U0CAROL"))
    assert found.asks


def test_deny_beats_allow_and_every_tier():
    deny = replace(RULE, id="rul_2", effect=Effect.DENY, authors=("U0CAROL",), tool_version="v0")
    facts = replace(KNOWN, rules=(RULE, deny))
    for tier in Tier:
        found = verdict(policy(tool(tier=tier)), facts=facts)
        assert (found.code, found.rule) == ("DENIED_BY_RULE", deny)


def test_nothing_lifts_always_block():
    found = verdict(policy(tool(risk=Risk.DESTRUCTIVE)), facts=replace(KNOWN, rules=(RULE,)))
    assert found.code == "ALWAYS_BLOCK"


@pytest.mark.parametrize(
    ("used", "tier"), [((4, 9), Tier.ACT_AUTO), ((5, 5), Tier.ACT_WITH_APPROVAL), ((0, 10), Tier.ACT_WITH_APPROVAL)]
)
def test_a_used_up_budget_falls_back_to_asking(used, tier):
    """closes autonomy-and-trust 27"""
    who = agent(tiers={"deploy": Tier.ACT_AUTO}, budget_per_hour=5, budget_per_day=10)
    found = verdict(facts=replace(KNOWN, used_this_hour=used[0], used_today=used[1]), who=who)
    assert found.tier is tier


def test_a_recorded_tier_stands_while_the_file_says_what_it_said():
    recorded = {"deploy": RecordedTier(Tier.SHADOW, Tier.ACT_AUTO, "U0ADMIN")}
    facts = replace(KNOWN, tiers=recorded)
    assert verdict(facts=facts, who=agent(tiers={"deploy": Tier.ACT_AUTO})).tier is Tier.SHADOW
    assert verdict(facts=facts, who=agent(tiers={"deploy": Tier.ACT_AND_NOTIFY})).tier is Tier.ACT_AND_NOTIFY


SCOPED = ScopedPolicy(automation_id="nightly", tier=Tier.SUGGEST, tiers={"deploy.*": Tier.SHADOW})


@pytest.mark.parametrize(
    ("scoped", "tier"),
    [
        ((), Tier.ACT_AUTO),
        ((SCOPED,), Tier.SHADOW),
        ((replace(SCOPED, tiers={}),), Tier.SUGGEST),
        ((replace(SCOPED, automation_id="other"),), Tier.ACT_AUTO),
        ((replace(SCOPED, run_id="r2"),), Tier.ACT_AUTO),
        ((replace(SCOPED, tiers={}), ScopedPolicy(run_id="r1", tier=Tier.SHADOW)), Tier.SHADOW),
        ((ScopedPolicy(run_id="r1", tier=Tier.ACT_AUTO), replace(SCOPED, tiers={})), Tier.SUGGEST),
    ],
)
def test_scoped_policies_compose_by_the_strictest_and_never_loosen(scoped, tier):
    """closes autonomy-and-trust 4, 21"""
    call = replace(CALL, scoping=Scoping("nightly", "r1", None))
    assert verdict(policy(tool(tier=Tier.ACT_AUTO), scoped=scoped), call=call).tier is tier


def test_only_what_loosens_needs_a_second_person():
    """closes autonomy-and-trust 5"""
    rules, who = policy(tool(), tool(name="deploy.staging")), agent(tiers={"deploy": Tier.ACT_AND_NOTIFY})
    assert loosened_by(rules, who, KNOWN, "deploy", Tier.SHADOW) == []
    assert loosened_by(rules, who, KNOWN, "deploy", Tier.ACT_AND_NOTIFY) == []
    assert loosened_by(rules, who, KNOWN, "deploy", Tier.ACT_AUTO) == ["deploy.production", "deploy.staging"]
    assert loosened_by(rules, who, KNOWN, "deploy.staging", Tier.ACT_AUTO) == ["deploy.staging"]
    assert loosened_by(rules, who, KNOWN, "", Tier.ACT_AUTO) == []


def test_how_long_a_memory_lasts():
    day = timedelta(days=1)
    assert lapses_at(Scope.SESSION, Risk.LOW_WRITE, NOW, None) == NOW + timedelta(hours=12)
    assert lapses_at(Scope.FOREVER, Risk.LOW_WRITE, NOW, None) is None
    assert lapses_at(Scope.FOREVER, Risk.HIGH_WRITE, NOW, None) == NOW + 30 * day
    assert lapses_at(Scope.FOREVER, None, NOW, None) == NOW + 30 * day
    assert lapses_at(Scope.FOREVER, Risk.HIGH_WRITE, NOW, NOW + day) == NOW + day
    assert lapses_at(Scope.SESSION, Risk.LOW_WRITE, NOW, NOW + day) == NOW + timedelta(hours=12)


def test_everybody_has_to_wish_and_the_shortest_wish_counts():
    from governance.rules import Remember

    assert scope_of([]) is None
    assert scope_of([Remember.FOREVER, Remember.ONCE]) is None
    assert scope_of([Remember.FOREVER, Remember.SESSION]) is Scope.SESSION
    assert scope_of([Remember.FOREVER, Remember.FOREVER]) is Scope.FOREVER


def test_numbers_in_a_pattern_are_compared_as_json_not_as_python():
    assert fits({"fields": {"/n": 1}}, "", {"n": 1.0})
    assert not fits({"fields": {"/n": 1}}, "", {"n": True})


@pytest.mark.parametrize(
    ("target", "tier", "recorded", "loosens"),
    [
        ("deploy.*", Tier.ACT_AUTO, Tier.ACT_WITH_APPROVAL, True),
        ("deploy.*", Tier.ACT_WITH_APPROVAL, Tier.SHADOW, False),
        ("", Tier.ACT_AUTO, None, True),
        ("", Tier.SHADOW, None, False),
        ("deploy.production", Tier.ACT_AND_NOTIFY, Tier.ACT_AUTO, False),
    ],
)
def test_a_tier_that_something_nearer_hides_today_is_countersigned_before_it_can_show(target, tier, recorded, loosens):
    tiers = {"deploy.production": RecordedTier(recorded, None, "U0OPS")} if recorded else {}
    assert would_loosen(policy(), agent(), replace(KNOWN, tiers=tiers), target, tier) is loosens
