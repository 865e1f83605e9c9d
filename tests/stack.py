"""A whole Countersign in one process: the real server, the local workspace as its Slack, and a real service."""

import hashlib
import hmac
import io
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web_app

from bot.app import Server, build
from bot.office import TENANT
from bot.settings import Settings
from bot.workspace import Message, View, WorkspaceServer, demo_workspace
from operations.keys import create_key
from storage.tables import KeyKind, Role
from tests.conftest import ENCRYPTION_KEY
from tests.documented import Documented
from tests.policies import policy_text
from tests.service import Service

LOOKING = "One moment"  # what a modal is called while what it shows is still being asked for
SIGNING_SECRET = "demo-signing-secret"
ENVIRONMENT = {"DEPLOY_SECRET": "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="}

_DOCUMENTED: list[Documented] = []  # every server has the same document


@dataclass
class Stack:
    """Everything a test drives. `api` speaks to the server as the agent `deployer`."""

    server: Server
    slack: WorkspaceServer
    service: Service
    session: aiohttp.ClientSession
    url: str
    agent_secret: str
    config: Path

    @property
    def database(self) -> Any:
        return self.server.office.database

    async def call(
        self, method: str, path: str, body: Any = None, *, secret: str | None = None, raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        """Call the API as an agent; returns status and parsed body, which must be as the API's document says."""
        data: Any = json.dumps(body).encode() if body is not None else None
        if raw is not None:
            data = io.BytesIO(raw)  # aiohttp warns of large bytes
        bearer = {"Authorization": f"Bearer {secret or self.agent_secret}"} if secret != "" else {}
        async with self.session.request(
            method, self.url + path, data=data, headers={**bearer, **(headers or {})}
        ) as answer:
            text = await answer.text()
            told = json.loads(text) if text else None
            documented = await self.documented()
            faults = documented.faults(method, answer.url.raw_path, answer.status, answer.content_type, told)
            assert not faults, faults
            return answer.status, told

    async def documented(self) -> Documented:
        """Return the API's document, as something to hold answers against."""
        if not _DOCUMENTED:
            async with self.session.get(f"{self.url}/api/v1/openapi.json") as answer:
                _DOCUMENTED.append(Documented(await answer.json()))
        return _DOCUMENTED[0]

    async def propose(
        self, tool: str = "deploy.production", *, wait: float | None = None, **body: Any
    ) -> tuple[int, Any]:
        arguments = body.pop("arguments", {"service": "checkout"})
        path = "/api/v1/proposals" + (f"?wait={wait}" if wait is not None else "")
        return await self.call("POST", path, {"tool": tool, "arguments": arguments, **body})

    async def key(self, kind: KeyKind, principal: str, role: Role | None = None) -> tuple[str, str]:
        key, secret = await self.database.write(TENANT, lambda tx: create_key(tx, kind, principal, role))
        return key.id, secret

    async def signed(
        self,
        key: tuple[str, str],
        method: str,
        path: str,
        body: Any = None,
        *,
        shift: int = 0,
        nonce: str | None = None,
        forged: dict[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """Call the API as an operator. `forged` replaces what is signed: method, path, body (bytes), secret."""
        forged = forged or {}
        raw = json.dumps(body).encode() if body is not None else b""
        timestamp = str(int(self.database.clock().timestamp()) + shift)
        nonce = nonce or secrets.token_hex(12)
        signed_body = forged.get("body", raw)
        text = "\n".join(
            [
                "v1",
                forged.get("method", method),
                forged.get("path", path),
                timestamp,
                nonce,
                hashlib.sha256(signed_body).hexdigest(),
            ]
        )
        digest = hmac.new(forged.get("secret", key[1]).encode(), text.encode(), hashlib.sha256).hexdigest()
        headers = {
            "X-Countersign-Key": key[0], "X-Countersign-Timestamp": timestamp, "X-Countersign-Nonce": nonce,
            "X-Countersign-Signature": f"v1={digest}",
        }  # fmt: skip
        return await self.call(method, path, raw=raw, secret="", headers=headers)

    async def card(self, containing: str, channel: str = "C0APPROVALS") -> Message:
        """Wait for the newest card that holds a text."""
        return await self.slack.workspace.until(lambda: self.slack.workspace.card(channel, containing), timeout=30)

    async def modal(self, person: str, card: Message, button: str) -> View:
        """Press a button that opens a modal, and wait for the modal, however long the acknowledgement took."""
        await self.slack.click(person, card, button)
        return await self.opened(person)

    async def opened(self, person: str) -> View:
        """Wait until a person has a modal open that shows what it was opened for."""
        workspace = self.slack.workspace

        def look() -> View | None:
            views = workspace.open_views(person)
            return views[-1] if views and views[-1].title != LOOKING else None

        return await workspace.until(look, timeout=30)

    async def shown(self, channel: str, ts: str, containing: str) -> Message:
        """Wait until a message shows a text."""

        def look() -> Message | None:
            message = self.slack.workspace.find(channel, ts)
            return message if message and containing in json.dumps(message.blocks, ensure_ascii=False) else None

        return await self.slack.workspace.until(look, timeout=30)

    async def settled(self, proposal_id: str, seconds: float = 60) -> Any:
        """Wait until a proposal is neither pending nor allowed."""
        _, body = await self.call("GET", f"/api/v1/proposals/{proposal_id}?wait={seconds}")
        return body


async def start_stack(url: str, folder: Path, clock: Any = None, **policy: Any) -> Stack:
    """Start everything on free ports, with the policy most tests use."""
    return await start_with(url, folder, lambda target: policy_text(target, **policy), clock)


async def start_with(url: str, folder: Path, policy: Callable[[str], str], clock: Any = None) -> Stack:
    """Start everything on free ports. `policy` is told the address of the service and returns countersign.toml."""
    service, slack = Service(), WorkspaceServer(demo_workspace(signing_secret=SIGNING_SECRET))
    await service.start()
    await slack.start()
    config = folder / "countersign.toml"
    config.write_text(policy(service.url))
    settings = Settings(
        config=config, database_url=url, host="127.0.0.1", port=0, bot_token="xoxb-demo", signing_secret=SIGNING_SECRET,
        app_token="", slack_api_url=slack.api_url, encryption_key=ENCRYPTION_KEY,
    )  # fmt: skip
    server = await build(settings, ENVIRONMENT)
    if clock is not None:
        server.office.database.clock = clock
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    slack.workspace.app.request_url = f"{base}/slack/events"
    stack = Stack(server, slack, service, aiohttp.ClientSession(), base, "", config)
    stack.agent_secret = (await stack.key(KeyKind.AGENT, "deployer"))[1]
    return stack


async def stop_stack(stack: Stack) -> None:
    """Stop everything; what Slack would have refused fails the test."""
    await stack.session.close()
    await stack.server.stop()
    await stack.slack.stop()
    await stack.service.stop()
    forget_applications()
    assert stack.slack.workspace.violations == []


def forget_applications() -> None:
    """Let go of stopped servers: aiohttp remembers every application it ever built, and with it two megabytes each."""
    web_app._cached_build_middleware.cache_clear()
