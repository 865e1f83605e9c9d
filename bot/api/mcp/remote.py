"""The desks of a process that is a thin client of the HTTP API: the same answers, asked for over the network."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.api.bodies import DecisionBody, ProposalBody
from bot.api.mcp.desks import OPEN, Tell, Told
from governance.errors import Refusal

_API = "/api/v1"  # written again: the module that has it brings half the server with it
_PATIENCE = 30.0  # seconds that an answer may take, besides what it was asked to wait


class OutOfReach(Refusal):
    """The server does not answer."""

    code = "SERVER_UNREACHABLE"


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """The id of an operator key, and its secret as it was printed."""

    id: str
    secret: str

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Return the headers that sign one try of a call; a nonce works once."""
        timestamp, nonce = str(int(time.time())), secrets.token_urlsafe(24)
        text = "\n".join(("v1", method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Countersign-Key": self.id, "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
            "X-Countersign-Signature": f"v1={signature}",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """The way to the server, with one key: an agent's secret, or an operator's."""

    session: aiohttp.ClientSession
    url: str  #: without a path
    key: str | OperatorKey

    async def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None, *, wait: float = 0,
        again: bool = True,
    ) -> Told:  # fmt: skip
        """Call an address of the API. Raises what it was refused with, and OutOfReach.

        With `again` a call that may have been lost is made a second time: one that may happen twice, that is.
        """
        said = {name: value for name, value in (query or {}).items() if value is not None}
        target = _API + path + (f"?{urlencode(said)}" if said else "")
        data = json.dumps(body).encode() if body is not None else b""
        for is_last in (False, True) if again else (True,):
            try:
                return await self._try(method, target, data, wait)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if is_last:
                    why = str(error) or type(error).__name__
                    raise OutOfReach(f"Countersign does not answer at {self.url} ({why}); is it running?") from error
        raise AssertionError("the last try has returned or raised")

    async def _try(self, method: str, target: str, data: bytes, wait: float) -> Told:
        if isinstance(self.key, OperatorKey):
            headers = self.key.headers(method, target, data)
        else:
            headers = {"Authorization": f"Bearer {self.key}"}
        timeout = aiohttp.ClientTimeout(total=wait + _PATIENCE)
        async with self.session.request(
            method, URL(self.url + target, encoded=True), data=data, headers=headers, timeout=timeout,
            allow_redirects=False,
        ) as answer:  # fmt: skip
            return self._read(answer.status, await answer.read())

    def _read(self, status: int, raw: bytes) -> Told:
        try:
            told = json.loads(raw)
        except ValueError:
            told = None
        if status < 300 and isinstance(told, dict):
            return told
        if isinstance(told, dict) and {"code", "error"} <= told.keys():
            raise Refusal(str(told["error"]), code=str(told["code"]), details=told.get("details"))
        raise OutOfReach(f"What answers at {self.url} is not Countersign (HTTP {status}); mend the address.")


@dataclass(frozen=True, slots=True)
class RemoteAgent:
    """The agent's desk, over HTTP."""

    line: Line
    pause: float = 4.0  #: seconds between two times that it is told that it still waits; at most 60

    async def propose(self, body: ProposalBody, size: int) -> Told:
        """Propose a call. Without a key of its own it is sent once: a lost answer might have been an effect."""
        sent = body.model_dump(exclude_none=True)
        nothing: Told = {"problems": [], "missing_scopes": []}
        try:
            told = await self.line.call("POST", "/proposals", sent, again=body.idempotency_key is not None)
            return {**told, **nothing}
        except Refusal as refusal:
            proposal_id = refusal.details.get("proposal_id")
            if refusal.details.get("state") != "denied" or proposal_id is None:
                raise
            said = {name: refusal.details.get(name) or [] for name in nothing}
            return {**await self.read(proposal_id), **said}

    async def read(self, proposal_id: str) -> Told:
        """Return a proposal."""
        return await self.line.call("GET", f"/proposals/{quote(proposal_id, safe='')}")

    async def wait(self, proposal_id: str, seconds: float, tell: Tell) -> Told:
        """Wait by one long poll after the other."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while True:
            before, pause = clock(), max(0.01, min(self.pause, deadline - clock()))
            told = await self.line.call(
                "GET", f"/proposals/{quote(proposal_id, safe='')}", query={"wait": f"{pause:.2f}"}, wait=pause
            )
            # Answered early while it is open: it is the agent's own to run now, or there is no place to wait in.
            if told["state"] not in OPEN or clock() >= deadline or clock() - before < pause / 2:
                return told
            await tell(told)

    async def pending(self, limit: int, cursor: str | None) -> Told:
        """Return what waits."""
        return await self.line.call("GET", "/approvals", query={"open": 1, "limit": limit, "cursor": cursor})

    async def withdraw(self, proposal_id: str, reason: str | None) -> Told:
        """Take a proposal back."""
        return await self.line.call("DELETE", f"/proposals/{quote(proposal_id, safe='')}", {"reason": reason})


@dataclass(frozen=True, slots=True)
class RemoteOperator:
    """The operator's desk, over HTTP, signed."""

    line: Line

    async def requests(self, status: str | None, limit: int, cursor: str | None) -> Told:
        """Return a page of requests."""
        return await self.line.call("GET", "/approvals", query={"status": status, "limit": limit, "cursor": cursor})

    async def request(self, approval_id: str) -> Told:
        """Return one request."""
        return await self.line.call("GET", f"/approvals/{quote(approval_id, safe='')}")

    async def decide(self, approval_id: str, body: DecisionBody) -> Told:
        """Answer a request. The same person's same answer again is fine, so a lost one is given again."""
        sent = body.model_dump(mode="json", exclude_defaults=True)
        return await self.line.call("POST", f"/approvals/{quote(approval_id, safe='')}", sent)
