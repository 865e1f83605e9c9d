"""Tools inherit what they leave out: from the longest prefix that writes it, then from a shipped pack."""

import pytest

from bot.policy import PolicyProblem, load_policy
from governance.prefixes import covers, patterns_for
from governance.resolution import resolve_tier
from governance.tiers import ApprovalMode, Risk, Tier

HEAD = """
{top}
[slack]
approvals_channel = "C0APPROVALS"
[roles]
admins = ["U0ADMIN"]
[[agents]]
id = "a"
name = "A"
creator = "U0ALICE"
{agent}
"""
FAMILY = """
[[tools]]
name = "deploy.*"
action_class = "deploy"
capability = "deploy"
risk = "high_write"
reviewers = ["U0BOB"]
consequence = "Deploys {{ service }}"
connector = { kind = "agent" }
[[tools]]
name = "deploy.eu.*"
reviewers = ["U0CAROL", "U0DAVE"]
quorum = 2
tier = "L2"
[[tools]]
name = "deploy.eu.shop"
title = "Deploy the European shop"
risk = "low_write"
[[tools]]
name = "deploy.staging"
title = "Deploy to staging"
"""


def load(folder, text=FAMILY, top="", agent=""):
    path = folder / "countersign.toml"
    path.write_text(HEAD.format(top=top, agent=agent) + text)
    return load_policy(path, {})


def complaint(folder, text, **more):
    with pytest.raises(PolicyProblem) as caught:
        load(folder, text, **more)
    return str(caught.value)


def test_patterns_run_from_the_name_to_its_shortest_prefix():
    assert list(patterns_for("a.b.c")) == ["a.b.c", "a.b.*", "a.*"]
    assert covers("a.*", "a.b.c")
    assert not covers("a.*", "a")
    assert not covers("a.*", "ab.c")


def test_the_longest_prefix_that_writes_a_key_gives_it(tmp_path):
    policy = load(tmp_path)
    shop, staging = policy.tools["deploy.eu.shop"], policy.tools["deploy.staging"]
    assert (shop.reviewers, shop.quorum, shop.tier) == (("U0CAROL", "U0DAVE"), 2, Tier.ACT_AND_NOTIFY)
    assert (shop.risk, shop.action_class) == (Risk.LOW_WRITE, "deploy")
    assert (staging.reviewers, staging.quorum, staging.tier, staging.risk) == (("U0BOB",), 1, None, Risk.HIGH_WRITE)
    assert set(policy.tools) - {"countersign.set_tier"} == {"deploy.eu.shop", "deploy.staging"}


def test_what_a_tool_inherits_is_part_of_its_version(tmp_path):
    before = load(tmp_path).tools["deploy.staging"].version
    assert load(tmp_path, FAMILY.replace("Deploys {{", "Ships {{")).tools["deploy.staging"].version != before
    assert load(tmp_path, FAMILY.replace('["U0BOB"]', '["U0EVE"]')).tools["deploy.staging"].version == before


def test_a_tool_that_nobody_completes_names_what_is_missing(tmp_path):
    told = complaint(tmp_path, FAMILY.replace('action_class = "deploy"\n', ""))
    assert "tools.2.action_class: is required; add it, here or on a prefix this tool inherits from" in told


def test_of_tiers_written_for_prefixes_the_longest_counts(tmp_path):
    tiers = '[agents.tiers]\n"deploy.*" = "shadow"\n"deploy.eu.*" = "suggest"\n'
    policy = load(tmp_path, agent=tiers)
    agent = policy.agents["a"]
    assert resolve_tier(policy, agent, policy.tools["deploy.eu.shop"]).tier is Tier.SUGGEST
    found = resolve_tier(policy, agent, policy.tools["deploy.staging"])
    assert (found.tier, found.place) == (Tier.SHADOW, ("agents", 0, "tiers", "deploy.*"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[tools]]\nname = "*"\n', "tools.4.name"),
        ('[[tools]]\nname = "deploy.*.x"\n', "tools.4.name"),
        ('[[rules]]\ntool = "nothing.*"\ndecision = "deny"\nreason = "x"\n', "rules.0.tool"),
        ('[[rules]]\ntool = "deploy.*"\nagent = "b"\ndecision = "deny"\nreason = "x"\n', "rules.0.agent"),
        ('[[rules]]\ntool = "deploy.*"\ndecision = "allow"\nreason = "x"\n', "rules.0.decision"),
        ('[needs_human]\nclasses = ["nothing"]\n', "needs_human.classes.0"),
        ('[[tools]]\nname = "countersign.x"\ntitle = "X"\n', "tools.4.name"),
        ('[[tools]]\nname = "deploy.late"\ntitle = "L"\nescalate_after = "1h"\n', "tools.4.escalate_to"),
        ('[[tools]]\nname = "deploy.fast"\ntitle = "F"\nrate = "ten a minute"\n', "tools.4.rate"),
    ],
)
def test_a_mistake_about_prefixes_and_rules_names_its_place(tmp_path, text, told):
    assert told in complaint(tmp_path, FAMILY + text)


SIDE_EFFECTS = {
    "fs.write": 3, "fs.mkdir": 1, "fs.copy": 1, "fs.move": 1, "fs.delete": 1, "process.exec": 4, "host.call": 1,
    "store.write": 4, "metadata.write": 4, "checkpoint.write": 3, "network.sse.write": 8, "agent_state.write": 3,
    "mcp.release": 1, "git.write": 5,
}  # fmt: skip


def test_the_agent_runtime_pack_has_its_forty_operations_in_fourteen_classes(tmp_path):
    policy = load(tmp_path, "", top='include = ["builtin:agent-runtime"]')
    tools = [tool for tool in policy.tools.values() if not tool.is_internal]
    counted = {name: sum(tool.action_class == name for tool in tools) for name in SIDE_EFFECTS}
    assert (len(tools), counted) == (40, SIDE_EFFECTS)
    assert {tool.connector.kind for tool in tools} == {"agent"}
    assert all(tool.mode is ApprovalMode.REQUIRES_APPROVAL for tool in tools)


ASSISTANT = {
    "read_files": "L1", "write_workspace_files": "L2", "send_feishu_message": "L2", "send_external_message": "L3",
    "modify_soul": "L3", "access_business_system_read": "L2", "access_business_system_write": "L3",
    "delete_files": "L3", "create_calendar_event": "L2", "financial_operations": "L3",
}  # fmt: skip
LEVELS = {"L1": Tier.ACT_AUTO, "L2": Tier.ACT_AND_NOTIFY, "L3": Tier.ACT_WITH_APPROVAL}


def test_the_assistant_pack_has_its_ten_action_types_at_their_levels(tmp_path):
    policy = load(tmp_path, "", top='include = ["builtin:assistant"]')
    agent = policy.agents["a"]
    found = {t.name: resolve_tier(policy, agent, t).tier for t in policy.tools.values() if not t.is_internal}
    assert found == {name: LEVELS[level] for name, level in ASSISTANT.items()}


def test_the_operator_s_words_about_a_packed_tool_come_first(tmp_path):
    own = '[[tools]]\nname = "git.*"\nreviewers = ["U0BOB"]\n[[tools]]\nname = "git.push"\ntier = "shadow"\n'
    policy = load(tmp_path, own, top='include = ["builtin:agent-runtime"]')
    push = policy.tools["git.push"]
    assert (push.reviewers, push.tier, push.title) == (("U0BOB",), Tier.SHADOW, "Push to a git remote")
