"""Workspaces by OAuth: what a member says in the first moments of a process, and what strangers may make it keep."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.office.office import SlackIdentity
from storage.tables import InboxEvent, OAuthState, Surface, SurfaceStatus
from tests.integration.verbs import count, rows
from tests.talking import HEARS
from tests.tenants import RED, Tenants, tenants

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def place(url: str, tmp_path: Path) -> AsyncIterator[Tenants]:
    async with tenants(url, tmp_path) as running:
        text = running.config.read_text().replace("[[workspaces]]", "[[workspaces]]\ndecide_by_reply = true")
        running.config.write_text(text.replace('risk = "high_write"', 'risk = "low_write"'))
        await running.server.reload_policy()
        await running.install(RED)
        await running.connected(RED)
        app = running.seat(RED).workspace.app
        app.events, app.scopes = app.events | HEARS, app.scopes | {"reactions:read"}
        yield running


async def test_a_reply_right_after_a_start_is_kept(place: Tenants) -> None:
    agent = await place.agent(RED)
    proposed = await agent.propose("release")
    card = await place.card(RED, "release")
    while not all(one.status is SurfaceStatus.POSTED for one in await rows(place.database, Surface)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    office = next(one for one in place.server.switchboard.offices() if one.tenant == RED)
    office.identity = SlackIdentity()  # as it is until the first answer to auth.test
    await place.seat(RED).happenings.said("U0BOB", card.channel, "approve", card.ts)
    assert await count(place.database, InboxEvent) == 1
    _, told = await agent.call("GET", f"/proposals/{proposed['proposal_id']}?wait=30")
    assert told["approval"]["status"] == "approved"


async def test_a_stranger_who_begins_installations_makes_us_keep_nothing(place: Tenants) -> None:
    before = await count(place.database, OAuthState)
    begun = [await place.begin() for _ in range(5)]
    assert len({state for _, state in begun}) == 5
    _, state = begun[0]
    told, _, signature = state.rpartition(".")
    later = f"{told.rpartition('.')[0]}.{int(told.rpartition('.')[2]) + 1}"
    for forged in (f"{later}.{signature}", f"{told}.{'0' * 64}", f"{told}.", told, ".", "x.y.z", f"{told}.é"):
        address = f"{place.url}/slack/oauth_redirect"
        async with place.session.get(
            address, params={"code": "x", "state": forged},
            headers={"Cookie": f"slack-app-oauth-state={forged}"}, allow_redirects=False,
        ) as answer:  # fmt: skip
            assert answer.status in (400, 401), forged
    assert await count(place.database, OAuthState) == before
