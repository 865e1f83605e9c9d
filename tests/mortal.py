"""A server that dies where it is told and is started again, with everything around it that outlives it."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from bot.workspace import Message, WorkspaceServer, demo_workspace
from operations.keys import create_key
from operations.verify import verify
from storage.database import Database
from storage.opening import open_database
from storage.tables import KeyKind
from tests import crash_child
from tests.conftest import ENCRYPTION_KEY
from tests.crash_child import Job, Point, clock_of
from tests.integration.calls import signed_headers
from tests.integration.verbs import TENANT
from tests.policies import policy_text, tool
from tests.service import Service
from tests.stack import ENVIRONMENT, SIGNING_SECRET

API = "/api/v1"
_EXTRA = tool("note.once", action_class="note.write", scopes="[]", risk="low_write", idempotent="false") + tool(
    "memo.write", action_class="memo", scopes="[]", risk="low_write"
)
#: Longer than any lease, so that whatever the dead process held is free at once.
_LEASES = 45
_UNDONE = (
    "SELECT 1 FROM outbox_messages WHERE status IN ('queued', 'sending')",
    "SELECT 1 FROM inbox_events WHERE status IN ('queued', 'working')",
    "SELECT 1 FROM executions WHERE status IN ('queued', 'running')",
    "SELECT 1 FROM surfaces WHERE desired > rendered AND status <> 'gone'",
    "SELECT 1 FROM audit_entries WHERE id NOT IN (SELECT entry_id FROM audit_seals)",
)


def _processes() -> Any:
    """Processes that are forked from one that has imported everything: a start is a start, but a fast one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([crash_child.__name__])
    return context


@dataclass
class Mortal:
    """One installation: a database, a workspace, a service, and one server process after another."""

    folder: Path
    database: Database
    slack: WorkspaceServer
    service: Service
    url: str = ""
    agent: str = ""
    bob: tuple[str, str] = ("", "")
    up: asyncio.Event = field(default_factory=asyncio.Event)
    process: Any = None
    pipe: Any = None

    async def start(self, dies_at: Point | None = None) -> None:
        """Start the server and wait until it listens."""
        environment = {
            **ENVIRONMENT, "COUNTERSIGN_CONFIG": str(self.folder / "countersign.toml"), "COUNTERSIGN_PORT": "0",
            "COUNTERSIGN_DATABASE_URL": self.database.url.render_as_string(hide_password=False),
            "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY, "SLACK_BOT_TOKEN": "xoxb-demo",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_API_URL": self.slack.api_url,
        }  # fmt: skip
        context = _processes()
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=crash_child.serve, args=(Job(self.folder, environment, dies_at), theirs))
        self.process.start()
        theirs.close()
        self.url = f"http://127.0.0.1:{await self._heard()}"
        self.slack.workspace.app.request_url = f"{self.url}/slack/events"
        self.up.set()

    async def arm(self) -> None:
        """From here on points count."""
        self.pipe.send("arm")
        assert await self._heard() == "armed"

    async def _heard(self) -> Any:
        return await asyncio.to_thread(self.pipe.recv)

    async def died(self) -> None:
        """Wait for the end of the process."""
        await asyncio.to_thread(self.process.join)
        self.up.clear()

    async def stop(self) -> None:
        """Let the server end in peace, if it still lives."""
        with suppress(OSError):
            self.pipe.send("stop")
        await self.died()
        self.pipe.close()
        self.process.close()

    def ahead(self, seconds: float) -> None:
        """Put the clock of the server forward."""
        file = self.folder / "ahead"
        file.write_text(str(float(file.read_text()) + seconds))

    # a client that insists

    async def insist(self, send: Callable[[aiohttp.ClientSession], Awaitable[tuple[int, Any]]]) -> Any:
        """Make a call, again and again until an answer comes; the server may die meanwhile."""
        while True:
            await self.up.wait()
            try:
                async with aiohttp.ClientSession() as session:
                    status, told = await send(session)
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
                continue
            assert status < 300, told
            return told

    async def propose(self, tool: str) -> Any:
        """Propose a call under a key."""
        body = {"tool": tool, "arguments": {"service": "checkout"}, "idempotency_key": "the-same-call"}

        async def send(session: aiohttp.ClientSession) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {self.agent}"}
            async with session.post(f"{self.url}{API}/proposals", json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        return await self.insist(send)

    async def decide(self, request_id: str, decision: str) -> Any:
        """Bob decides by a signed call."""
        path, body = f"{API}/approvals/{request_id}", f'{{"decision":"{decision}","reason":"because"}}'.encode()

        async def send(session: aiohttp.ClientSession) -> tuple[int, Any]:
            headers = signed_headers(self.bob, "POST", path, body, at=clock_of(self.folder).timestamp())
            async with session.post(self.url + path, data=body, headers=headers) as answer:
                return answer.status, await answer.json()

        return await self.insist(send)

    async def reply(self, words: str) -> None:
        """Bob writes under the card, once; Slack delivers it until somebody takes it."""
        (card,) = [one for one in self.slack.workspace.messages_in("C0APPROVALS") if not one.thread_ts]
        await self.slack.say("U0BOB", "C0APPROVALS", words, card.ts)

    # looking from outside

    async def settled(self) -> None:
        """Wait until nothing is owed, runs, or lacks its seal."""
        await self.until(self._undone)

    async def until(self, left: Callable[[], Awaitable[list[Any]]], seconds: float = 90) -> None:
        """Wait until nothing is left."""
        end = time.monotonic() + seconds
        while found := await left():
            if time.monotonic() > end:
                log = (self.folder / "server.log").read_text()
                raise AssertionError(f"still there after {seconds} s: {found}\n{log[-3000:]}")
            await asyncio.sleep(0.05)

    async def _undone(self) -> list[str]:
        async with self.database.reader.connect() as connection:
            return [query for query in _UNDONE if (await connection.execute(text(f"{query} LIMIT 1"))).first()]

    async def all_of(self, columns: str, table: str) -> list[tuple[Any, ...]]:
        """Some columns of a whole table."""
        async with self.database.reader.connect() as connection:
            return sorted(map(tuple, await connection.execute(text(f"SELECT {columns} FROM {table}"))))

    async def ended_as(self) -> dict[str, Any]:
        """Everything about the end that must be the same, whether the server died on the way or not."""
        async with self.database.read(TENANT) as tx:
            report = await verify(tx)
        return {
            "proposals": await self.all_of("state, idempotency_key", "proposals"),
            "requests": await self.all_of("status, decided_by", "approval_requests"),
            "reviews": await self.all_of("reviewer, verdict", "reviews WHERE voided_at IS NULL"),
            "executions": await self.all_of("status", "executions"),
            "never delivered": await self.all_of("kind", "outbox_messages WHERE status = 'dead'"),
            "cards": [shown(one) for one in self.slack.workspace.messages_in("C0APPROVALS") if not one.thread_ts],
            "told privately": [one.text for one in self.slack.workspace.ephemerals("U0BOB")],
            "faults": report.faults,
            "violations": self.slack.workspace.violations,
        }


def shown(card: Message) -> list[str]:
    """What of its state a card tells: the words that stand on it."""
    words = ("card.approve", "Approved", "Succeeded", "Rejected", "Expired", "checkout")
    return [word for word in words if word in str(card.blocks)]


@asynccontextmanager
async def mortal(url: str, folder: Path) -> AsyncIterator[Mortal]:
    """Set up everything that outlives a server."""
    folder.mkdir(parents=True)
    (folder / "ahead").write_text("0")
    service = Service()
    slack = WorkspaceServer(demo_workspace(signing_secret=SIGNING_SECRET), retry_delays=(0.2,) * 300)
    slack.workspace.app.events |= {"message.channels"}
    await service.start()
    await slack.start()
    policy = policy_text(service.url, extra=_EXTRA, slack="decide_by_reply = true")
    (folder / "countersign.toml").write_text(policy)
    database = await open_database(url, ENCRYPTION_KEY, clock=partial(clock_of, folder))
    one = Mortal(folder, database, slack, service)
    one.agent = (await database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, "deployer")))[1]
    key, secret = await database.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, "U0BOB"))
    one.bob = (key.id, secret)
    try:
        yield one
    finally:
        await one.stop()
        await database.close()
        await slack.stop()
        await service.stop()


async def live_and_die(
    one: Mortal, prepare: Callable[[Mortal], Awaitable[Any]], act: Callable[[Mortal, Any], Awaitable[Any]],
    dies_at: Point | None,
) -> bool:  # fmt: skip
    """Live through a story; where the server dies on the way, start it again and let it recover alone.

    Returns whether it died.
    """
    await one.start(dies_at)
    prepared = await prepare(one)
    await one.settled()
    await one.arm()
    acting = asyncio.create_task(act(one, prepared))
    dying = asyncio.create_task(one.died())
    ending = asyncio.create_task(_ended(one, acting))
    await asyncio.wait([dying, ending], return_when=asyncio.FIRST_COMPLETED)
    if dying.done() and dies_at is not None:
        one.ahead(_LEASES)
        await one.start()
    await ending
    return dying.done()


async def _ended(one: Mortal, acting: Awaitable[Any]) -> None:
    await acting
    await one.settled()
