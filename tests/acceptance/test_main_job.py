"""The main job, end to end: propose, card, click, recorded, executed, true card, told."""

import json
from typing import Any

import pytest

from bot.workspace import Message
from tests.stack import Stack

pytestmark = pytest.mark.both_databases


def words(message: Message) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


async def test_approved_call_runs_once_as_shown_and_everybody_is_told(stack: Stack) -> None:
    """closes governed-proposals 2"""
    arguments = {"service": "checkout", "token": "s3cret-value"}
    status, proposed = await stack.propose(arguments=arguments, rationale="the fix is reviewed")
    assert (status, proposed["state"]) == (202, "pending")
    card = await stack.card("checkout")
    assert proposed["digest"].split(":")[1][:12] in words(card)
    assert "s3cret-value" not in words(card)

    clicked = await stack.slack.click("U0BOB", card, "Approve")
    assert clicked.status == 200

    settled = await stack.settled(proposed["proposal_id"])
    assert settled["state"] == "succeeded"
    assert settled["approval"]["decision"]["by"] == "U0BOB"
    assert [call.body["arguments"] for call in stack.service.calls] == [arguments]
    after = await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    assert "Approved" in words(after)
    assert "card.approve" not in words(after)
    workspace = stack.slack.workspace
    await workspace.until(lambda: any("Done in" in words(m) for m in workspace.thread("C0APPROVALS", card.ts)))
    await workspace.until(lambda: any("Done:" in words(m) for m in workspace.dm("U0ALICE")))


async def test_rejection_needs_a_reason_that_reaches_the_agent(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    modal = await stack.modal("U0CAROL", card, "Reject")

    blank = await stack.slack.submit("U0CAROL", modal, {"reason": "   "})
    assert "errors" in json.dumps(blank.body)

    await stack.slack.submit("U0CAROL", modal, {"reason": "not on a Friday"})
    settled = await stack.settled(proposed["proposal_id"])
    assert settled["state"] == "rejected"
    assert settled["approval"]["decision"]["reason"] == "not on a Friday"
    await stack.shown("C0APPROVALS", card.ts, "not on a Friday")
    assert stack.service.calls == []


async def test_l1_runs_l2_runs_and_tells_shadow_and_suggest_do_not(stack: Stack) -> None:
    """closes governed-proposals 2"""
    states: dict[str, Any] = {}
    for tool in ("note.auto", "note.l2", "dry.run", "hint.it"):
        status, proposed = await stack.propose(tool, wait=10)
        states[tool] = (status, proposed["state"])
    assert states == {
        "note.auto": (201, "succeeded"),
        "note.l2": (201, "succeeded"),
        "dry.run": (201, "shadowed"),
        "hint.it": (201, "suggested"),
    }
    workspace = stack.slack.workspace
    told = await workspace.until(lambda: workspace.dm("U0ALICE"))
    assert "note.l2" in words(told[0])
    assert "L2" in words(told[0])
    assert len(stack.service.calls) == 2
