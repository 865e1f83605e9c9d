"""Every key of countersign.toml ends up in the policy, and what is not written has its default."""

import hashlib
from datetime import timedelta

import pytest

from bot.policy.shape import PolicyFile
from bot.policy.words import parse_duration
from governance.policy import Agent, Connector, Limits
from governance.tiers import ApprovalMode, Risk, Tier
from tests.unit.policy_files import WHOLE, load

SMALLEST = '[slack]\napprovals_channel = "C0APPROVALS"\n'


@pytest.fixture
def whole(tmp_path):
    return load(tmp_path)


def test_people_channels_defaults_and_limits_are_taken_over(whole):
    assert whole.approvals_channel == "C0APPROVALS"
    assert (whole.admins, whole.operators, whole.offline_deciders) == (("U0ADMIN",), ("U0OPS",), ("U0ADMIN",))
    assert (whole.default_tier, whole.default_ttl) == (Tier.ACT_WITH_APPROVAL, timedelta(minutes=90))
    assert whole.limits == Limits(
        7, 2.5, 9, approval_ttl=timedelta(days=1), default_expires_after=timedelta(), creation_enabled=False,
        lineage_depth_limit=2, weekly_spend_cap=50_000_000, agent_caps={"reader": None},
        spend_warning_threshold_ratio=0.5, health_check_interval=timedelta(hours=1),
    )  # fmt: skip
    assert whole.class_tiers == {"notes": Tier.ACT_AUTO}


def test_agents_are_taken_over(whole):
    assert whole.agents["deployer"] == Agent(
        "deployer", "Deployer", "U0ALICE", frozenset({"deploy"}), frozenset({"U0ALICE", "W0GRID"}),
        frozenset({"C0DEPLOYS", "G0PRIVATE"}), Tier.SUGGEST,
        {"deploy.production": Tier.ACT_WITH_APPROVAL, "notes": Tier.ACT_AND_NOTIFY}, place=("agents", 0),
    )  # fmt: skip
    assert whole.agents["reader"] == Agent(
        "reader", "Reader", "U0BOB", parent="deployer", report_spend=True, place=("agents", 1)
    )


def test_tools_are_taken_over(whole):
    tool = whole.tools["deploy.production"]
    assert (tool.title, tool.action_class, tool.capability) == ("Deploy to production", "deploy", "deploy.production")
    assert (tool.risk, tool.approval_mode, tool.tier) == (
        Risk.HIGH_WRITE, ApprovalMode.REQUIRES_APPROVAL, Tier.ACT_WITH_APPROVAL,
    )  # fmt: skip
    assert (tool.scopes, tool.reviewers, tool.quorum) == (frozenset({"deploy"}), ("U0BOB", "S0ONCALL"), 2)
    assert (tool.creator_may_approve, tool.secret_fields) == (False, ("token", "/nested/pin"))
    assert whole.ttl_of(tool) == timedelta(days=7)
    assert tool.connector == Connector(
        "http", idempotent=True, timeout=timedelta(seconds=30), attempts=5, url="https://deploy.example/run",
        secret_env="DEPLOY_SECRET", allow_private=True,
    )  # fmt: skip
    assert tool.find_problems({"service": 1})[0].field == "/service"
    assert tool.tell_consequence({"service": "a", "version": "b"}) == "Replaces a with b"


def test_a_tool_of_few_words_is_blocked_asks_nobody_extra_and_waits_as_long_as_the_default(whole):
    tool = whole.tools["notes.write"]
    assert (tool.mode, tool.reviewers, tool.quorum, tool.scopes) == (ApprovalMode.ALWAYS_BLOCK, (), 1, frozenset())
    assert tool.connector == Connector("http", url="http://127.0.0.1:9/notes")
    assert whole.ttl_of(tool) == timedelta(minutes=90)
    assert tool.find_problems({"anything": 1}) == []
    assert tool.find_problems([]) != []


def test_the_smallest_policy_is_a_channel(tmp_path):
    policy = load(tmp_path, SMALLEST)
    assert (policy.agents, policy.tools, policy.admins) == ({}, {}, ())
    assert (policy.default_tier, policy.default_ttl, policy.limits) == (None, timedelta(hours=48), Limits())


def test_a_policy_is_known_by_the_hash_of_its_file(whole, tmp_path):
    assert whole.hash == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert load(tmp_path, WHOLE + "# a comment\n").hash != whole.hash


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("48h", 172_800), ("7d", 604_800), ("2w", 1_209_600), ("1h30m", 5400)],
)
def test_durations_are_written_with_their_unit(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "s", "1.5h", "-1h", "1 h", "1H", "0s", "367d", "1y", "9" * 30 + "d", "9" * 5000 + "s", 30, None]
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError):
        parse_duration(text)


def test_the_schema_for_editors_knows_every_key():
    schema = PolicyFile.model_json_schema()
    assert set(schema["properties"]) == {
        "slack", "include", "roles", "defaults", "limits", "needs_human", "classes", "agents", "tools", "scoped",
        "rules", "workspaces", "webhooks",
    }  # fmt: skip
    assert "L1" in str(schema["$defs"]["AgentTable"]["properties"]["tier"])
    assert all(
        table.get("additionalProperties") is False for table in schema["$defs"].values() if "properties" in table
    )
