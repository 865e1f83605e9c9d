"""Speaking to Slack: one connection carries message after message, in a server as it is built for production."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Server, build
from bot.settings import Settings
from storage.tables import OutboxMessage
from tests.conftest import ENCRYPTION_KEY
from tests.integration.verbs import count, submit
from tests.integration.wire import Wire, http
from tests.policies import policy_text
from tests.stack import ENVIRONMENT, SIGNING_SECRET

YES = {
    "ok": True, "team_id": "T0", "user_id": "U0BOT", "bot_id": "B0", "url": "http://slack.example/", "channel": "C0",
    "ts": "1.2", "messages": [], "user": {"id": "U0BOB"}, "users": [], "usergroups": [],
}  # fmt: skip


@pytest.fixture
async def server(sqlite_url: str, tmp_path: Path, wire: Wire) -> AsyncIterator[Server]:
    """A server whose Slack says yes to everything."""
    wire.script = [http(200, json.dumps(YES).encode(), Content_Type="application/json")] * 500
    config = tmp_path / "countersign.toml"
    config.write_text(policy_text())
    settings = Settings(
        config=config, database_url=sqlite_url, host="127.0.0.1", port=0, bot_token="xoxb-demo",
        signing_secret=SIGNING_SECRET, app_token="", slack_api_url=f"{wire.url}/api/", encryption_key=ENCRYPTION_KEY,
    )  # fmt: skip
    running = await build(settings, ENVIRONMENT)
    await running.start()
    yield running
    await running.stop()


async def test_message_after_message_uses_the_same_connection(server: Server, wire: Wire) -> None:
    """closes l1-l2-l3-enforcement 20"""
    database, policy = server.office.database, server.office.policy.current
    for n in range(5):  # as many as may go at once; a sixth would be held back for a second
        await submit(database, policy, arguments={"service": f"s{n}"})
        async with asyncio.timeout(30):
            while await count(database, OutboxMessage, kind="show", status="sent") <= n:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)
    posts = [one for one in wire.requests if "chat.postMessage" in one.line]
    assert len(posts) == 5
    # What goes at the same time needs connections of its own; what goes later takes one of those.
    assert len({one.connection for one in wire.requests}) <= len(wire.requests) / 3
