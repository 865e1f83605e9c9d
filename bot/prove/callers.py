"""The two kinds of API callers: the agent that proposes, and people who decide with signed calls."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import aiohttp

from bot.prove.child import Child

Json = dict[str, Any]


class Api:
    """Speaks to the server whichever process answers at the moment; a dead one is waited for."""

    def __init__(self, child: Child, session: aiohttp.ClientSession, agent_secret: str) -> None:
        self._child, self._session = child, session
        self._bearer = {"Authorization": f"Bearer {agent_secret}"}

    async def propose(self, body: Json) -> Json:
        """Propose under an idempotency key, so that a proposal whose answer was lost is not made twice."""
        return (await self._until_answered("POST", "/api/v1/proposals", body, self._bearer))[1]

    async def withdraw(self, proposal_id: str) -> int:
        """Take a proposal back; returns the status."""
        return (await self._until_answered("DELETE", f"/api/v1/proposals/{proposal_id}", {}, self._bearer))[0]

    async def settled(self, proposal_id: str) -> Json:
        """Wait until a proposal is neither pending nor allowed."""
        while True:
            _, found = await self._until_answered("GET", f"/api/v1/proposals/{proposal_id}?wait=20", None, self._bearer)
            if found["state"] not in ("pending", "suggested", "allowed"):
                return found

    async def decide(self, key: tuple[str, str], approval_id: str, decision: str) -> tuple[int, Json]:
        """Decide as the person behind an operator key."""
        path, body = f"/api/v1/approvals/{approval_id}", {"decision": decision, "reason": "decided from a terminal"}
        while True:
            await self._child.up.wait()
            try:
                return await self._call("POST", path, body, _signature(key, path, json.dumps(body).encode()))
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)

    async def _until_answered(self, method: str, path: str, body: Json | None, headers: Json) -> tuple[int, Json]:
        while True:
            await self._child.up.wait()
            try:
                return await self._call(method, path, body, headers)
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)

    async def _call(self, method: str, path: str, body: Json | None, headers: Json) -> tuple[int, Json]:
        data = json.dumps(body).encode() if body is not None else None
        async with self._session.request(method, self._child.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()


def _signature(key: tuple[str, str], path: str, body: bytes) -> Json:
    timestamp, nonce = str(int(time.time())), secrets.token_hex(12)
    text = "\n".join(["v1", "POST", path, timestamp, nonce, hashlib.sha256(body).hexdigest()])
    digest = hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "X-Countersign-Key": key[0], "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
        "X-Countersign-Signature": f"v1={digest}",
    }  # fmt: skip
