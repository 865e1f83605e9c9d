"""Installing by OAuth: tokens sealed, states that work once, only listed workspaces, and what an end leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.installations import NOT_CONNECTED
from storage.tables import AuditEntry, OAuthState, OutboxMessage, SlackInstallation
from tests.integration.verbs import count, rows
from tests.tenants import BLUE, GREY, RED, Tenants, state_in, tenants


@pytest.fixture
async def place(url: str, tmp_path: Path) -> AsyncIterator[Tenants]:
    async with tenants(url, tmp_path) as running:
        yield running


async def all_text(database: Any) -> str:
    """Everything that is stored, as one text."""
    async with database.read("") as tx:
        found = []
        for table in ("slack_installations", "oauth_states", "audit_entries", "outbox_messages"):
            found += [str(row) for row in await tx.session.execute(text(f"SELECT * FROM {table}"))]
    return "\n".join(found)


async def events(place: Tenants, team: str) -> list[str]:
    return [one.kind for one in await rows(place.database, AuditEntry, tenant=team) if one.kind.startswith("slack.")]


async def test_installing_keeps_a_sealed_token_and_connects(place: Tenants, tmp_path: Path) -> None:
    status, page = await place.install(RED)
    assert (status, "is installed in Team T0RED" in page) == (200, True)
    await place.connected(RED)
    (row,) = await rows(place.database, SlackInstallation)
    assert (row.tenant, row.installed_by, row.bot_user_id, row.removed_at) == (RED, "U0ADMIN", "U0BOT", None)
    token = place.token(RED)
    assert token not in await all_text(place.database)
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.iterdir())
    assert await events(place, RED) == ["slack.installed"]


async def test_the_browser_is_sent_to_slack_with_the_scopes_of_the_manifest(place: Tenants) -> None:
    location, state = await place.begin(RED)
    assert location.startswith(f"{place.slack.url}/oauth/v2/authorize?")
    assert state_in(location) == state
    assert "chat:write" in location
    assert "user_scope=&" in location + "&"
    assert f"team={RED}" in location


async def test_a_state_works_once(place: Tenants) -> None:
    location, state = await place.begin()
    address = await place.agree(location, RED)
    assert (await place.back(address, state))[0] == 200
    another = await place.agree(location, BLUE)
    status, page = await place.back(another, state)
    assert (status, "finished already" in page) == (401, True)
    assert [row.tenant for row in await rows(place.database, SlackInstallation)] == [RED]
    assert await count(place.database, OAuthState) == 1


@pytest.mark.parametrize("cookie", [None, "another-state"])
async def test_another_browser_cannot_finish_an_installation(place: Tenants, cookie: str | None) -> None:
    location, _ = await place.begin()
    status, page = await place.back(await place.agree(location, RED), cookie)
    assert (status, "not begun in this browser" in page) == (400, True)
    assert await count(place.database, SlackInstallation) == 0


async def test_a_state_that_nobody_issued_is_refused_although_the_cookie_fits(place: Tenants) -> None:
    location, state = await place.begin()
    forged = (await place.agree(location, RED)).replace(state, "forged")
    assert (await place.back(forged, "forged"))[0] == 401
    assert await count(place.database, SlackInstallation) == 0


async def test_a_state_lapses(place: Tenants) -> None:
    location, state = await place.begin()
    address = await place.agree(location, RED)
    was = place.database.clock
    place.database.clock = lambda: was() + timedelta(minutes=11)
    assert (await place.back(address, state))[0] == 401


async def test_whoever_cancels_reads_that_nothing_changed(place: Tenants) -> None:
    status, page = await place.back(f"{place.url}/slack/oauth_redirect?error=access_denied", None)
    assert (status, "cancelled" in page) == (200, True)


async def test_a_code_that_slack_does_not_take_is_no_fault_of_ours(place: Tenants) -> None:
    _, state = await place.begin()
    status, page = await place.back(f"{place.url}/slack/oauth_redirect?code=none&state={state}", state)
    assert (status, "did not take the code" in page) == (401, True)


async def test_a_workspace_that_is_not_listed_gets_a_page_and_its_token_is_revoked(place: Tenants) -> None:
    status, page = await place.install(GREY)
    assert (status, "T0GREY is not listed" in page) == (403, True)
    assert place.seat(GREY).workspace.app.revoked == "token_revoked"
    assert await count(place.database, SlackInstallation) == 0
    async with place.session.get(f"{place.url}/slack/install?team={GREY}") as answer:
        assert answer.status == 403


async def test_installing_again_replaces_the_token_at_once(place: Tenants) -> None:
    await place.install(RED)
    await place.connected(RED)
    place.seat(RED).happenings.installed_again(new_token=True)
    await place.install(RED)
    await (await place.agent(RED)).propose("after")
    await place.card(RED, "after")
    assert await events(place, RED) == ["slack.installed", "slack.installed"]
    (row,) = await rows(place.database, SlackInstallation)
    assert row.removed_at is None


async def test_uninstalling_erases_the_token_and_touches_nobody_else(place: Tenants) -> None:
    for team in (RED, BLUE):
        await place.install(team)
        await place.connected(team)
    red, blue = await place.agent(RED), await place.agent(BLUE)
    before = await red.propose("red-before")
    await place.card(RED, "red-before")
    await place.seat(RED).happenings.uninstalled()
    await place.connected(RED, is_connected=False)
    (row,) = await rows(place.database, SlackInstallation, tenant=RED)
    assert row.sealed_token is None
    assert row.removed_at is not None
    assert await events(place, RED) == ["slack.installed", "slack.uninstalled"]
    await blue.propose("blue-after")
    await place.card(BLUE, "blue-after")
    status, told = await red.call("GET", f"/proposals/{before['proposal_id']}")
    assert (status, told["state"]) == (200, "pending")


async def test_what_waited_is_delivered_once_the_app_is_installed_again(place: Tenants) -> None:
    await place.install(RED)
    await place.connected(RED)
    await place.seat(RED).happenings.uninstalled()
    await place.connected(RED, is_connected=False)
    red = await place.agent(RED)
    await red.propose("meanwhile")
    await held(place, RED)
    assert place.seat(RED).workspace.card("C0APPROVALS", "meanwhile") is None
    assert (await place.install(RED))[0] == 200
    card = await place.card(RED, "meanwhile")
    answer = await place.seat(RED).interactions.click("U0BOB", card, "Approve")
    assert answer.status == 200
    await place.service.called(1)


async def held(place: Tenants, team: str) -> None:
    """Wait until a message has been put back because its workspace is not connected."""
    async with asyncio.timeout(30):
        while not await rows(place.database, OutboxMessage, tenant=team, last_error=NOT_CONNECTED):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_dead_token_that_nobody_told_us_about_ends_the_installation(place: Tenants) -> None:
    await place.install(RED)
    await place.connected(RED)
    place.seat(RED).workspace.app.revoked = "account_inactive"
    await (await place.agent(RED)).propose("into the void")
    await place.connected(RED, is_connected=False)
    assert await events(place, RED) == ["slack.installed", "slack.uninstalled"]


async def test_an_event_about_an_earlier_token_does_not_end_the_new_installation(place: Tenants) -> None:
    await place.install(RED)
    await place.connected(RED)
    workspace = place.seat(RED).workspace
    now = workspace.now
    workspace.now = lambda: now() - 60
    await place.seat(RED).happenings._tell("tokens_revoked", {"tokens": {"oauth": [], "bot": ["U0BOT"]}})
    (row,) = await rows(place.database, SlackInstallation)
    assert row.removed_at is None


@pytest.mark.parametrize("missing", [{"client_id": ""}, {"client_secret": ""}])
async def test_without_credentials_nobody_is_sent_to_slack(
    sqlite_url: str, tmp_path: Path, missing: dict[str, str]
) -> None:
    async with tenants(sqlite_url, tmp_path, **missing) as place:
        for path in ("install", "oauth_redirect?code=x&state=y"):
            async with place.session.get(f"{place.url}/slack/{path}") as answer:
                assert (answer.status, "set it up first" in await answer.text()) == (503, True)


async def test_without_an_encryption_key_nobody_is_sent_to_slack(postgresql_url: str, tmp_path: Path) -> None:
    async with tenants(postgresql_url, tmp_path) as place:
        from storage.keyring import Sealer

        place.database.keys.sealer = Sealer([])
        async with place.session.get(f"{place.url}/slack/install") as answer:
            assert answer.status == 503


async def test_ready_counts_the_workspaces_and_names_none(place: Tenants) -> None:
    await place.install(RED)
    await place.connected(RED)
    async with place.session.get(f"{place.url}/readyz") as answer:
        told = await answer.text()
    assert json.loads(told)["workspaces"] == {"connected": 1, "in_trouble": 0, "not_installed": 1}
    assert RED not in told
