"""Notifications over a week, and the protocol where one server serves several workspaces, connected or not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.aap.delivery import Notifications
from bot.office import Office
from bot.policy import PolicySource
from bot.slack import new_client
from governance.errors import Unauthenticated
from operations.aap import Holder
from operations.aap_instances import Draft, create_instance, create_provisioner, revoke_provisioner
from scheduler.outbox import Outbox
from storage import outbox as stored
from storage.database import Database
from storage.outbox import Owed
from storage.tables import AapInstance, OutboxMessage, OutboxStatus
from tests.acceptance.aap_desk import OWN_TOOLS, Bench, Ear, call, listening
from tests.conftest import Clock
from tests.integration.aap import DELIVERY, INSTANCE, asked, own, provisioner
from tests.integration.verbs import SECRETS, TENANT, rows
from tests.policies import policy_text
from tests.tenants import BLUE, RED, Tenants, tenants


@pytest.fixture
def url(sqlite_url: str) -> str:
    """Nothing here depends on the database."""
    return sqlite_url


def paying(database: Database, folder: Path) -> Outbox:
    """An outbox that notifies receivers inside."""
    config = folder / "aap.toml"
    config.write_text("[webhooks]\nallow_private = true\n" + policy_text())
    office = Office(database, PolicySource(config, SECRETS), new_client("", "http://127.0.0.1:9/api/"))
    return Outbox(database, {Owed.AAP: Notifications(office).deliver}, lane="aap")


async def owed_to(database: Database, policy: Any, ear: Ear) -> None:
    """Make an instance that listens at an ear, and resolve a request of its."""
    by, delivery = await provisioner(database), replace(DELIVERY, url=ear.url)
    draft = Draft(INSTANCE, "i", {}, "one", delivery)
    await database.write(TENANT, lambda tx: create_instance(tx, by, draft))
    await asked(database, own(policy), "note.auto", holder=Holder("deployer", INSTANCE))


async def attempt(outbox: Outbox, database: Database) -> OutboxMessage:
    await outbox.drain()
    await outbox.stop()
    (found,) = [one for one in await rows(database, OutboxMessage) if one.kind == Owed.AAP]
    assert isinstance(found, OutboxMessage)
    return found


async def test_a_receiver_that_stays_silent_is_given_up_after_a_week(
    database: Database, policy: Any, clock: Clock, tmp_path: Path
) -> None:
    outbox, waits = paying(database, tmp_path), []
    async with listening() as ear:
        await owed_to(database, policy, ear)
        ear.answers = [500] * 100
        for _ in range(7):
            message = await attempt(outbox, database)
            assert message.status is OutboxStatus.QUEUED
            waits.append((message.next_attempt_at - clock.now).total_seconds())
            clock.forward(days=1)
        message = await attempt(outbox, database)
    assert (message.status, len(ear.got)) == (OutboxStatus.DEAD, 7)
    assert waits == [1] + [3600] * 6
    assert len({one["webhook-id"] for one in ear.got}) == 1
    assert len({one["webhook-timestamp"] for one in ear.got}) == 7


async def test_a_receiver_that_names_its_time_is_left_alone_until_then(
    database: Database, policy: Any, clock: Clock, tmp_path: Path
) -> None:
    async with listening() as ear:
        await owed_to(database, policy, ear)
        ear.answers, ear.headers = [503], {"Retry-After": "7200"}
        message = await attempt(paying(database, tmp_path), database)
    assert (message.next_attempt_at - clock.now).total_seconds() == 7200


async def test_each_workspace_has_its_own_agents_and_notifies_without_slack(url: str, tmp_path: Path) -> None:
    async with tenants(url, tmp_path) as place, listening() as ear:
        text = place.config.read_text().replace("[[workspaces]]", "[webhooks]\nallow_private = true\n[[workspaces]]", 1)
        place.config.write_text(text + OWN_TOOLS)
        await place.server.reload_policy()
        red, blue = [await bench_of(place, team) for team in (RED, BLUE)]
        _, token = await place.database.write(RED, lambda tx: create_provisioner(tx, "red-bot"))
        made = await ear.receiver.provision(provider_url=red.url, provisioner_token=token, url=ear.url)
        refused = await red.asked(call("r", "no.such"), token=made.token)
        await red.until(lambda: heard(ear))
        for other in (blue, red):  # another workspace's, and the agent's own key
            answer = await other.raw("GET", f"/v1/requests/{refused.id}")
            assert answer.status_code == 404
        await red.close()
        await blue.close()


async def test_a_provisioner_that_is_revoked_while_its_receiver_is_asked_makes_nothing(database: Database) -> None:
    by = await provisioner(database)
    await database.write(TENANT, lambda tx: revoke_provisioner(tx, by.id))
    with pytest.raises(Unauthenticated):
        await database.write(TENANT, lambda tx: create_instance(tx, by, Draft(INSTANCE, "i", {}, "one")))
    assert await rows(database, AapInstance) == []


async def heard(ear: Ear) -> bool | None:
    return len(ear.got) == 2 or None  # the challenge and the event


async def bench_of(place: Tenants, team: str) -> Bench:
    agent = await place.agent(team)
    stack: Any = SimpleNamespace(url=place.url, database=place.database, agent_secret=agent.secret)
    return Bench(stack, ("", ""), ("", ""))


async def test_what_waits_for_receivers_takes_no_place_of_what_goes_to_slack(
    database: Database, policy: Any, tmp_path: Path
) -> None:
    async with listening() as ear:
        await owed_to(database, policy, ear)
        for_slack = await database.write("", lambda tx: stored.claim(tx, 100))
        await attempt(paying(database, tmp_path), database)
    assert Owed.AAP not in {one.kind for one in for_slack}
    assert len(ear.got) == 1
