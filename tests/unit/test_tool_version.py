"""A tool's version changes exactly with what an approver relied on."""

import pytest

from tests.unit.policy_files import WHOLE, changed, load

RELIED_ON = {
    "schema": ('service = { type = "string" }', 'service = { type = "integer" }'),
    "connector address": ("https://deploy.example/run", "https://deploy.example/run2"),
    "connector secret": ('secret_env = "DEPLOY_SECRET"', 'secret_env = "OTHER_SECRET"'),
    "connector idempotence": ("idempotent = true", "idempotent = false"),
    "connector timeout": ('timeout = "30s"', 'timeout = "31s"'),
    "connector attempts": ("attempts = 5", "attempts = 6"),
    "connector reach": ("allow_private = true", "allow_private = false"),
    "risk": ('"high_write"', '"low_write"'),
    "class": ('action_class = "deploy"', 'action_class = "release"'),
    "capability": ('capability = "deploy.production"', 'capability = "deploy"'),
    "scopes": ('scopes = ["deploy"]\nrisk', 'scopes = ["deploy", "more"]\nrisk'),
    "consequence": ("Replaces", "Swaps"),
}
NOT_RELIED_ON = {
    "title": ("Deploy to production", "Deploy"),
    "quorum": ("quorum = 2", "quorum = 1"),
    "reviewers": ('["U0BOB", "S0ONCALL"]', '["U0BOB", "U0CAROL"]'),
    "tier": ('tier = "L3"\nreviewers', 'tier = "shadow"\nreviewers'),
    "approval mode": ('approval_mode = "requires_approval"\n', ""),
    "time to live": ('ttl = "7d"', 'ttl = "8d"'),
    "who may approve": ("creator_may_approve = false", "creator_may_approve = true"),
    "secret fields": ('"/nested/pin"', '"/nested/pan"'),
    "another tool": ('title = "Write a note"', 'title = "Write notes"'),
    "an agent": ('name = "Deployer"', 'name = "Another"'),
    "an address spelt as its default": ('kind = "http"\nurl', 'kind = "http"\nidempotent = false\nurl'),
}


def versions(folder, text):
    policy = load(folder, text, {"DEPLOY_SECRET": "a", "OTHER_SECRET": "b"})
    return {name: tool.version for name, tool in policy.tools.items()}


@pytest.mark.parametrize("change", RELIED_ON.values(), ids=RELIED_ON)
def test_what_an_approver_relied_on_changes_the_version_of_that_tool_alone(tmp_path, change):
    """closes governed-proposals 22"""
    before, after = versions(tmp_path, WHOLE), versions(tmp_path, changed(change))
    assert before["deploy.production"] != after["deploy.production"]
    assert before["notes.write"] == after["notes.write"]


@pytest.mark.parametrize("change", NOT_RELIED_ON.values(), ids=NOT_RELIED_ON)
def test_nothing_else_changes_any_version(tmp_path, change):
    assert versions(tmp_path, WHOLE) == versions(tmp_path, changed(change))


def test_the_order_of_scopes_and_schema_keys_is_no_change(tmp_path):
    more = 'scopes = ["deploy", "more"]\nrisk'
    text = changed(('scopes = ["deploy"]\nrisk', more))
    shuffled = changed(
        (more, 'scopes = ["more", "deploy"]\nrisk'),
        ('{ type = "object", required = ["service"], ', '{ required = ["service"], type = "object", '),
        text=text,
    )
    assert versions(tmp_path, text) == versions(tmp_path, shuffled)


def test_the_value_of_a_secret_is_no_part_of_the_version(tmp_path):
    one = load(tmp_path, WHOLE, {"DEPLOY_SECRET": "a"}).tools["deploy.production"].version
    assert load(tmp_path, WHOLE, {"DEPLOY_SECRET": "b"}).tools["deploy.production"].version == one
