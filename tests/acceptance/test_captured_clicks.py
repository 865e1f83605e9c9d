"""A click that somebody captured on its way works once; an event that Slack sends again is taken as it is."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from storage.tables import Review
from tests.integration.verbs import count, sql
from tests.stack import SIGNING_SECRET, Stack


def signed(stack: Stack, body: bytes, content_type: str) -> dict[str, str]:
    timestamp = str(int(stack.slack.workspace.now()))
    text = f"v0:{timestamp}:".encode() + body
    signature = "v0=" + hmac.new(SIGNING_SECRET.encode(), text, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature, "Content-Type": content_type}


async def post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> int:
    async with session.post(f"{url}/slack/events", data=body, headers=headers) as answer:
        return answer.status


#: Nobody signed the content type, so whoever captured a click may write it as they like.
DISGUISES = ["application/x-www-form-urlencoded", "application/json", "Application/JSON", "application/json ;charset=x"]


async def test_a_captured_click_cannot_be_played_again(stack: Stack) -> None:
    await stack.propose("deploy.two")
    card = await stack.card("checkout")
    payload: dict[str, Any] = {
        "type": "block_actions", "team": {"id": "T0DEMO"}, "user": {"id": "U0BOB"}, "trigger_id": "1.2.x",
        "container": {"type": "message", "message_ts": card.ts, "channel_id": "C0APPROVALS"},
        "channel": {"id": "C0APPROVALS"}, "api_app_id": "A0", "response_url": "",
        "actions": [{"type": "button", "action_id": "card.approve", "block_id": "b", "value": approve_value(card)}],
    }  # fmt: skip
    body = urlencode({"payload": json.dumps(payload)}).encode()
    headers = signed(stack, body, "application/x-www-form-urlencoded")
    assert await post(stack.session, stack.url, body, headers) == 200
    assert await count(stack.database, Review) == 1
    await sql(stack.database, "DELETE FROM reviews")
    for disguise in DISGUISES:
        assert await post(stack.session, stack.url, body, {**headers, "Content-Type": disguise}) == 200, disguise
    assert await count(stack.database, Review) == 0


async def test_an_event_may_come_again(stack: Stack) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"}).encode()
    headers = signed(stack, body, "application/json")
    assert [await post(stack.session, stack.url, body, headers) for _ in range(2)] == [200, 200]


def approve_value(card: Any) -> str:
    buttons = [one for block in card.blocks for one in block.get("elements", ()) if one.get("type") == "button"]
    return str(next(one["value"] for one in buttons if one["action_id"] == "card.approve"))
