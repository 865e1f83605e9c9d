"""Homes that people look at are kept true at a cost nobody notices: one look for many changes, none without a Home."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.office.homes import open_home
from bot.office.sheets import sheet_of
from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.model import User
from governance.policy import Policy
from governance.rules import Effect, Scope
from operations import home, stand
from operations.prefer import Wishes, prefer
from operations.remember import Draft, add_rule
from storage.database import Database
from storage.tables import Home, OutboxMessage
from tests.conftest import Clock
from tests.integration.desk import Desk
from tests.integration.verbs import TENANT, asked, count, rows, say, submit

PEOPLE = ["U0ADMIN", "U0BOB", "U0CAROL"]


@asynccontextmanager
async def heard(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements of the writer that speak of Homes, and whatever they owe."""
    found: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "homes" in statement:
            found.append(statement)

    event.listen(database.writer.sync_engine, "before_cursor_execute", hear)
    yield found
    event.remove(database.writer.sync_engine, "before_cursor_execute", hear)


async def look_owed(database: Database) -> list[OutboxMessage]:
    found: list[OutboxMessage] = await rows(database, OutboxMessage, kind="homes", status="queued")
    return found


async def opens(database: Database, person: str = "U0BOB") -> None:
    """Somebody opens their Home, and it is drawn."""
    drawing = await database.write(TENANT, lambda tx: home.open_home(tx, person))
    assert drawing is not None
    await database.write(TENANT, lambda tx: home.finish_home(tx, drawing, "digest"))


async def test_what_asks_nobody_costs_no_statement_and_what_does_costs_one(database: Database, policy: Policy) -> None:
    async with heard(database) as statements:
        for tool in ("note.auto", "note.l2", "dry.run"):
            await submit(database, policy, tool)
        assert statements == []
        found = await asked(database, policy, thread=("C0DEPLOYS", "1.2"))  # with two cards
        assert len(statements) == 1
        await say(database, found, "U0BOB")
        assert len(statements) == 2
    assert await count(database, OutboxMessage, kind="homes") == 0


async def test_many_changes_are_one_look_as_long_as_somebody_looks(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await opens(database)
    for number in range(3):
        await submit(database, policy, arguments={"service": f"s{number}"})
    (owed,) = await look_owed(database)
    assert owed.next_attempt_at > clock.now
    clock.forward(days=7, seconds=1)
    await database.write(TENANT, lambda tx: prefer(tx, "U0BOB", Wishes()))
    assert len(await look_owed(database)) == 1
    assert await count(database, OutboxMessage, kind="homes") == 1


@pytest.mark.parametrize("change", ["a pause", "a rule", "a setting"])
async def test_whatever_a_home_shows_owes_a_look(database: Database, policy: Policy, change: str) -> None:
    await opens(database)
    draft = Draft("deployer", "deploy.production", Effect.DENY, Scope.FOREVER, {"any": True}, ("U0BOB",))
    verbs: dict[str, Any] = {
        "a pause": lambda tx: stand.pause(tx, policy.agents["deployer"], "U0BOB", "no"),
        "a rule": lambda tx: add_rule(tx, draft),
        "a setting": lambda tx: prefer(tx, "U0BOB", Wishes(digest_hour=9)),
    }
    await database.write(TENANT, verbs[change])
    assert len(await look_owed(database)) == 1


async def test_a_transaction_that_breaks_owes_no_look(database: Database, policy: Policy) -> None:
    await opens(database)

    async def breaks(tx: Any) -> None:
        await stand.pause(tx, policy.agents["deployer"], "U0BOB", "no")
        raise RuntimeError("after all that")

    with pytest.raises(RuntimeError):
        await database.write(TENANT, breaks)
    assert await look_owed(database) == []


# what the look does


@pytest.fixture
async def desk(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    """Three people have their Home open."""
    async with WorkspaceServer(demo_workspace()) as slack:
        made = Desk(database, clock, slack, tmp_path / "desk.toml")
        for person in PEOPLE:
            await open_home(made.office, person)
        yield made
        assert slack.workspace.violations == []


def published(desk: Desk) -> list[str]:
    return [str(one.args["user_id"]) for one in desk.workspace.called("views.publish")]


def shown(desk: Desk, person: str) -> str:
    view = desk.workspace.home(person)
    return json.dumps(view.blocks, ensure_ascii=False) if view else ""


async def behind(database: Database) -> list[str]:
    return [one.person for one in await rows(database, Home) if one.rendered < one.desired]


async def test_only_homes_that_differ_are_drawn_again(desk: Desk) -> None:
    assert published(desk) == PEOPLE
    await asked(desk.database, desk.policy, "deploy.two")  # Bob and Carol may answer it; Alice as well
    await desk.settle()
    assert sorted(published(desk)[3:]) == ["U0ADMIN", "U0BOB", "U0CAROL"]  # an admin sees that an agent has asked
    await desk.database.write(TENANT, lambda tx: prefer(tx, "U0BOB", Wishes(digest_hour=9)))
    await desk.settle()
    assert published(desk)[6:] == ["U0BOB"]
    assert await behind(desk.database) == []


@pytest.mark.parametrize("trouble", ["internal_error", "ratelimited"])
async def test_one_that_cannot_be_drawn_now_holds_up_no_other_and_is_drawn_later(desk: Desk, trouble: str) -> None:
    desk.workspace.faults.add("views.publish", trouble, retry_after=30)
    await asked(desk.database, desk.policy)
    await desk.settle()
    assert [person for person in PEOPLE if "1 waiting" in shown(desk, person)] == ["U0ADMIN"]
    assert [person for person in PEOPLE if "card.approve" in shown(desk, person)] == ["U0BOB", "U0CAROL"]
    assert await behind(desk.database) == []
    assert await count(desk.database, OutboxMessage, kind="homes", status="sent") == 1


async def test_one_that_slack_never_takes_is_given_up_until_it_is_opened_again(desk: Desk) -> None:
    desk.workspace.faults.add("views.publish", "not_enabled")
    await asked(desk.database, desk.policy)
    await desk.settle()
    (given_up,) = {*PEOPLE} - {one.person for one in await rows(desk.database, Home)}
    assert await behind(desk.database) == []
    await open_home(desk.office, given_up)
    assert await count(desk.database, Home) == 3


async def test_what_changes_while_a_look_is_put_off_is_looked_at_too(desk: Desk) -> None:
    desk.workspace.faults.add("views.publish", "ratelimited", times=3, retry_after=30)
    await asked(desk.database, desk.policy, arguments={"service": "first"})
    desk.clock.forward(seconds=5)
    for _ in range(3):  # each comes a little further
        await desk.deliver()
        desk.clock.forward(seconds=40)
    await asked(desk.database, desk.policy, arguments={"service": "second"})
    await desk.settle()
    assert shown(desk, "U0BOB").count("card.approve") == 2
    assert "2 waiting" in shown(desk, "U0ADMIN")
    assert await behind(desk.database) == []


async def test_a_home_that_another_hand_draws_is_looked_at_again(desk: Desk) -> None:
    drawing = await desk.database.write(TENANT, lambda tx: home.begin_home(tx, "U0BOB"))
    await asked(desk.database, desk.policy)
    desk.clock.forward(seconds=5)
    await desk.deliver()
    assert "card.approve" not in shown(desk, "U0BOB")
    assert "card.approve" in shown(desk, "U0CAROL")
    await desk.database.write(TENANT, lambda tx: home.let_home_go(tx, drawing))
    await desk.settle()
    assert "card.approve" in shown(desk, "U0BOB")


async def test_many_homes_are_all_drawn_each_once(desk: Desk) -> None:
    people = [f"U0P{number:02}" for number in range(25)]
    for person in people:
        desk.workspace.add_user(User(person, person))
        await open_home(desk.office, person)
    config = desk.config.read_text().replace('admins = ["U0ADMIN"]', f"admins = {json.dumps(people)}")
    desk.config.write_text(config)
    desk.source.reload()
    before = len(published(desk))
    await asked(desk.database, desk.policy, "deploy.default")
    await desk.settle()
    assert sorted(one for one in published(desk)[before:] if one in people) == people
    assert await behind(desk.database) == []


async def test_who_people_are_is_asked_only_for_homes_that_are_drawn(desk: Desk) -> None:
    """Slack lets everybody be looked up about a hundred times a minute together, and clicks need that."""
    await desk.settle()
    desk.restart()
    before = len(desk.workspace.called("users.info"))
    await desk.database.write(TENANT, lambda tx: prefer(tx, "U0BOB", Wishes(digest_hour=9)))
    await desk.settle()
    asked_about = [one.args["user"] for one in desk.workspace.called("users.info")[before:]]
    assert asked_about == ["U0BOB"]
    assert published(desk)[len(PEOPLE) :] == ["U0BOB"]


async def test_a_home_of_many_requests_costs_no_more_statements_than_one_of_few(desk: Desk) -> None:
    counted = []
    for number in range(2):
        await asked(desk.database, desk.policy, arguments={"service": f"a{number}"})
    async with read_by(desk.database) as statements:
        assert len((await sheet_of(desk.office, "U0BOB")).waiting) == 2
        counted.append(len(statements))
        for number in range(8):
            await asked(desk.database, desk.policy, arguments={"service": f"b{number}"})
        statements.clear()
        assert len((await sheet_of(desk.office, "U0BOB")).waiting) == 10
        counted.append(len(statements))
    assert counted[0] == counted[1]


@asynccontextmanager
async def read_by(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements of readers."""
    found: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(database.reader.sync_engine, "before_cursor_execute", hear)
    yield found
    event.remove(database.reader.sync_engine, "before_cursor_execute", hear)
