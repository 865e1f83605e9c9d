"""Slack is down, or does not know somebody: what was decided stands, what may run runs, and people hear of it once."""

import asyncio
import json
from typing import Any

import pytest

from bot.workspace import Message
from bot.workspace.state import Workspace
from storage.tables import AuditEntry, KeyKind, OutboxMessage, OutboxStatus
from tests.integration.calls import API
from tests.integration.verbs import count, rows
from tests.integration.wound import WoundClock
from tests.stack import Stack

pytestmark = pytest.mark.both_databases


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


def words(message: Message) -> str:
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


def cards(workspace: Workspace) -> list[Message]:
    return [one for one in workspace.messages_in("C0APPROVALS") if "Exact arguments" in words(one)]


async def change_policy(stack: Stack, old: str, new: str) -> None:
    text = stack.config.read_text()
    assert old in text
    stack.config.write_text(text.replace(old, new))
    await stack.server.reload_policy()


async def test_while_slack_is_down_calls_run_and_decisions_stand_and_later_it_is_told_once(
    stack: Stack, wound: WoundClock
) -> None:
    """closes l1-l2-l3-enforcement 7"""
    await change_policy(stack, "[roles]\n", '[roles]\noffline_deciders = ["U0BOB"]\n')
    workspace = stack.slack.workspace
    workspace.faults.add("*", "503", times=10_000)
    _, told = await stack.propose("note.l2", wait=30)
    assert (told["tier"], told["state"]) == ("act_and_notify", "succeeded")
    status, asked = await stack.propose()
    assert (status, asked["state"]) == (202, "pending")
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{asked['approval']['id']}"
    assert (await stack.signed(bob, "POST", path, {"decision": "approve"}))[1]["status"] == "approved"
    assert (await stack.settled(asked["proposal_id"]))["state"] == "succeeded"
    assert await count(stack.database, AuditEntry, kind="execution.finished") == 2
    assert (workspace.dm("U0ALICE"), cards(workspace)) == ([], [])

    workspace.faults.clear()
    wound.forward(minutes=30)  # past whatever wait the failures had led to
    await workspace.until(lambda: len(workspace.dm("U0ALICE")) == 2, timeout=60)
    assert sum("note.l2" in words(one) for one in workspace.dm("U0ALICE")) == 1
    (card,) = await workspace.until(lambda: cards(workspace))
    assert "Succeeded" in words(card)
    assert "card.approve" not in words(card)


async def test_a_creator_whom_slack_does_not_know_keeps_nobody_from_deciding(stack: Stack, wound: WoundClock) -> None:
    """closes l1-l2-l3-enforcement 4; slack-approval-bots 15"""
    await change_policy(stack, 'creator = "U0ALICE"', 'creator = "U0GONE"')
    _, proposed = await stack.propose(on_behalf_of="U0CAROL")
    card = (await stack.card("checkout")).snapshot()
    for _ in range(3):
        assert (await stack.slack.click("U0BOB", card, "Approve")).status == 200
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    assert stack.service.effects == 1
    await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    workspace = stack.slack.workspace
    await workspace.until(lambda: workspace.dm("U0CAROL"))
    async with asyncio.timeout(30):
        while not (dead := await rows(stack.database, OutboxMessage, kind="tell", status=OutboxStatus.DEAD)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (given_up,) = dead
    assert given_up.payload["person"] == "U0GONE"
    assert given_up.last_error == "Slack does not let us write to U0GONE (channel_not_found)"
    assert await count(stack.database, AuditEntry, kind="approval.decided") == 1
    assert await count(stack.database, AuditEntry, kind="execution.finished") == 1


async def test_a_call_that_ran_unasked_and_failed_is_told_as_failed(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 15"""
    stack.service.script = [422]
    _, told = await stack.propose("note.l2", wait=30)
    assert told["state"] == "failed"
    workspace = stack.slack.workspace
    (message,) = await workspace.until(lambda: workspace.dm("U0ALICE"))
    assert "Failed" in words(message)
    assert "Done" not in words(message)
