"""The demo's recurring work: a cap that stops it, an override that lets it go on, an end that does not come."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import Demo
from bot.workspace import Message
from bot.workspace.cast import APPROVALS
from storage.tables import Automation
from tests.integration.verbs import rows


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    running = Demo(pace=0.05)
    await running.start()
    yield running
    await running.stop()


async def card(demo: Demo, containing: str) -> Message:
    workspace = demo.slack.workspace
    return await workspace.until(lambda: workspace.card(APPROVALS, containing), timeout=60)


async def shown(demo: Demo, ts: str, containing: str) -> Any:
    workspace = demo.slack.workspace
    return await workspace.until(
        lambda: (m := workspace.find(APPROVALS, ts)) and containing in json.dumps(m.blocks) and m, timeout=60
    )


async def test_digger_is_stopped_at_its_cap_and_goes_on_once_an_admin_lets_it(demo: Demo) -> None:
    asked = await card(demo, "Let digger spend on")
    said = [one["what"] for one in demo.releases.state.log if "report" in one["what"]]
    assert said == ["log report 1 is written", "log report 2 is written"]
    await demo.slack.click("U0ADMIN", asked, "Approve")
    await shown(demo, asked.ts, "Approved* by <@U0ADMIN>")
    workspace = demo.slack.workspace
    table = await demo.slack.command("U0BOB", "/spend", "digger")
    assert "22.50 of 20.00 USD this week" in table.ephemeral[0].text
    ending = await card(demo, "Retire Compare prices")
    await demo.slack.click("U0ADMIN", ending, "Keep and extend")
    asking = (await workspace.until(lambda: workspace.open_views("U0ADMIN")))[-1]
    await demo.slack.submit("U0ADMIN", asking, {})
    await shown(demo, ending.ts, "Kept and extended* by <@U0ADMIN>")
    kept = {one.name: one for one in await rows(demo.server.office.database, Automation)}["Compare prices"]
    assert kept.expires_at - kept.updated_at == timedelta(days=90)
    async with asyncio.timeout(30):
        while "log report 3 is written" not in [one["what"] for one in demo.releases.state.log]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
