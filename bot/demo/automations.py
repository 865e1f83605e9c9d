"""The demo's recurring work: one automation that runs into its weekly cap, and one that is about to expire.

Both belong to Digger, an agent of its own, so that nothing here stands in the way of what Shipper does.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from bot.demo.releases import State

DIGGER = "digger"

_COST = 7.5  # US dollars of each run; the cap in countersign.toml is reached with the third
_UNTIL_CAP = 3  # runs
_DIG = 4.0  # seconds that a run takes
_LOOK = 1.0  # seconds between two looks
_BREATH = 3.0  # seconds between two runs, and, once people have let it go on, as many minutes
_WARNS = timedelta(hours=1)  # before it ends, an automation says so for the last time
_SOON = timedelta(seconds=20)


Json = dict[str, Any]


class Digger:
    """Registers two automations, then runs the first again and again as far as it is let. `pace` stretches waits."""

    def __init__(self, url: str, secret: str, state: State, pace: float) -> None:
        self._base, self._headers, self._state = f"{url}/api/v1", {"Authorization": f"Bearer {secret}"}, state
        self._pace = pace

    async def work(self) -> None:
        """Run until cancelled."""
        async with aiohttp.ClientSession(headers=self._headers) as session:
            digging = await self._register(
                session, {"name": "Dig through last night's logs", "schedule": "every night"}
            )
            ends = (datetime.now(UTC) + _WARNS + self._pace * _SOON).isoformat()
            await self._register(session, {"name": "Compare prices", "schedule": "every hour", "expires_at": ends})
            await self._dig(session, digging)

    async def _register(self, session: aiohttp.ClientSession, automation: Json) -> str:
        made = await self._call(session, "POST", "/automations", automation)
        return str(made["automation"]["id"])

    async def _dig(self, session: aiohttp.ClientSession, automation_id: str) -> None:
        """Do one run after another; each costs something, and one that is paused goes on once people let it."""
        number = 0
        while True:
            started = await self._call(session, "POST", f"/automations/{automation_id}/runs", {})
            if "run" not in started:  # not now: its agent is stopped, or somebody has to look first
                await self._wait(_LOOK)
                continue
            number += 1
            await self._carry_through(session, started["run"]["id"], number)
            await self._wait(_BREATH if number < _UNTIL_CAP else 60 * _BREATH)

    async def _carry_through(self, session: aiohttp.ClientSession, run_id: str, number: int) -> None:
        await self._let_run(session, run_id)
        await self._wait(_DIG)
        report = {"report_id": f"{run_id}-cost", "run_id": run_id, "cost_usd": _COST, "total_tokens": 1_200_000}
        await self._call(session, "POST", f"/agents/{DIGGER}/spend/reports", report)
        await self._let_run(session, run_id)
        await self._call(session, "PATCH", f"/runs/{run_id}", {"status": "completed", "outputs": {"report": number}})
        self._state.tell(f"log report {number} is written")

    async def _let_run(self, session: aiohttp.ClientSession, run_id: str) -> None:
        """Wait until a run goes on: what is paused for its cost is queued again by Countersign, by nobody else."""
        while True:
            run = (await self._call(session, "GET", f"/runs/{run_id}"))["run"]
            if run["status"] == "queued":
                run = (await self._call(session, "PATCH", f"/runs/{run_id}", {"status": "running"})).get("run", run)
            if run["status"] != "paused" and run["status"] != "queued":
                return
            await self._wait(_LOOK)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace)

    async def _call(self, session: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Json:
        async with session.request(method, self._base + path, json=body) as answer:
            found: Json = await answer.json()
            return found
