"""The event stream over real HTTP without the rest of a server, and a client that reads it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.api.audit import Audit
from bot.api.endpoints import as_routes
from bot.api.principals import Callers
from bot.api.routes import new_web_app
from bot.api.stream.door import Places, Stream
from bot.api.stream.hub import Pace
from bot.office import Office
from governance.policy import Policy
from operations.keys import create_key
from scheduler.pump import Pump
from scheduler.upkeep import SEAL_SOON, seal_audit
from storage import audit
from storage.database import Database, Tx
from storage.tables import KeyKind, Proposal
from tests.integration.calls import Key, signed_headers
from tests.integration.verbs import TENANT, Held

PATH = "/api/v1/approvals/stream"
QUICK = Pace(soon=0.0)
PATIENCE = 60.0  # seconds without a word after which a test ends instead of waiting for ever


@dataclass
class Line:
    """One connection to the stream, read frame by frame."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: dict[str, str]
    frames: list[dict[str, str]] = field(default_factory=list)

    async def frame(self) -> dict[str, str] | None:
        """Return the next frame: its fields, with "" for a comment; None where the stream has ended."""
        found: dict[str, str] = {}
        while True:
            async with asyncio.timeout(PATIENCE):
                line = (await self._line()).decode()
            if not line:
                return None
            if line == "\n":
                return found
            name, _, value = line.rstrip("\n").partition(":")
            found[name] = value.removeprefix(" ")

    async def events(self, count: int) -> list[dict[str, Any]]:
        """Return the data of the next so many events; each says itself what its frame says."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            frame = await self.frame()
            assert frame is not None, f"the stream ended after {found}"
            if "data" in frame:
                data = json.loads(frame["data"])
                assert frame["event"] == data["event"]
                assert frame.get("id") == (None if data["event"] == "lagged" else str(data["id"]))
                found.append(data)
        return found

    async def ended(self) -> bool:
        """Read until the stream ends."""
        while await self.frame() is not None:
            pass
        return True

    def hang_up(self) -> None:
        self.writer.transport.abort()

    async def body(self) -> Any:
        return json.loads(await self.reader.readexactly(int(self.headers["content-length"])))

    _rest: bytes = b""

    async def _line(self) -> bytes:
        """Return one line of what the chunks hold."""
        while b"\n" not in self._rest:
            try:
                size = int((await self.reader.readline()).strip() or b"0", 16)
                if size == 0:
                    return b""
                self._rest += await self.reader.readexactly(size)
                await self.reader.readline()
            except (ConnectionError, asyncio.IncompleteReadError):
                return b""
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"


@dataclass
class Site:
    """A server of the stream and the record alone."""

    office: Office
    policy: Held
    stream: Stream
    port: int
    lines: list[Line] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.office.database

    async def agent(self, id: str = "deployer") -> dict[str, str]:
        """Return the headers of an agent's calls."""
        _, secret = await self.database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, id))
        return {"Authorization": f"Bearer {secret}"}

    async def operator(self, person: str = "U0ADMIN") -> Key:
        key, secret = await self.database.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, person))
        return key.id, secret

    def signed(self, key: Key, target: str = PATH) -> dict[str, str]:
        return signed_headers(key, "GET", target, at=self.database.clock().timestamp())

    async def open(self, headers: dict[str, str], target: str = PATH, *, last: int | str | None = None) -> Line:
        """Connect, and return once the answer's head has come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return await self.begin(reader, writer, headers, target, last=last)

    async def begin(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str], target: str = PATH,
        *, last: int | str | None = None,
    ) -> Line:  # fmt: skip
        """Ask for the stream on a connection of the test's own making."""
        self.lines.append(await begun(reader, writer, headers, target, last))
        return self.lines[-1]

    async def stop(self) -> None:
        for line in self.lines:
            line.hang_up()
            with suppress(ConnectionError):
                await line.writer.wait_closed()


async def begun(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str], target: str = PATH,
    last: int | str | None = None,
) -> Line:  # fmt: skip
    """Ask for the stream on a connection, and return once the answer's head has come."""
    if last is not None:
        headers = {**headers, "Last-Event-ID": str(last)}
    said = [f"GET {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*said, "", ""]).encode())
    status = int((await reader.readline()).split()[1])
    told: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        told[name.lower()] = value.strip()
    return Line(reader, writer, status, told)


@asynccontextmanager
async def site(
    database: Database, policy: Policy, pace: Pace = QUICK, places: Places | None = None, narrow: bool = False
) -> AsyncIterator[Site]:
    """Serve the stream of a database, with a sealer beside it as the loop has one; stops as a server stops.

    Where it is narrow, connections hold little of what their readers do not take.
    """
    held = Held(policy)
    office = Office(database, held, AsyncWebClient(token=""))
    callers = Callers(office)
    stream = Stream(office, callers, pace, places or Places())
    routes = as_routes([*stream.endpoints(), *Audit(office, callers).endpoints()])
    runner = web.AppRunner(new_web_app(routes, lambda: [office]), access_log=None, shutdown_timeout=10)
    await runner.setup()
    await web.SockSite(runner, _listening(narrow), backlog=512).start()
    sealer = Pump("seals", lambda: seal_audit(database))
    sealer.start(database.signals, SEAL_SOON)
    running = Site(office, held, stream, runner.addresses[0][1])
    try:
        yield running
    finally:
        database.signals.close()
        await runner.cleanup()
        await running.stop()
        await sealer.stop()


def ids(events: list[dict[str, Any]]) -> list[int]:
    return [one["id"] for one in events]


def _listening(narrow: bool) -> socket.socket:
    listening = socket.socket()
    if narrow:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # what is accepted inherits it
    listening.bind(("127.0.0.1", 0))
    return listening


def slow_socket(port: int) -> socket.socket:
    """Return a connection whose other end can send little before it is read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


async def happen(database: Database, proposal: Proposal, count: int, reason: str = "") -> None:
    """Let so many things happen to a call in one commit."""

    async def record(tx: Tx) -> None:
        detail = {"status": "pending", "reason": reason}
        for _ in range(count):
            await audit.record(tx, "approval.delegated", "person:U0BOB", agent_id=proposal.agent_id,
                               proposal_id=proposal.id, detail=detail)  # fmt: skip

    await database.write(TENANT, record)
