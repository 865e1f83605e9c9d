"""How an approved call ends, told alike to the agent, on the card and to the creator."""

import asyncio
import json
from typing import Any

import pytest

from bot.workspace import Message
from storage.tables import KeyKind
from tests.integration.calls import API
from tests.stack import Stack

pytestmark = pytest.mark.both_databases


def words(message: Message) -> str:
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


async def approved(stack: Stack, tool: str = "deploy.production", **arguments: str) -> tuple[dict[str, Any], Message]:
    """Propose, and have Bob approve; returns the proposal and its card."""
    _, proposed = await stack.propose(tool, arguments={"service": "checkout", **arguments})
    card = await stack.card("checkout")
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{proposed['approval']['id']}", {"decision": "approve"})
    return proposed, card


async def told(stack: Stack, person: str, containing: str) -> Message:
    """Wait for a direct message."""
    workspace = stack.slack.workspace
    return await workspace.until(lambda: next((m for m in workspace.dm(person) if containing in words(m)), None))


@pytest.mark.parametrize("trouble", [500, "drop"])
async def test_a_call_that_got_no_answer_is_repeated_under_the_same_key_and_has_one_effect(
    stack: Stack, trouble: object
) -> None:
    """closes governed-proposals 7; approval-api 7"""
    stack.service.script = [trouble]
    proposed, card = await approved(stack)
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], ended["execution"]["attempt"]) == ("succeeded", 2)
    assert [call.headers["X-Countersign-Attempt"] for call in stack.service.calls] == ["1", "2"]
    assert len({call.raw for call in stack.service.calls}) == 1
    assert stack.service.effects == 1
    await stack.shown("C0APPROVALS", card.ts, "attempt 2")


async def test_a_call_that_must_not_be_repeated_ends_as_unknown_and_people_are_asked_to_look(stack: Stack) -> None:
    stack.service.script = ["drop"]
    proposed, card = await approved(stack, "deploy.once")
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], ended["execution"]["attempt"]) == ("unknown", 1)
    await stack.shown("C0APPROVALS", card.ts, "Outcome unknown")
    assert "Outcome unknown" in words(await told(stack, "U0ALICE", "Outcome unknown"))
    assert len(stack.service.calls) == 1


async def test_a_call_the_service_refuses_ends_as_failed_with_its_words_as_data(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 13"""
    stack.service.script = [422]
    proposed, card = await approved(stack)
    ended = await stack.settled(proposed["proposal_id"])
    assert ended["state"] == "failed"
    assert ended["execution"]["error"].startswith("HTTP 422")
    shown = await stack.shown("C0APPROVALS", card.ts, "Failed")
    assert "HTTP 422" in words(shown)
    await told(stack, "U0ALICE", "Failed")
    assert len(stack.service.calls) == 1


async def test_a_busy_service_is_called_again_and_the_call_has_one_effect(stack: Stack) -> None:
    stack.service.script, stack.service.headers = [503], {"Retry-After": "1"}
    proposed, _ = await approved(stack)
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], stack.service.effects, len(stack.service.calls)) == ("succeeded", 1, 2)


async def tighten(stack: Stack, old: str, new: str) -> None:
    """Change the policy file and have the server read it again."""
    text = stack.config.read_text()
    assert old in text
    stack.config.write_text(text.replace(old, new))
    await stack.server.reload_policy()


async def test_what_changed_since_it_was_asked_about_is_not_run_and_everybody_reads_why(stack: Stack) -> None:
    """closes governed-proposals 18, 22"""
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    await tighten(stack, 'consequence = "Does deploy.production', 'consequence = "Replaces deploy.production')
    await stack.slack.click("U0BOB", card, "Approve")
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], ended["approval"]["decision"]["verdict"]) == ("invalidated", "approved")
    assert ended["execution"]["error"] == "tool deploy.production has changed since"
    shown = await stack.shown("C0APPROVALS", card.ts, "Not run")
    assert "has changed since" in words(shown)
    assert "has changed since" in words(await told(stack, "U0ALICE", "Not run"))
    assert stack.service.calls == []


async def test_a_scope_taken_away_before_the_retry_leaves_it_unknown_whether_the_call_happened(stack: Stack) -> None:
    answered = asyncio.Event()

    async def until_tightened() -> None:
        await answered.wait()
        raise ConnectionResetError

    stack.service.script = [until_tightened]
    proposed, card = await approved(stack)
    await stack.service.called(1)
    await tighten(stack, 'scopes = ["deploy"]\npeople', "scopes = []\npeople")
    answered.set()
    ended = await stack.settled(proposed["proposal_id"])
    assert ended["state"] == "unknown"
    assert "lost the scope deploy" in ended["execution"]["error"]
    await stack.shown("C0APPROVALS", card.ts, "Outcome unknown")
    assert len(stack.service.calls) == 1


async def test_an_agent_that_asks_again_after_a_settled_call_starts_a_new_one(stack: Stack) -> None:
    """closes autonomy-and-trust 15"""
    first, _ = await approved(stack)
    await stack.settled(first["proposal_id"])
    status, again = await stack.propose()
    assert (status, again["duplicate"]) == (202, False)
    assert again["proposal_id"] != first["proposal_id"]


async def test_a_secret_reaches_the_service_and_nobody_else(stack: Stack) -> None:
    """closes governed-proposals 19; autonomy-and-trust 12; l1-l2-l3-enforcement 19"""
    proposed, card = await approved(stack, token="s3cret-value")
    await stack.settled(proposed["proposal_id"])
    assert stack.service.calls[0].body["arguments"]["token"] == "s3cret-value"
    await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    await told(stack, "U0ALICE", "Done")
    workspace = stack.slack.workspace
    said = [words(m) for channel in workspace.channels for m in workspace.messages_in(channel)]
    assert not [one for one in said if "s3cret-value" in one]
