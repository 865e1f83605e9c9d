"""The edit form of a tool: an input per argument, one text where no schema says what there is, and errors in place."""

from typing import Any

import pytest

from tests.acceptance.test_menu import choose, said
from tests.stack import Stack

_TOOL = """
[[tools]]
name = "deploy.{name}"
title = "Deploy {name}"
action_class = "deploy"
capability = "deploy"
scopes = ["deploy"]
risk = "high_write"
reviewers = ["U0BOB", "U0CAROL"]
consequence = "Deploys"
secret_fields = ["token"]
input_schema = {schema}
connector = {{ kind = "http", url = "TARGET/{name}", secret_env = "DEPLOY_SECRET", idempotent = true }}
"""
_PROPERTIES = """
  service = { enum = ["checkout", "search"], description = "Which one" }, replicas = { type = "integer", maximum = 9 },
  notify = { type = "array", items = { type = "string" } }, dry = { type = "boolean" }, token = { type = "string" },
  on = { type = "string", format = "date" }, labels = { type = "object", additionalProperties = { type = "string" } }
""".replace("\n", "")
_SCALED = (
    f'{{ type = "object", required = ["service"], additionalProperties = false, properties = {{ {_PROPERTIES} }} }}'
)
TOOLS = _TOOL.format(name="scaled", schema=_SCALED) + _TOOL.format(name="free", schema="{ type = 'object' }")


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": TOOLS}


async def test_every_kind_of_input_reaches_the_call_that_runs(stack: Stack) -> None:
    before = {"service": "checkout", "replicas": 2, "labels": {"a": "b"}, "token": "tok-secret"}
    _, proposed = await stack.propose("deploy.scaled", arguments=before)
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    assert "tok-secret" not in said(modal)
    typed = {"service": "search", "replicas": "3", "notify": "ops\nqa", "dry": "true", "on": "2026-11-23"}
    await stack.slack.submit("U0BOB", modal, typed)
    edited = await stack.shown("C0APPROVALS", card.ts, "Arguments edited")
    await stack.slack.click("U0CAROL", edited.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (ran,) = [one.body["arguments"] for one in stack.service.calls]
    assert ran == {**before, "service": "search", "replicas": 3, "notify": ["ops", "qa"], "dry": True,
                   "on": "2026-11-23"}  # fmt: skip
    assert isinstance(ran["replicas"], int)


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"service": "checkout"}, "argument.service", "Nothing is changed"),
        ({"replicas": "12"}, "argument.replicas", "Must be at most 9"),
        ({"labels": '{"a": 1'}, "argument.labels", "not valid JSON"),
        ({"labels": '{"a": 1, "a": 2}'}, "argument.labels", "stands twice"),
        ({"labels": '{"a": 1}'}, "argument.labels", "/a must be of type string"),
        ({"token": "••••••••"}, "argument.token", "Had no value to keep"),
    ],
)
async def test_what_is_wrong_with_an_edit_is_said_at_its_field(
    stack: Stack, typed: dict[str, Any], field: str, sentence: str
) -> None:
    await stack.propose("deploy.scaled")
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Edit arguments")
    for block in modal.blocks:  # what Slack's clients hold back is checked once more here
        block.get("element", {}).pop("max_value", None)
    await stack.slack.submit("U0BOB", modal, typed)
    assert list(modal.errors) == [field]
    assert sentence in modal.errors[field]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ('{"service": "search"', "This is not valid JSON"),
        ('{"service": "search", "service": "x"}', "stands twice"),
        ("[]", "Send a JSON object"),
        ('{"service": "checkout"}', "Nothing is changed"),
    ],
)
async def test_what_is_wrong_with_arguments_as_one_text_is_said_there(stack: Stack, typed: str, sentence: str) -> None:
    await stack.propose("deploy.free")
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Edit arguments")
    await stack.slack.submit("U0BOB", modal, {"arguments": typed})
    assert sentence in modal.errors["arguments"]


async def test_one_text_too_long_for_slack_is_edited_over_the_api(stack: Stack) -> None:
    await stack.propose("deploy.free", arguments={"service": "checkout", "note": "x" * 4000})
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Edit arguments")
    assert "POST /api/v1/approvals/apr_" in said(modal)
    assert not any(block["type"] == "input" for block in modal.blocks)
