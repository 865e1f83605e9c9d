"""A service that counts what approved calls really did, and now and then loses its answer."""

import random
from collections import Counter, defaultdict

from aiohttp import web


class Effects:
    """Does each thing once per `Idempotency-Key`, as any service behind Countersign should."""

    def __init__(self, seed: int, trouble: float = 0.06) -> None:
        self.by_proposal: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.calls = 0
        self._random, self._trouble = random.Random(seed), trouble  # noqa: S311 - dice, not secrets
        app = web.Application()
        app.router.add_post("/", self._act)
        self._runner = web.AppRunner(app, access_log=None)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def start(self) -> None:
        """Listen on a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _act(self, request: web.Request) -> web.Response:
        said, key = await request.json(), request.headers["Idempotency-Key"]
        self.calls += 1
        fate = self._random.random()
        if fate < self._trouble / 2:
            return web.json_response({"busy": True}, status=503)
        self.by_proposal[said["proposal_id"]][key] += 1
        if fate < self._trouble and request.transport is not None:
            request.transport.abort()  # it is done, and nobody hears of it
        return web.json_response({"ticket": said["arguments"]["ticket"]})
