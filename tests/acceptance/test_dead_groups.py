"""A user group that is gone is an empty one: the others of its panel decide, and everything that lists goes on."""

import json
from typing import Any

import pytest

from tests.policies import tool
from tests.stack import Stack

EXTRA = tool("deploy.ghosts", title="Deploy by ghosts", reviewers='["S0GHOSTS", "U0BOB"]')


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": EXTRA}


async def test_who_else_is_on_the_panel_decides(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """closes slack-approval-bots 15"""
    _, proposed = await stack.propose("deploy.ghosts")
    card = (await stack.card("checkout")).snapshot()
    for _ in range(2):
        await stack.slack.click("U0CAROL", card, "Approve")
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    said = [one.getMessage() for one in caplog.records if "S0GHOSTS" in one.getMessage()]
    assert said == ["user group S0GHOSTS counts as empty (no_such_subteam); mend reviewers in countersign.toml"]


async def test_commands_and_home_list_what_waits_all_the_same(stack: Stack) -> None:
    await stack.propose("deploy.ghosts", arguments={"service": "one"})
    await stack.propose(arguments={"service": "two"})
    mine = await stack.slack.command("U0CAROL", "/approvals", "mine")
    assert [text.count("Deploy to production") for text in (m.text for m in mine.ephemeral)] == [1]
    workspace = stack.slack.workspace
    await stack.slack.open_home("U0CAROL")
    await workspace.until(lambda: (v := workspace.home("U0CAROL")) and "Deploy to production" in json.dumps(v.blocks))


async def test_a_group_that_cannot_be_asked_for_is_no_empty_group(stack: Stack) -> None:
    """closes slack-approval-bots 14"""
    _, proposed = await stack.propose("deploy.group")
    card = (await stack.card("checkout")).snapshot()
    stack.slack.workspace.faults.add("usergroups.users.list", "500")
    await stack.slack.click("U0CAROL", card, "Approve")
    _, told = await stack.call("GET", f"/api/v1/proposals/{proposed['proposal_id']}")
    assert told["state"] == "pending"
