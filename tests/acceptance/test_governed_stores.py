"""Governance over HTTP where the store fails in the middle, where much is to stop, and where all comes at once."""

import asyncio
from typing import Any

import pytest

from storage.tables import AutomationRun, Grant, KeyKind
from tests.acceptance.governing import registered, started, status_of
from tests.acceptance.test_automations_api import AUTOMATIONS, V2, governance, waiting
from tests.integration.calls import API, Key, is_problem
from tests.integration.verbs import rows, sql
from tests.stack import Stack

pytestmark = pytest.mark.both_databases

WANTED = {
    "request_type": "external_post", "target_resource": {"type": "agent", "id": "deployer"}, "rationale": "needed",
    "context": {"text": "hello"},
}  # fmt: skip


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"admins": '["U0ADMIN", "U0BOB"]'}


async def granted(stack: Stack, admin: Key, automation_id: str) -> str:
    """An admin lets the agent change an automation; returns the path of the grant."""
    path = f"{AUTOMATIONS}/{automation_id}/grants"
    status, answer = await stack.signed(admin, "POST", path, {"granted_to_agent_id": "deployer"})
    assert status == 201, answer
    return f"{path}/{answer['grant']['id']}"


async def test_a_grant_and_a_decision_that_cannot_be_recorded_do_not_happen(stack: Stack, admin: Key) -> None:
    """closes automation-governance 25"""
    id = await registered(stack)
    filed = (await stack.call("POST", f"{API}/governance/approvals", WANTED))[1]["approval"]
    await sql(stack.database, "ALTER TABLE audit_entries RENAME TO elsewhere")
    given = {"granted_to_agent_id": "deployer"}
    assert (await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/grants", given))[0] == 500
    for word, body in (("approve", {}), ("deny", {"notes": "no"})):
        path = f"{API}/governance/approvals/{filed['approval_id']}/{word}"
        assert is_problem(await stack.signed(admin, "POST", path, body), 500, "INTERNAL")
    await sql(stack.database, "ALTER TABLE elsewhere RENAME TO audit_entries")
    assert await rows(stack.database, Grant) == []
    assert [one["status"] for one in await waiting(stack, admin, "external_post")] == ["pending"]


async def test_a_revocation_that_cannot_stop_the_runs_changes_nothing_and_works_when_it_is_sent_again(
    stack: Stack, admin: Key
) -> None:
    """closes automation-governance 2, 8"""
    id = await registered(stack)
    run, grant = await started(stack, id), await granted(stack, admin, id)
    await sql(stack.database, "ALTER TABLE automation_runs RENAME TO elsewhere")
    assert (await stack.signed(admin, "DELETE", grant, {"reason": "no more"}))[0] == 500
    await sql(stack.database, "ALTER TABLE elsewhere RENAME TO automation_runs")
    assert [one.revoked_at for one in await rows(stack.database, Grant)] == [None]
    assert not (await governance(stack, admin, id))["review_required"]

    reviewer, stranger = await stack.key(KeyKind.OPERATOR, "U0CAROL"), await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    for other in (reviewer, stranger):
        assert (await stack.signed(other, "DELETE", grant, {"reason": "no more"}))[0] in (403, 404)
    for _ in range(2):
        assert (await stack.signed(admin, "DELETE", grant, {"reason": "no more"}))[0] == 200
    assert await status_of(stack, run) == "paused"
    assert len(await waiting(stack, admin, "lifecycle_review")) == 1


async def test_a_hundred_and_one_queued_runs_are_all_paused_and_no_other_begins(stack: Stack, admin: Key) -> None:
    """closes automation-governance 8"""
    id = await registered(stack)
    grant = await granted(stack, admin, id)
    for _ in range(101):
        await started(stack, id)
    assert (await stack.signed(admin, "DELETE", grant, {"reason": "no more"}))[0] == 200
    assert [one.status for one in await rows(stack.database, AutomationRun)] == ["paused"] * 101
    refused = await stack.call("POST", f"{AUTOMATIONS}/{id}/runs", {})
    assert is_problem(refused, 403, f"{V2}LIFECYCLE_PAUSED")


async def test_runs_that_begin_while_a_grant_is_revoked_are_refused_or_paused(stack: Stack, admin: Key) -> None:
    """closes automation-governance 8"""
    id = await registered(stack)
    grant = await granted(stack, admin, id)
    begin = [stack.call("POST", f"{AUTOMATIONS}/{id}/runs", {}) for _ in range(8)]
    begin.insert(4, stack.signed(admin, "DELETE", grant, {"reason": "no more"}))
    answers = await asyncio.gather(*begin)
    assert answers[4][0] == 200
    assert {status for status, _ in answers} <= {200, 201, 409}
    assert {one.status for one in await rows(stack.database, AutomationRun)} <= {"paused"}
