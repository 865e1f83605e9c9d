"""Calling the server as an agent and as an operator, with real keys, over one connection pool."""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.policy import AGENT, APPROVER, ASKED, UNASKED
from benchmarks.processes import BenchmarkProblem
from bot.office import TENANT
from operations.keys import create_key
from storage.opening import open_database
from storage.tables import KeyKind


@dataclass(frozen=True)
class Keys:
    """The secret of the agent, and key id and secret of the person who approves."""

    agent: str
    operator: tuple[str, str]


async def make_keys(database: str, encryption_key: str) -> Keys:
    """Bring a database's schema up to date and make both keys in it."""
    opened = await open_database(database, encryption_key)
    try:
        _, agent = await opened.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, AGENT))
        key, secret = await opened.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, APPROVER))
        return Keys(agent, (key.id, secret))
    finally:
        await opened.close()


@dataclass(frozen=True)
class Client:
    """One server's API. `marker` becomes the argument by which card, call and effect are told apart."""

    session: aiohttp.ClientSession
    url: str
    keys: Keys

    async def gate_check(self, marker: str) -> str:
        """Propose a call that runs unasked; returns the proposal id."""
        return str((await self._propose({"tool": UNASKED, "arguments": _arguments(marker)}, 201))["proposal_id"])

    async def ask(self, marker: str, thread: tuple[str, str] | None = None) -> str:
        """Propose a call that people approve; returns the approval id."""
        body: dict[str, Any] = {"tool": ASKED, "arguments": _arguments(marker), "rationale": "The change is reviewed."}
        if thread is not None:
            body["thread"] = {"channel": thread[0], "thread_ts": thread[1]}
        return str((await self._propose(body, 202))["approval"]["id"])

    async def approve(self, approval_id: str) -> None:
        """Approve with the operator's key."""
        path, body = f"/api/v1/approvals/{approval_id}", json.dumps({"decision": "approve"}).encode()
        await self._post(path, body, self._signature("POST", path, body), 200)

    async def _propose(self, body: dict[str, Any], expected: int) -> Any:
        bearer = {"Authorization": f"Bearer {self.keys.agent}"}
        return await self._post("/api/v1/proposals", json.dumps(body).encode(), bearer, expected)

    async def _post(self, path: str, body: bytes, headers: dict[str, str], expected: int) -> Any:
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            text = await answer.read()
            if answer.status != expected:
                raise BenchmarkProblem(f"{path} answered {answer.status}, not {expected}: {text[:300]!r}")
            return json.loads(text)

    def _signature(self, method: str, path: str, body: bytes) -> dict[str, str]:
        key_id, secret = self.keys.operator
        timestamp, nonce = str(int(time.time())), secrets.token_hex(12)
        text = "\n".join(["v1", method, path, timestamp, nonce, hashlib.sha256(body).hexdigest()])
        signed = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Countersign-Key": key_id, "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
            "X-Countersign-Signature": f"v1={signed}",
        }  # fmt: skip


def _arguments(marker: str) -> dict[str, str]:
    return {"service": marker, "version": "2026.11.23"}
