"""Replicas notice what another one was told: a token that came, that was replaced, that is gone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_sdk.oauth.installation_store import Installation

from bot.install import Keeper
from bot.install.store import InstallationStore, StateStore
from bot.office import Office
from bot.policy import PolicySource, TenantPolicy
from bot.slack import new_client
from bot.workspace import WorkspaceServer, demo_workspace
from operations.install import Grant, install, uninstall
from storage import installations
from storage.database import Database
from storage.keyring import KeyProblem, Sealer
from storage.tables import SlackInstallation
from tests.conftest import Clock
from tests.integration.running import another
from tests.integration.verbs import SECRETS, rows
from tests.tenants import BLUE, RED, tenants_text

GRANT = Grant("xoxb-demo", "Red", "A0", "B0", "U0BOT", "chat:write", "U0ADMIN")


@pytest.fixture
async def slack() -> AsyncIterator[WorkspaceServer]:
    async with WorkspaceServer(demo_workspace()) as running:
        yield running


class Replica:
    """Another process on the same database, with offices for red and blue."""

    def __init__(self, database: Database, folder: Path, slack: WorkspaceServer) -> None:
        path = folder / "countersign.toml"
        path.write_text(tenants_text("http://127.0.0.1:9"))
        source = PolicySource(path, SECRETS)
        self.red, self.blue = (
            Office(database, TenantPolicy(source, team), new_client("", slack.api_url), tenant=team)
            for team in (RED, BLUE)
        )
        self.keeper = Keeper(database, lambda: [self.red, self.blue])


@pytest.fixture
async def replica(url: str, clock: Clock, tmp_path: Path, slack: WorkspaceServer) -> AsyncIterator[Replica]:
    async with another(url, clock) as database:
        yield Replica(database, tmp_path, slack)


async def test_a_replica_connects_replaces_and_lets_go(
    database: Database, replica: Replica, slack: WorkspaceServer, clock: Clock
) -> None:
    await replica.keeper.look()
    assert (replica.red.is_connected, replica.blue.is_connected) == (False, False)
    await database.write(RED, lambda tx: install(tx, GRANT))
    await replica.keeper.look()
    assert (replica.red.client.token, replica.red.identity.team_id) == ("xoxb-demo", "T0DEMO")
    token = slack.seats[0].happenings.installed_again(new_token=True)
    await database.write(RED, lambda tx: install(tx, replace(GRANT, token=token)))
    await replica.keeper.look()
    assert replica.red.client.token == token
    clock.forward(seconds=1)
    await database.write(RED, lambda tx: uninstall(tx, "x", tx.now))
    await replica.keeper.look()
    assert (replica.red.is_connected, replica.red.identity.trouble) == (False, "the app was uninstalled")
    assert not replica.blue.is_connected


async def test_slack_being_away_for_a_while_ends_nothing(
    database: Database, replica: Replica, slack: WorkspaceServer
) -> None:
    await database.write(RED, lambda tx: install(tx, GRANT))
    slack.workspace.faults.add("auth.test", "500")
    await replica.keeper.look()
    assert (replica.red.is_connected, bool(replica.red.identity.trouble)) == (True, True)
    await replica.keeper.look()
    assert (replica.red.identity.trouble, replica.red.identity.team_id) == (None, "T0DEMO")


async def test_a_token_that_cannot_be_opened_is_told_and_touches_nobody_else(
    database: Database, replica: Replica
) -> None:
    for team in (RED, BLUE):
        await database.write(team, lambda tx: install(tx, GRANT))

    async def spoil(tx: installations.Tx) -> None:
        row = await installations.find(tx)
        row.sealed_token = tx.keys.sealer.seal(b"xoxb-demo", "another row")

    await database.write(RED, spoil)
    await replica.keeper.look()
    assert "cannot be opened" in str(replica.red.identity.trouble)
    assert (replica.red.is_connected, replica.blue.is_connected) == (False, True)


async def test_bolts_store_finds_what_was_kept_and_deletes_it(database: Database, clock: Clock) -> None:
    store = InstallationStore(database)
    given = Installation(
        app_id="A0", team_id=RED, team_name="Red", bot_token="xoxb-1", bot_id="B0", bot_user_id="U0BOT",
        bot_scopes=["chat:write", "commands"], user_id="U0ADMIN",
    )  # fmt: skip
    await store.async_save(given)
    bot = await store.async_find_bot(enterprise_id=None, team_id=RED)
    assert bot is not None
    assert (bot.bot_token, bot.bot_scopes, bot.team_id) == ("xoxb-1", ["chat:write", "commands"], RED)
    assert await store.async_find_bot(enterprise_id=None, team_id=BLUE) is None
    assert await store.async_find_bot(enterprise_id=None, team_id=RED, is_enterprise_install=True) is None
    await store.async_delete_installation(enterprise_id=None, team_id=RED, user_id="U0BOB")
    assert await store.async_find_installation(enterprise_id=None, team_id=RED) is not None
    await store.async_delete_all(enterprise_id=None, team_id=RED)
    assert await store.async_find_installation(enterprise_id=None, team_id=RED) is None
    (row,) = await rows(database, SlackInstallation)
    assert (row.sealed_token, row.removed_at) == (None, clock())


async def test_without_a_key_no_token_is_kept(database: Database) -> None:
    database.keys.sealer = Sealer([])
    with pytest.raises(KeyProblem, match="COUNTERSIGN_ENCRYPTION_KEY"):
        await database.write(RED, lambda tx: install(tx, GRANT))
    assert await rows(database, SlackInstallation) == []


async def test_a_state_is_used_once_whoever_asks(url: str, database: Database, clock: Clock) -> None:
    async with another(url, clock) as other:
        state = await StateStore(database).async_issue()
        assert [await StateStore(one).async_consume(state) for one in (other, database)] == [True, False]
        late = await StateStore(database).async_issue()
        clock.forward(minutes=10)
        assert not await StateStore(other).async_consume(late)
        assert not await StateStore(other).async_consume("\ud800 no text")
