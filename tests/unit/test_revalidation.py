"""A call that was allowed runs only while everything it was allowed for still holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance.facts import Facts
from governance.revalidation import Allowed, Attempt, why_invalid
from governance.tiers import ApprovalMode, Risk, Tier
from tests.unit.rules import agent, policy, tool

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALLOWED = Allowed("deployer", "deploy.production", "v1", Tier.ACT_WITH_APPROVAL, "sha256:abc", NOW)


def why(rules=None, *, allowed=ALLOWED, digest="sha256:abc", attempt=0, now=NOW):
    return why_invalid(rules or policy(), allowed, Attempt({}, digest, attempt), Facts(now))


def test_what_still_holds_may_run():
    assert why() is None


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (policy(agents=(agent(id="another"),)), "agent deployer is no longer in the policy"),
        (policy(tool(name="another")), "tool deploy.production is no longer in the policy"),
        (policy(tool(version="v2")), "tool deploy.production has changed since"),
        (
            policy(tool(scopes=frozenset({"deploy", "b", "a"}))),
            "agent deployer has lost the scope a, b",
        ),
        (
            policy(agents=(agent(scopes=frozenset()),)),
            "agent deployer has lost the scope deploy",
        ),
        (policy(tool(risk=Risk.DESTRUCTIVE)), "deploy.production is always blocked (risk destructive)"),
        (
            policy(tool(approval_mode=ApprovalMode.ALWAYS_BLOCK)),
            "deploy.production is always blocked (approval_mode always_block)",
        ),
        (policy(tool(tier=Tier.SUGGEST)), "the tier was tightened to suggest"),
        (policy(default_tier=Tier.SHADOW), "the tier was tightened to shadow"),
    ],
)
def test_what_changed_since_is_the_reason(rules, reason):
    assert why(rules) == reason


def test_arguments_that_are_not_the_ones_shown_never_run():
    assert why(digest="sha256:abd", attempt=2) == "the stored arguments are no longer the ones that were shown"


@pytest.mark.parametrize(("attempt", "late"), [(0, True), (1, False)])
def test_only_a_call_that_never_started_can_be_too_late(attempt, late):
    assert why(now=NOW) is None
    found = why(now=NOW + timedelta(microseconds=1), attempt=attempt)
    assert found == ("it was not started in time after it was allowed" if late else None)


@pytest.mark.parametrize("allowed_at", Tier)
@pytest.mark.parametrize("now_at", Tier)
def test_a_tier_that_tightened_invalidates_and_one_that_loosened_does_not(allowed_at, now_at):
    found = why(policy(tool(tier=now_at)), allowed=replace(ALLOWED, tier=allowed_at))
    order = list(Tier)
    assert (found is not None) is (order.index(now_at) < order.index(allowed_at))
