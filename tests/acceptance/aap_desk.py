"""What tests of the Agent Approval Protocol share: the shipped client, its gates, a receiver, and who decides."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from agentapprovalprotocol import AsyncClient, AsyncGate, Call, Client, Gate, Receiver, Request
from agentapprovalprotocol._gate import idempotency_key, submission
from aiohttp import web
from sqlalchemy import select
from sqlmodel import col

from operations.aap import submission_of
from operations.aap_instances import create_provisioner
from storage.tables import AapRequest
from tests.stack import Stack

T = TypeVar("T")

_TOOL = """
[[tools]]
name = "{name}"
title = "Do {name}"
action_class = "{action_class}"
capability = "{action_class}"
scopes = {scopes}
risk = "{risk}"
reviewers = ["U0BOB", "U0CAROL"]
quorum = {quorum}
consequence = "Does {name}"
secret_fields = ["token"]
input_schema = {{ type = "object", properties = {{ service = {{ type = "string" }} }} }}
connector = {{ kind = "agent", timeout = "15m" }}
{more}
"""


def own_tool(name: str, action_class: str = "deploy", risk: str = "high_write", **more: Any) -> str:
    """A tool whose calls the agent runs itself."""
    told = {"scopes": '["deploy"]', "quorum": 1, "more": ""} | more
    return _TOOL.format(name=name, action_class=action_class, risk=risk, **told)


OWN_TOOLS = "".join((
    own_tool("refund"), own_tool("refund.two", quorum=2), own_tool("github.delete_branch"),
    own_tool("note.own", "note.write", "low_write"), own_tool("dry.own", "dry", "read_only"),
    own_tool("hint.own", "hint", "low_write"), own_tool("drop.own", risk="destructive"),
    own_tool("other.own", scopes='["admin"]'), own_tool("slow.own", more="concurrency = 1"),
))  # fmt: skip


@dataclass
class Bench:
    """A running server and the shipped client speaking to it as the agent `deployer`."""

    stack: Stack
    bob: tuple[str, str]
    carol: tuple[str, str]
    opened: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.stack.url}/aap"

    def client(self, token: str | None = None) -> AsyncClient:
        client = AsyncClient(self.url, token or self.stack.agent_secret, retry_budget=5.0)
        self.opened.append(client)
        return client

    def gate(self, token: str | None = None, **options: Any) -> AsyncGate:
        return AsyncGate(self.client(token), **options)

    async def in_thread(self, work: Callable[[Gate], T], **options: Any) -> T:
        """Do some work with a synchronous gate, which blocks."""

        def run() -> T:
            client = Client(self.url, self.stack.agent_secret, retry_budget=5.0)
            try:
                return work(Gate(client, **options))
            finally:
                client.close()

        return await asyncio.to_thread(run)

    async def close(self) -> None:
        for client in self.opened:
            await client.aclose()

    async def raw(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:  # fmt: skip
        """Call an address without the client's help; headers are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Authorization", f"Bearer {token or self.stack.agent_secret}")
        content = body if isinstance(body, bytes) else None
        async with httpx.AsyncClient() as http:
            return await http.request(
                method, self.url + path, json=body if content is None and body is not None else None,
                content=content, headers=sent,
            )  # fmt: skip

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """Wait until something is there."""
        async with asyncio.timeout(30):
            while (found := await look()) is None:  # noqa: ASYNC110 - what is looked for announces nothing
                await asyncio.sleep(0.02)
            return found

    async def kept(self, request_id: str) -> AapRequest:
        async with self.stack.database.read("default") as tx:
            found = await tx.get(AapRequest, request_id)
        assert found is not None
        return found

    async def proposal(self, request_id: str) -> Any:
        """The same request as our own API tells it."""
        kept = await self.kept(request_id)
        _, told = await self.stack.call("GET", f"/api/v1/proposals/{kept.proposal_id}")
        return told

    async def decide(self, request_id: str, decision: str = "approve", by: Any = None, **more: Any) -> None:
        approval = (await self.proposal(request_id))["approval"]
        if approval["version"] > 1:
            told = await self.stack.signed(by or self.bob, "GET", f"/api/v1/approvals/{approval['id']}")
            more["digest"] = told[1]["digest"]
        status, told = await self.stack.signed(
            by or self.bob, "POST", f"/api/v1/approvals/{approval['id']}", {"decision": decision, **more}
        )
        assert status == 200, told

    async def asked(self, call: Call, *, timeout: str = "24h", token: str | None = None) -> Request:
        """Ask as a gate would, and return the request without waiting for anybody."""
        body = submission(call, timeout, {})
        return await self.client(token).create(body, idempotency_key(call, body))

    async def decided_in_time(self, call: Call, check: Awaitable[T], decide: Callable[[str], Awaitable[None]]) -> T:
        """Run a check of a gate that waits, and decide about its call meanwhile."""
        waiting = asyncio.ensure_future(check)
        request_id = await self.until(lambda: self.newest(call))
        await decide(request_id)
        return await waiting

    async def newest(self, call: Call) -> str | None:
        """The id of the request that was made for a call, once it is there."""
        async with self.stack.database.read("default") as tx:
            query = select(AapRequest).order_by(col(AapRequest.id).desc()).limit(20)
            for one in await tx.session.scalars(query):
                if submission_of(tx, one)["context"]["call_id"] == call.key:
                    return str(one.id)
        return None

    async def provisioner(self, agent: str = "deployer") -> str:
        _, secret = await self.stack.database.write("default", lambda tx: create_provisioner(tx, agent))
        return str(secret)


def call(key: str, tool: str = "refund", **more: Any) -> Call:
    """One call of a tool; the key is what a framework would call it by."""
    arguments = more.pop("arguments", {"service": f"checkout {hashlib.sha256(key.encode()).hexdigest()[:8]}"})
    return Call(key=key, tool=tool, arguments=arguments, **more)


@dataclass
class Ear:
    """A receiver that really listens: what it got, and how it answers the next deliveries."""

    receiver: Receiver
    url: str = ""
    got: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    redirects: bool = False


@asynccontextmanager
async def listening(resumers: dict[str, Any] | None = None) -> AsyncIterator[Ear]:
    """Serve a shipped Receiver on a loopback port."""
    ear = Ear(Receiver(resumers=resumers or {}))

    async def handle(request: web.Request) -> web.Response:
        ear.got.append(dict(request.headers))
        if ear.redirects:
            return web.Response(status=307, headers={"Location": ear.url + "/elsewhere"})
        if ear.answers:
            return web.Response(status=ear.answers.pop(0), headers=ear.headers)
        status, body = await ear.receiver.handle(request.headers, await request.read())
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_post("/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    try:
        yield ear
    finally:
        if ear.receiver.client is not None:
            await ear.receiver.client.aclose()
        await runner.cleanup()
