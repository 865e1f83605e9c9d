"""The release service of the demo: a real HTTP service whose state approved calls change.

It does what any service behind Countersign should: it checks the signature, and it does a thing once per
`Idempotency-Key`, however often the call is repeated.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

_PAGE = Path(__file__).parent.parent.parent / "templates" / "pages" / "releases.html"


@dataclass
class State:
    """What the service knows."""

    versions: dict[str, str] = field(
        default_factory=lambda: {"checkout": "2.3.0", "search": "1.8.1", "payments": "5.0.2"}
    )
    cache_purges: dict[str, int] = field(default_factory=lambda: {"checkout": 0, "search": 0, "payments": 0})
    schema_revision: int = 41
    log: list[dict[str, str]] = field(default_factory=list)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)  #: idempotency key -> what was answered

    def tell(self, what: str) -> None:
        """Note something that happened."""
        self.log.append({"at": datetime.now(UTC).isoformat(timespec="seconds"), "what": what})

    def public(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "versions": self.versions, "cache_purges": self.cache_purges, "schema_revision": self.schema_revision,
            "log": self.log[-8:],
        }  # fmt: skip


class ReleaseService:
    """Serves the state and changes it for signed calls."""

    def __init__(self, secret: str, host: str, port: int) -> None:
        self.state = State()
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._host, self._port = host, port
        self._runner = web.AppRunner(self._application(), access_log=None)

    @property
    def url(self) -> str:
        """The service's address."""
        return f"http://{self._host}:{self._runner.addresses[0][1]}"

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/state", self._state),
                web.post("/deploy", self._deploy),
                web.post("/cache/purge", self._purge),
                web.post("/database/migrate", self._migrate),
            ]
        )
        return app

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=_PAGE.read_text(), content_type="text/html")

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self.state.public())

    async def _deploy(self, request: web.Request) -> web.Response:
        def change(arguments: dict[str, Any]) -> str:
            service, version = arguments["service"], arguments["version"]
            before, self.state.versions[service] = self.state.versions[service], version
            return f"{service} went from {before} to {version}"

        return await self._once(request, change)

    async def _purge(self, request: web.Request) -> web.Response:
        def change(arguments: dict[str, Any]) -> str:
            self.state.cache_purges[arguments["service"]] += 1
            return f"cache of {arguments['service']} is empty"

        return await self._once(request, change)

    async def _migrate(self, request: web.Request) -> web.Response:
        def change(arguments: dict[str, Any]) -> str:
            before, self.state.schema_revision = self.state.schema_revision, arguments["revision"]
            return f"orders database went from revision {before} to {arguments['revision']}"

        return await self._once(request, change)

    async def _once(self, request: web.Request, change: Any) -> web.Response:
        body = await request.read()
        if not self._is_genuine(request, body):
            return web.json_response({"error": "the signature is wrong"}, status=401)
        key = request.headers["Idempotency-Key"]
        if key not in self.state.done:
            said = change(json.loads(body)["arguments"])
            self.state.done[key] = {"done": said}
            self.state.tell(said)
        return web.json_response(self.state.done[key])

    def _is_genuine(self, request: web.Request, body: bytes) -> bool:
        headers = request.headers
        signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
        digest = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(f"v1,{digest}", headers.get("webhook-signature", ""))
