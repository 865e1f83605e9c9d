"""The sample agent of the demo: it proposes over the same HTTP API as any other agent, and acts on the answer."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import aiohttp

_WAIT = 30
_BREATH = 4.0  # seconds between an outcome and the next idea

Proposal = dict[str, Any]


def purges() -> Iterator[Proposal]:
    """L2: runs, and Alice is told."""
    for service in itertools.cycle(("checkout", "search", "payments")):
        yield {
            "tool": "cache.purge", "arguments": {"service": service},
            "rationale": f"{service} still serves yesterday's prices",
        }  # fmt: skip


def deploys(thread: dict[str, str]) -> Iterator[Proposal]:
    """L3: one person approves, in the thread where the work is discussed."""
    for minor in itertools.count(4):
        for service, major in (("checkout", 2), ("search", 1), ("payments", 5)):
            yield {
                "tool": "deploy.production", "thread": thread, "on_behalf_of": "U0ALICE", "session_id": "demo",
                "arguments": {"service": service, "version": f"{major}.{minor}.0", "token": "a secret nobody sees"},
                "rationale": "All 412 tests passed, and the canary has run for an hour without an error.",
            }  # fmt: skip


def migrations() -> Iterator[Proposal]:
    """Quorum 2: two different people have to agree."""
    for revision in itertools.count(42):
        yield {
            "tool": "database.migrate", "arguments": {"revision": revision},
            "rationale": "The new checkout needs the column orders.gift_note.",
        }  # fmt: skip


class Agent:
    """Proposes one thing after another of each kind, waits for the answer, goes on."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._headers = f"{url}/api/v1/proposals", {"Authorization": f"Bearer {secret}"}

    async def work(self, thread: dict[str, str]) -> None:
        """Run until cancelled. Purges run unasked, so they come only after each deploy."""
        async with aiohttp.ClientSession(headers=self._headers) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._one_after_another(session, deploys(thread), purges()))
            tasks.create_task(self._one_after_another(session, migrations()))

    async def _one_after_another(
        self, session: aiohttp.ClientSession, ideas: Iterator[Proposal], between: Iterator[Proposal] | None = None
    ) -> None:
        for idea in ideas:
            if between is not None:
                await self._until_settled(session, next(between))
            await self._until_settled(session, idea)
            await asyncio.sleep(_BREATH)

    async def _until_settled(self, session: aiohttp.ClientSession, idea: Proposal) -> None:
        async with session.post(self._url, params={"wait": _WAIT}, json=idea) as answer:
            proposal = await answer.json()
        while proposal.get("state") in ("pending", "allowed"):
            async with session.get(f"{self._url}/{proposal['proposal_id']}", params={"wait": _WAIT}) as answer:
                proposal = await answer.json()
