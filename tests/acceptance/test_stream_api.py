"""The event stream of a whole server: an approved call from its request to its end, and a stop while it is open."""

import json
from typing import Any

from tests.integration.calls import API, Key
from tests.stack import Stack


async def test_a_call_is_followed_from_its_request_to_its_end(stack: Stack, bob: Key) -> None:
    """closes approval-api 8"""
    headers = {"Authorization": f"Bearer {stack.agent_secret}"}
    async with stack.session.get(f"{stack.url}{API}/approvals/stream", headers=headers) as stream:
        assert stream.status == 200
        _, told = await stack.propose()
        await stack.signed(bob, "POST", f"{API}/approvals/{told['approval']['id']}", {"decision": "approve"})
        seen: list[dict[str, Any]] = []
        async for line in stream.content:
            if line.startswith(b"data: "):
                seen.append(json.loads(line[6:]))
                if seen[-1]["event"] == "execution_finished":
                    break
        assert [(one["event"], one["status"]) for one in seen] == [
            ("approval_requested", "pending"), ("approval_decided", "approved"), ("execution_started", "running"),
            ("execution_finished", "succeeded"),
        ]  # fmt: skip
        assert {(one["proposal_id"], one["approval_id"]) for one in seen} == {
            (told["proposal_id"], told["approval"]["id"])
        }
        await stack.server.stop()  # with the stream still open
        assert await stream.content.read() is not None
