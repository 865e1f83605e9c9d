"""A page of a list is found by an index: what it costs does not grow with what is on the other pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from governance.automations import AutomationStatus, RunStatus, StopKind
from governance.lifecycle import RequestStatus
from storage import (
    audit,
    automations,
    governing,
    grants,
    homes,
    lists,
    owed,
    proposals,
    requests,
    rules,
    runs,
    stopped_runs,
    waiting,
)
from storage.database import Database, Tx
from storage.governing import Sought
from storage.lists import Filters
from storage.tables import RequestType
from tests.conftest import NOON
from tests.integration.verbs import TENANT

BEFORE = (NOON, "apr_1")
LISTS: dict[str, Any] = {
    "requests": lambda tx: requests.page(tx, limit=51),
    "requests after a page": lambda tx: requests.page(tx, before=BEFORE, limit=51),
    "requests by status": lambda tx: requests.page(tx, status=RequestStatus.PENDING, limit=51),
    "an agent's requests": lambda tx: requests.page(tx, agent_id="deployer", limit=51),
    "open requests": lambda tx: lists.open_requests(tx, Filters(), 501),
    "open requests of an agent": lambda tx: lists.open_requests(tx, Filters(agent="deployer", risk="low_write"), 501),
    "answers to requests": lambda tx: lists.answers(tx, ["apr_1", "apr_2"]),
    "due requests": lambda tx: requests.due(tx, NOON, 100),
    "rules": lambda tx: rules.page(tx, agent_id="deployer", live_only=True, before=None, limit=51),
    "what a Home lists": waiting.open_requests,
    "what a Home counts": lambda tx: waiting.states_since(tx, NOON),
    "Homes that are behind": lambda tx: homes.behind(tx, [], 20),
    "questions": lambda tx: governing.questions(tx, Sought(RequestStatus.PENDING, before=BEFORE), 51),
    "an agent's questions": lambda tx: governing.questions(tx, Sought(agent_id="deployer"), 51),
    "a person's questions": lambda tx: governing.questions(tx, Sought(person="U0BOB"), 51),
    "questions about a target": lambda tx: requests.open_about(tx, RequestType.RETIREMENT_ACTION, ("automation", "a")),
    "the question asked under a key": lambda tx: requests.asked_under(tx, "key"),
    "agents that owe a look": lambda tx: governing.owed_by_agents(tx, 51),
    "automations that owe a look": lambda tx: governing.worth_a_look(tx, None, 51),
    "automations": lambda tx: automations.page(tx, before=BEFORE, limit=51),
    "an agent's automations": lambda tx: automations.page(tx, agent_id="deployer", limit=51),
    "automations by status": lambda tx: automations.page(tx, status=AutomationStatus.PAUSED, limit=51),
    "what an agent created": lambda tx: automations.count_created(tx, "deployer"),
    "what agents have going": automations.count_active,
    "calls": lambda tx: proposals.page(tx, before=BEFORE, limit=51),
    "calls of a run": lambda tx: proposals.page(tx, run_id="run_1", before=BEFORE, limit=51),
    "findings about an automation": lambda tx: automations.findings(tx, "aut_1"),
    "automations due to expire": lambda tx: automations.due_to_expire(tx, 100),
    "automations due for health": lambda tx: automations.due_for_health(tx, 100),
    "automations due to be purged": lambda tx: automations.due_to_purge(tx, 100),
    "runs of an automation": lambda tx: runs.page(tx, "aut_1", BEFORE, 51),
    "the latest runs": lambda tx: runs.latest(tx, "aut_1", NOON, 20),
    "events of a run": lambda tx: runs.events(tx, "run_1"),
    "grants": lambda tx: grants.page(tx, before=BEFORE, limit=51),
    "an agent's grants": lambda tx: grants.page(tx, agent_id="deployer", live_only=True, limit=51),
    "grants for an automation": lambda tx: grants.page(tx, automation_id="aut_1", limit=51),
    "what an agent may": lambda tx: grants.rights(tx, "deployer"),
    "the grant to change an automation": lambda tx: grants.to_modify(tx, "deployer", "aut_1"),
    "grants that lapsed": lambda tx: grants.lapsed(tx, 100),
    "reviews to be reminded of": lambda tx: owed.due(tx, 100),
    "what was noticed": lambda tx: governing.findings(tx, ["aut_1"]),
    "a live spend stop": lambda tx: governing.live_stop(tx, "deployer"),
    "events of a proposal": lambda tx: audit.entries_of(tx, "prp_1"),
}


@contextmanager
def listening(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are run meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        heard.append((statement, values))

    event.listen(database.reader.sync_engine, "before_cursor_execute", hear)
    yield heard
    event.remove(database.reader.sync_engine, "before_cursor_execute", hear)


async def plans(tx: Tx, heard: list[tuple[str, Any]]) -> str:
    connection = await tx.session.connection()
    found = [await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in heard]
    return "\n".join(str(row[3]) for result in found for row in result)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", LISTS)
async def test_no_page_reads_a_whole_table(database: Database, name: str) -> None:
    """closes l1-l2-l3-enforcement 18"""
    async with database.read(TENANT) as tx:
        await tx.session.execute(text("SELECT 1"))
        with listening(database) as heard:
            await LISTS[name](tx)
            statements = [one for one in heard if one[0].lstrip().upper().startswith("SELECT")]
        assert statements
        plan = await plans(tx, statements)
    assert "SCAN" not in plan, plan


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_stopping_an_agent_looks_only_at_runs_that_are_open(database: Database) -> None:
    async with database.read(TENANT) as tx:
        await tx.session.execute(text("SELECT 1"))
        with listening(database) as heard:
            await stopped_runs.pause_runs(tx, "deployer", "stopped")
        plan = await plans(tx, heard)
    assert "ix_runs_open (tenant=?)" in plan, plan


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_starting_and_stopping_in_an_automation_does_not_read_the_runs_that_have_ended(
    database: Database,
) -> None:
    async with database.read(TENANT) as tx:
        await tx.session.execute(text("SELECT 1"))
        with listening(database) as heard:
            await runs.count_open(tx, "aut_1")
            await runs.stop_all(tx, "aut_1", RunStatus.PAUSED, StopKind.OPERATOR_STOPPED, "stopped")
        plan = await plans(tx, heard)
    assert plan.count("ix_runs_open_of (automation_id=?)") == len(heard) == 3, plan
