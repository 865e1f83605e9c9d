"""Spend over HTTP: who may report, what is told, how an agent stops and goes on, and who changes limits."""

import asyncio
from typing import Any

import pytest

from governance.automations import RunStatus
from storage.tables import AuditEntry, AutomationRun, KeyKind, RunEvent
from tests.integration.calls import API, Key
from tests.integration.spending import automation
from tests.integration.verbs import rows
from tests.stack import Stack

FAMILY = 'report_spend = true\nparent = "planner"'
PLANNER = '\n[[agents]]\nid = "planner"\nname = "Planner"\ncreator = "U0BOB"\nweekly_spend_cap_usd = "100.00"\n'
CAP = '\n[limits]\nweekly_spend_cap_usd = "10.00"\n'


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"agent": FAMILY, "extra": PLANNER + CAP, "admins": '["U0ADMIN", "U0BOB"]'}


async def send(stack: Stack, cost: Any, report_id: str, agent: str = "deployer", **more: Any) -> tuple[int, Any]:
    body = {"report_id": report_id, "cost_usd": cost, **more}
    return await stack.call("POST", f"{API}/agents/{agent}/spend/reports", body)


async def seen(stack: Stack, key: Key, agent: str = "deployer") -> Any:
    status, body = await stack.signed(key, "GET", f"{API}/governance/agents/{agent}/spend")
    assert status == 200, body
    return body["spend"]


async def until(stack: Stack, runs: list[str], status: RunStatus) -> None:
    """Wait for the loop to have brought all runs to a status."""
    for _ in range(300):
        if {one.status for one in await rows(stack.database, AutomationRun) if one.id in runs} == {status}:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the runs are not {status}")


async def test_an_agent_is_warned_stopped_and_let_go_on_by_a_person(stack: Stack, admin: Key) -> None:
    runs = await automation(stack.database, RunStatus.RUNNING, RunStatus.QUEUED, creator="deployer")
    status, body = await send(stack, "8.25", "r1", run_id=runs[0], prompt_tokens=10, completion_tokens=5)
    assert (status, body["duplicate"], body["cost_usd"], body["run_id"]) == (201, False, "8.25", runs[0])
    told = await seen(stack, admin)
    assert told["weekly"]["cost_usd"] == "8.25"
    assert told["weekly"]["soft_warning_at"] is not None
    assert (told["weekly"]["total_tokens"], told["weekly"]["last_run_id"]) == (15, runs[0])
    assert (told["weekly_spend_cap_usd"], told["weekly_remaining_usd"], told["paused_at"]) == ("10.00", "1.75", None)
    _, listed = await stack.signed(admin, "GET", f"{API}/governance/spend")
    assert (listed["count"], {one["agent_id"] for one in listed["spend"]}) == (2, {"deployer", "planner"})

    _, body = await send(stack, 2.0, "r2", run_id=runs[0])
    told = body["spend"]
    assert told["weekly"]["cost_usd"] == "10.25"
    assert told["weekly"]["hard_stop_at"] is not None
    assert told["paused_at"] is not None
    assert told["pause_reason"] == "weekly spend cap 10.00 USD reached"
    found = await rows(stack.database, AutomationRun)
    assert {one.status for one in found} == {RunStatus.PAUSED}
    assert found[0].detail == "weekly spend cap exceeded for deployer (10.25/10.00 USD)"
    status, body = await stack.propose("note.auto")
    assert (status, body["code"]) == (403, "SPEND_CAP_EXCEEDED")

    _, asked = await stack.signed(admin, "GET", f"{API}/governance/approvals")
    (request,) = asked.get("approvals") or asked["items"]
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{request.get('approval_id') or request['id']}"
    status, body = await stack.signed(bob, "POST", path, {"decision": "approve"})
    assert (status, body["status"]) == (200, "approved")
    assert (await stack.propose("note.auto"))[0] == 201
    assert {one.status for one in await rows(stack.database, AutomationRun)} == {RunStatus.QUEUED}
    told = await seen(stack, admin)
    assert (told["paused_at"], told["override_until"] is None) == (None, False)
    kinds = [one.kind for one in await rows(stack.database, RunEvent) if one.run_id == runs[0]]
    assert kinds == ["run_paused_spend_cap_exceeded", "run_auto_resumed"]
    said = await stack.slack.workspace.until(lambda: stack.slack.workspace.dm("U0ALICE"))
    assert "has spent 8.25 of its 10.00 USD" in said[0].text


async def test_a_card_says_what_its_agent_may_still_spend(stack: Stack) -> None:
    await send(stack, "4.5", "r1")
    await stack.propose()
    card = await stack.card("Spent this week")
    assert "4.50 of 10.00 USD, 5.50 left" in str(card.blocks)


async def test_an_admin_who_raises_the_cap_lets_the_agent_go(stack: Stack, admin: Key) -> None:
    runs = await automation(stack.database, RunStatus.RUNNING, creator=None, agents=("deployer",))
    await send(stack, "12", "r1")
    status, body = await stack.signed(
        admin, "PATCH", f"{API}/governance/limits",
        {"agent_weekly_spend_caps_usd": {"deployer": "20.00"}, "reason": "the quarter ends"},
    )  # fmt: skip
    assert (status, body["limits"]["agent_weekly_spend_caps_usd"]) == (200, {"deployer": "20.00", "planner": "100.00"})
    await until(stack, runs, RunStatus.QUEUED)
    assert (await stack.propose("note.auto"))[0] == 201
    (entry,) = [one for one in await rows(stack.database, AuditEntry) if one.kind == "limits.changed"]
    assert (entry.actor, "the quarter ends" in entry.detail) == ("person:U0ADMIN", True)


async def test_the_same_report_twice_is_told_so_and_another_is_a_conflict(stack: Stack) -> None:
    first = await send(stack, "1.5", "r1")
    again = await send(stack, 1.50, "r1")
    other = await send(stack, "1.6", "r1")
    assert (first[0], again[0], again[1]["duplicate"]) == (201, 200, True)
    assert {**again[1], "duplicate": False} == first[1]
    assert (other[0], other[1]["code"]) == (409, "SPEND_REPORT_CONFLICT")
    _, body = await send(stack, "0", "r2")
    assert body["spend"]["weekly"]["cost_usd"] == "1.50"


@pytest.mark.parametrize(
    "body",
    [{"cost_usd": "-1"}, {"cost_usd": -1}, {"cost_usd": 0.0000001}, {"cost_usd": "1.0000001"}, {"cost_usd": "NaN"},
     {"cost_usd": True}, {"cost_usd": None}, {}, {"cost_usd": 1, "prompt_tokens": -1}, {"cost_usd": 1, "more": 1},
     {"cost_usd": 1, "prompt_tokens": 5, "total_tokens": 4}, {"cost_usd": 1, "report_id": "two words"},
     {"cost_usd": 1, "run_id": "x" * 49}],
)  # fmt: skip
async def test_what_is_no_report_is_refused_and_counted_nowhere(stack: Stack, admin: Key, body: dict[str, Any]) -> None:
    path = f"{API}/agents/deployer/spend/reports"
    status, said = await stack.call("POST", path, {"report_id": "r1", **body})
    assert (status, said["code"]) == (422, "INVALID_BODY")
    status, said = await stack.signed(admin, "GET", f"{API}/governance/agents/deployer/spend")
    assert (status, said["code"]) == (404, "AGENT_SPEND_NOT_FOUND")


async def test_who_may_report(stack: Stack, admin: Key) -> None:
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    path, body = f"{API}/agents/stranger/spend/reports", {"report_id": "r1", "cost_usd": "1"}
    status, said = await stack.call("POST", path, body, secret=stranger)
    assert (status, said["code"]) == (403, "SPEND_REPORT_FORBIDDEN")
    assert (await send(stack, "1", "r1", agent="stranger"))[0] == 404
    assert (await send(stack, "1", "r1", agent="nobody"))[0] == 404
    assert (await send(stack, "1", "r1", run_id="run_unknown"))[1]["code"] == "RUN_NOT_FOUND"
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    assert (await stack.signed(carol, "POST", path, body))[1]["code"] == "FORBIDDEN"
    assert (await stack.signed(admin, "POST", path, body))[0] == 201
    assert (await stack.signed(admin, "POST", f"{API}/agents/nobody/spend/reports", body))[0] == 404


async def test_an_agent_sees_its_own_spend_alone(stack: Stack) -> None:
    await send(stack, "1", "r1")
    _, listed = await stack.call("GET", f"{API}/governance/spend")
    assert [one["agent_id"] for one in listed["spend"]] == ["deployer"]
    assert (await stack.call("GET", f"{API}/governance/agents/deployer/spend"))[0] == 200
    status, said = await stack.call("GET", f"{API}/governance/agents/planner/spend")
    assert (status, said["code"]) == (404, "AGENT_SPEND_NOT_FOUND")


async def test_limits_are_told_as_they_are_written_and_go_back_to_the_file(stack: Stack, admin: Key) -> None:
    """closes automation-governance 24"""
    path = f"{API}/governance/limits"
    _, before = await stack.signed(admin, "GET", path)
    assert before["limits"] == {
        "approval_ttl": "3d", "default_expires_after": "90d", "expiration_warning_window": "7d",
        "creation_enabled": True,
        "per_agent_daily_creation_limit": 10, "active_agent_automation_cap": 50, "lineage_depth_limit": 3,
        "per_agent_creation_review_threshold": 5, "run_review_threshold": 20, "spend_warning_threshold_ratio": 0.8,
        "health_check_interval": "6h", "health_window_run_limit": 20, "health_failure_rate_threshold": 0.5,
        "health_guardrail_stop_threshold": 2, "weekly_spend_cap_usd": "10.00",
        "agent_weekly_spend_caps_usd": {"planner": "100.00"},
    }  # fmt: skip
    change = {
        "creation_enabled": False, "approval_ttl": "36h", "default_expires_after": "never", "lineage_depth_limit": 0,
        "weekly_spend_cap_usd": "none", "agent_weekly_spend_caps_usd": {"planner": "none", "deployer": "0"},
    }  # fmt: skip
    status, after = await stack.signed(admin, "PATCH", path, change)
    expected = {**before["limits"], **change, "approval_ttl": "1d12h"}
    expected["agent_weekly_spend_caps_usd"] = {"deployer": "0.00", "planner": "none"}
    assert (status, after["limits"]) == (200, expected)
    assert (await stack.signed(admin, "GET", path))[1] == after
    back = {"reset": [name for name in change if "agent" not in name], "agent_weekly_spend_caps_usd": {
        "planner": None, "deployer": None}}  # fmt: skip
    assert (await stack.signed(admin, "PATCH", path, back))[1] == before


@pytest.mark.parametrize(
    "change",
    [{}, {"reason": "none"}, {"max_open_requests": 1}, {"weekly_spend_cap_usd": 5}, {"weekly_spend_cap_usd": "-1"},
     {"approval_ttl": "0s"}, {"spend_warning_threshold_ratio": 1.5}, {"run_review_threshold": -1}, {"nonsense": 1},
     {"reset": ["max_open_requests"]}, {"reset": ["approval_ttl"], "approval_ttl": "1h"},
     {"agent_weekly_spend_caps_usd": {"nobody": "1"}}, {"agent_weekly_spend_caps_usd": {"countersign": "1"}}],
)  # fmt: skip
async def test_what_the_file_would_not_take_is_refused_here_as_well(
    stack: Stack, admin: Key, change: dict[str, Any]
) -> None:
    """closes automation-governance 24"""
    status, _ = await stack.signed(admin, "PATCH", f"{API}/governance/limits", change)
    assert status == 422
    assert [one for one in await rows(stack.database, AuditEntry) if one.kind == "limits.changed"] == []


async def test_only_admins_change_limits(stack: Stack) -> None:
    """closes approval-api 11"""
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    status, said = await stack.signed(carol, "PATCH", f"{API}/governance/limits", {"creation_enabled": False})
    assert (status, said["code"]) == (403, "FORBIDDEN")
    status, _ = await stack.call("PATCH", f"{API}/governance/limits", {"creation_enabled": False})
    assert status == 401


async def test_an_agent_that_names_others_in_its_automation_reads_its_own_spend_alone(stack: Stack, admin: Key) -> None:
    await send(stack, "3.00", "r1")
    body = {"name": "Curious", "agents": ["planner", "stranger"]}
    id = (await stack.call("POST", f"{API}/automations", body))[1]["automation"]["id"]
    address = f"{API}/automations/{id}/governance"
    shown = (await stack.call("GET", address))[1]["spend"]["agents"]
    assert [one["agent_id"] for one in shown] == ["deployer"]
    shown = (await stack.signed(admin, "GET", address))[1]["spend"]["agents"]
    assert [one["agent_id"] for one in shown] == ["deployer", "planner", "stranger"]
