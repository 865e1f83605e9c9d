"""Slack's door: whose word is taken there, and that nothing said twice, wrongly or during slow work counts twice."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.workspace import Message, payloads, signing
from bot.workspace import blocks as kit
from storage.tables import Execution, Review
from tests.integration.verbs import count
from tests.stack import SIGNING_SECRET, Stack

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def pressed(stack: Stack, person: str, card: Message, button: str = "Approve") -> bytes:
    """The body of a click as Slack sends it."""
    block, element = kit.find(card.all_blocks, button)
    action = payloads.action(stack.slack.workspace, block, element, None)
    return encoded(payloads.button_pressed(stack.slack.workspace, person, card, action, {}))


def encoded(payload: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


async def deliver(stack: Stack, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Send a body to the door, signed as Slack signs it unless other headers are given."""
    proof = signing.headers(SIGNING_SECRET, int(time.time()), body) if headers is None else headers
    async with stack.session.post(f"{stack.url}/slack/events", data=body, headers={**FORM, **proof}) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


def forgeries(body: bytes) -> dict[str, dict[str, str]]:
    """Headers that almost prove a body, each wrong in one thing."""
    now = int(time.time())
    good = signing.headers(SIGNING_SECRET, now, body)
    return {
        "nothing": {},
        "no signature": without(good, "X-Slack-Signature"),
        "no time": without(good, "X-Slack-Request-Timestamp"),
        "another secret": signing.headers("another-secret", now, body),
        "no secret": signing.headers("", now, body),
        "another body": signing.headers(SIGNING_SECRET, now, body + b" "),
        "six minutes old": signing.headers(SIGNING_SECRET, now - 360, body),
        "from the future": signing.headers(SIGNING_SECRET, now + 360, body),
        "an old one under a new time": {**signing.headers(SIGNING_SECRET, now - 360, body),
                                        "X-Slack-Request-Timestamp": str(now)},
        "no number": {**good, "X-Slack-Request-Timestamp": "now"},
        "another version": {**good, "X-Slack-Signature": good["X-Slack-Signature"].replace("v0", "v1", 1)},
    }  # fmt: skip


async def test_whatever_slack_did_not_sign_changes_nothing_and_is_told_nothing(stack: Stack) -> None:
    """closes autonomy-and-trust 8; l1-l2-l3-enforcement 16"""
    _, proposed = await stack.propose()
    body = pressed(stack, "U0BOB", await stack.card("checkout"))
    answers = {name: await deliver(stack, body, headers) for name, headers in forgeries(body).items()}
    told = {"code": "UNAUTHENTICATED", "error": "The call is not signed by Slack.", "details": {}}
    assert {name: one for name, one in answers.items() if one != (401, told)} == {}
    assert await count(stack.database, Review) == 0
    assert (await stack.call("GET", f"/api/v1/proposals/{proposed['proposal_id']}"))[1]["state"] == "pending"
    assert (await deliver(stack, body))[0] == 200  # the same body counts once it is signed
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_a_click_that_slack_delivers_again_is_one_decision(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 1; slack-approval-bots 7"""
    _, proposed = await stack.propose()
    body = pressed(stack, "U0BOB", await stack.card("checkout"))
    proof = signing.headers(SIGNING_SECRET, int(time.time()), body)
    again = {**proof, "X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    answers = await asyncio.gather(*(deliver(stack, body, one) for one in (proof, proof, again)))
    assert [status for status, _ in answers] == [200] * 3
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    assert (await deliver(stack, body, again))[0] == 200
    assert await count(stack.database, Review) == await count(stack.database, Execution) == 1
    assert stack.service.effects == 1


async def test_a_slow_call_holds_up_no_click_and_a_second_click_starts_nothing(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 1; slack-approval-bots 1"""
    ended = asyncio.Event()

    async def until_told() -> None:
        await ended.wait()

    stack.service.script = [until_told]
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    assert (await stack.slack.click("U0BOB", card, "Approve")).status == 200
    await stack.service.called(1)
    late = await stack.slack.click("U0CAROL", card, "Approve")
    assert late.status == 200
    workspace = stack.slack.workspace
    told = await workspace.until(lambda: workspace.ephemerals("U0CAROL"))
    assert "already approved by <@U0BOB>" in told[-1].text
    _, running = await stack.call("GET", f"/api/v1/proposals/{proposed['proposal_id']}")
    assert (running["state"], running["execution"]["status"]) == ("allowed", "running")
    ended.set()
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    assert len(stack.service.calls) == 1


@pytest.mark.parametrize("value", ["", "rnd_0", "apr_1", "'; --", "%00", "x" * 2000, "<!channel>"])
async def test_a_button_that_nobody_drew_is_answered_politely(stack: Stack, value: str) -> None:
    """closes governed-proposals 21; slack-approval-bots 4"""
    await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    _, element = kit.find(card.all_blocks, "Approve")
    element["value"] = value
    assert (await stack.slack.click("U0BOB", card, "Approve")).status == 200
    workspace = stack.slack.workspace
    told = await workspace.until(lambda: workspace.ephemerals("U0BOB"))
    assert "belongs to no request here" in told[-1].text
    assert await count(stack.database, Review) == 0


async def test_a_submission_without_its_reason_field_is_asked_for_one(stack: Stack) -> None:
    """closes governed-proposals 21"""
    await stack.propose()
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Reject")
    payload = payloads.view_submitted(stack.slack.workspace, modal)
    for values in ({}, {"reason": {}}, {"something": {"else": {"value": "x"}}}):
        payload["view"]["state"]["values"] = values
        status, told = await deliver(stack, encoded(payload))
        assert (status, told["response_action"]) == (200, "errors")
        assert "Say why" in str(told["errors"])
    assert await count(stack.database, Review) == 0
