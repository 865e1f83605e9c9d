"""A workspace that revokes our token loses nothing: it is said once, the API decides, and later all of it is told."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from storage.tables import KeyKind, OutboxMessage
from tests.integration.calls import API
from tests.integration.desk import APPROVALS, Desk, is_decidable, words
from tests.integration.verbs import REJECT, asked, count, rows, say
from tests.integration.wound import WoundClock
from tests.stack import Stack

pytestmark = pytest.mark.both_databases

ALICE, BOB = "U0ALICE", "U0BOB"
POST, UPDATE = "chat.postMessage", "chat.update"


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_nothing_is_lost_however_long_the_token_is_revoked(desk: Desk, error: str) -> None:
    await asked(desk.database, desk.policy, arguments={"service": "first"})
    await desk.settle()
    found = await asked(desk.database, desk.policy)
    desk.workspace.app.revoked = error
    await say(desk.database, found, BOB, REJECT, "not today")
    for hours in (4, 4, 4, 25, 4, 100, 4):
        await desk.deliver()
        desk.clock.forward(hours=hours)
    assert await count(desk.database, OutboxMessage, status="dead") == 0
    desk.workspace.app.revoked = None
    await desk.settle()
    (card,) = [one for one in desk.cards() if "checkout" in words(one)]
    assert not is_decidable(card)
    assert [one.text for one in desk.workspace.thread(APPROVALS, card.ts)] == ["❌ Rejected by <@U0BOB>"]
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_what_was_kept_is_tried_again_after_trouble_of_another_kind(desk: Desk) -> None:
    """A message older than a day is not given up at the first fault after the token works again."""
    desk.workspace.app.revoked = "token_revoked"
    found = await asked(desk.database, desk.policy)
    await say(desk.database, found, BOB, REJECT, "not today")
    for _ in range(12):
        await desk.deliver()
        desk.clock.forward(hours=4)
    desk.workspace.app.revoked = None
    desk.workspace.faults.add(POST, "500", 3)
    await desk.settle()
    assert await count(desk.database, OutboxMessage, status="dead") == 0
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_slack_is_asked_once_in_half_a_minute_and_the_log_says_it_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    for n in range(4):  # fewer than the burst that a channel takes, so that its pace holds nothing back
        await asked(desk.database, desk.policy, arguments={"service": f"s{n}"})
    desk.workspace.app.revoked = "token_revoked"
    await desk.deliver()
    in_flight = len(desk.workspace.called(POST))
    for _ in range(3):
        await desk.deliver()
    assert len(desk.workspace.called(POST)) == in_flight
    desk.clock.forward(seconds=31)
    await desk.deliver()
    assert len(desk.workspace.called(POST)) > in_flight
    assert [one.getMessage().split(":")[0] for one in caplog.records] == ["Slack answers token_revoked"]
    assert desk.office.identity.trouble == "token_revoked"


async def test_when_the_token_works_again_everything_is_due_at_once_without_a_restart(desk: Desk) -> None:
    desk.workspace.app.revoked = "token_revoked"
    await asked(desk.database, desk.policy)
    for _ in range(8):  # the waits grow to ten minutes
        await desk.deliver()
        desk.clock.forward(minutes=10)
    await asked(desk.database, desk.policy, arguments={"service": "other"})
    await desk.deliver()
    desk.workspace.app.revoked = None
    desk.clock.forward(seconds=31)
    await desk.office.connection.probe(desk.office.client.auth_test)
    waiting = await rows(desk.database, OutboxMessage, status="queued")
    assert [one for one in waiting if one.kind == "show"]
    assert all(one.next_attempt_at <= desk.clock.now for one in waiting)
    assert desk.office.identity.trouble is None
    await desk.settle()
    assert len(desk.cards()) == 2


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


async def readiness(stack: Stack) -> str:
    async with stack.session.get(stack.url + "/readyz") as answer:
        assert answer.status == 200  # it decides without Slack
        return str((await answer.json())["slack"])


async def test_a_server_says_so_decides_over_the_api_and_goes_on_by_itself(stack: Stack, wound: WoundClock) -> None:
    workspace = stack.slack.workspace
    await stack.propose(arguments={"service": "warm"})
    await stack.card("warm")
    stack.config.write_text(stack.config.read_text().replace("[roles]\n", '[roles]\noffline_deciders = ["U0BOB"]\n'))
    await stack.server.reload_policy()
    assert await readiness(stack) == "ok"
    workspace.app.revoked = "token_revoked"
    _, proposed = await stack.propose()
    await workspace.until(lambda: [c for c in workspace.called(POST) if c.answer.get("error") == "token_revoked"])
    bob = await stack.key(KeyKind.OPERATOR, BOB)
    path = f"{API}/approvals/{proposed['approval']['id']}"
    assert (await stack.signed(bob, "POST", path, {"decision": "approve"}))[1]["status"] == "approved"
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    assert await readiness(stack) == "token_revoked"

    workspace.app.revoked = None
    wound.forward(minutes=11)
    card = await workspace.until(lambda: next(iter(workspace.messages_in(APPROVALS)[1:]), None))
    await stack.shown(APPROVALS, card.ts, "Succeeded")
    assert "card.approve" not in json.dumps(card.blocks)
    assert await readiness(stack) == "ok"
    assert timedelta(minutes=11) == wound.ahead
