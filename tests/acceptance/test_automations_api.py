"""Automations over the API: created, changed, run, ended and brought back, with their exact codes."""

from datetime import timedelta
from typing import Any

import pytest

from bot.api.bodies import moment
from scheduler.lifecycle import attend_due
from storage.tables import ApprovalRequest, Automation, KeyKind, RequestType
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem
from tests.integration.verbs import rows
from tests.stack import Stack

AUTOMATIONS = f"{API}/automations"
APPROVALS = f"{API}/governance/approvals"
NIGHTLY = {"name": "Nightly"}
V2 = "AUTOMATION_V2_"


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "admins": '["U0ADMIN", "U0BOB"]'}


@pytest.fixture
async def carol(stack: Stack) -> Key:
    """A reviewer, who is neither operator nor admin."""
    return await stack.key(KeyKind.OPERATOR, "U0CAROL")


@pytest.fixture
async def stranger(stack: Stack) -> str:
    """The key of another agent."""
    return (await stack.key(KeyKind.AGENT, "stranger"))[1]


async def created(stack: Stack, **body: Any) -> str:
    """The agent creates an automation; returns its id."""
    status, answer = await stack.call("POST", AUTOMATIONS, {**NIGHTLY, **body})
    assert status == 201, answer
    id: str = answer["automation"]["id"]
    return id


async def created_by(stack: Stack, key: Key, **body: Any) -> str:
    """A person creates an automation; returns its id."""
    status, answer = await stack.signed(key, "POST", AUTOMATIONS, {**NIGHTLY, **body})
    assert status == 201, answer
    id: str = answer["automation"]["id"]
    return id


async def governance(stack: Stack, admin: Key, id: str) -> Any:
    status, answer = await stack.signed(admin, "GET", f"{AUTOMATIONS}/{id}/governance")
    assert status == 200, answer
    return answer["governance"]


async def waiting(stack: Stack, admin: Key, kind: str) -> list[Any]:
    _, answer = await stack.signed(admin, "GET", f"{APPROVALS}?request_type={kind}&status=pending")
    found: list[Any] = answer["approvals"]
    return found


async def approve(stack: Stack, key: Key, approval_id: str, word: str = "approve") -> int:
    status, _ = await stack.signed(key, "POST", f"{APPROVALS}/{approval_id}/{word}", {"notes": "looked"})
    return status


async def run(stack: Stack, id: str, status: str = "completed", **more: Any) -> str:
    """The agent runs an automation to its end; returns the run's id."""
    code, answer = await stack.call("POST", f"{AUTOMATIONS}/{id}/runs")
    assert code == 201, answer
    run_id: str = answer["run"]["id"]
    for step in ({"status": "running"}, {"status": status, **more}):
        code, answer = await stack.call("PATCH", f"{API}/runs/{run_id}", step)
        assert (code, answer["run"]["status"]) == (200, step["status"])
    return run_id


async def tick(stack: Stack) -> int:
    return await attend_due(stack.database, lambda _tenant: stack.server.office.policy.current)


async def test_an_agent_registers_with_a_name_alone_and_its_creator_owns_it(stack: Stack, clock: Clock) -> None:
    status, answer = await stack.call("POST", AUTOMATIONS, NIGHTLY)
    made = answer["automation"]
    assert (status, made["name"], made["status"], made["tools"]) == (201, "Nightly", "active", None)
    assert made["creator"] == {"kind": "agent", "id": "deployer"}
    assert (made["owner"], made["expires_at"]) == ("U0ALICE", moment(clock.now + timedelta(days=90)))
    said = await stack.slack.workspace.until(lambda: stack.slack.workspace.dm("U0ALICE"))
    assert "Nightly" in said[0].text
    assert (await stack.call("GET", f"{AUTOMATIONS}/{made['id']}"))[1]["automation"] == made


async def test_a_person_registers_in_their_own_name_and_it_does_not_end_by_itself(stack: Stack, carol: Key) -> None:
    made = (await stack.signed(carol, "POST", AUTOMATIONS, {**NIGHTLY, "agents": ["deployer"]}))[1]["automation"]
    assert (made["creator"], made["owner"]) == ({"kind": "human", "id": "U0CAROL"}, "U0CAROL")
    assert made["expires_at"] is None


async def test_lineage_comes_from_the_policy_and_a_depth_override_lifts_its_limit(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    """closes automation-governance 20"""
    family = [("planner", None), ("writer", "planner"), ("helper", "writer"), ("scout", "helper")]
    agents = "".join(
        f'[[agents]]\nid = "{id}"\nname = "{id}"\ncreator = "U0ALICE"\n' + (f'parent = "{above}"\n' if above else "")
        for id, above in family
    )
    stack.config.write_text(stack.config.read_text() + agents)
    await stack.server.reload_policy()
    keys = {id: (await stack.key(KeyKind.AGENT, id))[1] for id, _ in family}
    made = (await stack.call("POST", AUTOMATIONS, NIGHTLY, secret=keys["helper"]))[1]["automation"]
    told = await governance(stack, admin, made["id"])
    assert (told["ancestors"], told["depth"]) == (["writer", "planner"], 3)
    refused = await stack.call("POST", AUTOMATIONS, NIGHTLY, secret=keys["scout"])
    assert is_problem(refused, 403, f"{V2}LINEAGE_DEPTH_EXCEEDED")
    asked = {
        "request_type": "depth_override", "target_resource": {"type": "agent", "id": "scout"},
        "rationale": "one level more", "context": {"hours": 1},
    }  # fmt: skip
    filed = (await stack.call("POST", APPROVALS, asked, secret=keys["scout"]))[1]["approval"]
    assert await approve(stack, admin, filed["approval_id"]) == 200
    assert (await stack.call("POST", AUTOMATIONS, NIGHTLY, secret=keys["scout"]))[0] == 201
    clock.forward(hours=2)
    refused = await stack.call("POST", AUTOMATIONS, NIGHTLY, secret=keys["scout"])
    assert is_problem(refused, 403, f"{V2}LINEAGE_DEPTH_EXCEEDED")


async def test_an_admin_stops_agents_from_creating_at_run_time_and_people_go_on(
    stack: Stack, admin: Key, carol: Key
) -> None:
    """closes automation-governance 24"""
    limits = f"{API}/governance/limits"
    assert (await stack.signed(admin, "PATCH", limits, {"creation_enabled": False}))[0] == 200
    assert is_problem(await stack.call("POST", AUTOMATIONS, NIGHTLY), 403, f"{V2}CREATION_DISABLED")
    await created_by(stack, carol)
    await stack.signed(admin, "PATCH", limits, {"reset": ["creation_enabled"]})
    await created(stack)


async def test_a_spend_stop_holds_creations_and_runs_until_it_is_lifted(stack: Stack, admin: Key) -> None:
    id = await created(stack)
    await stack.signed(admin, "PATCH", f"{API}/governance/limits", {"weekly_spend_cap_usd": "10.00"})
    report = {"report_id": "r1", "cost_usd": "12.00"}
    assert (await stack.signed(admin, "POST", f"{API}/agents/deployer/spend/reports", report))[0] == 201
    assert is_problem(await stack.call("POST", AUTOMATIONS, NIGHTLY), 429, f"{V2}AGENT_SPEND_CAP_EXCEEDED")
    refused = await stack.call("POST", f"{AUTOMATIONS}/{id}/runs")
    assert is_problem(refused, 429, f"{V2}AGENT_SPEND_CAP_EXCEEDED")
    (asked,) = await waiting(stack, admin, "quota_override")
    assert await approve(stack, admin, asked["approval_id"]) == 200
    await created(stack)
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201
    _, answer = await stack.signed(admin, "GET", f"{AUTOMATIONS}/{id}/governance")
    assert answer["spend"]["agents"][0]["weekly"]["cost_usd"].startswith("12.00")


async def test_headers_about_identity_count_for_nothing(stack: Stack, admin: Key) -> None:
    """Who calls is known by the key: no header makes an agent a person, or another agent, or its own ancestor.

    closes automation-governance 20
    """
    lies = {
        "x-tandem-agent-id": "stranger", "x-tandem-request-source": "control_panel",
        "x-tandem-agent-ancestor-ids": "a,b,c,d", "x-countersign-key": admin[0],
    }  # fmt: skip
    status, answer = await stack.call("POST", AUTOMATIONS, NIGHTLY, headers=lies)
    assert (status, answer["automation"]["creator"]) == (201, {"kind": "agent", "id": "deployer"})
    told = await governance(stack, admin, answer["automation"]["id"])
    assert (told["ancestors"], told["depth"]) == ([], 1)


async def test_a_capability_is_refused_until_people_have_granted_it(stack: Stack, admin: Key) -> None:
    body = {**NIGHTLY, "capabilities": {"creates_agents": True}}
    refused = await stack.call("POST", AUTOMATIONS, body)
    assert is_problem(refused, 403, f"{V2}CAPABILITY_ESCALATION_FORBIDDEN")
    id = await created(stack)
    patched = await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"capabilities": {"creates_agents": True}})
    assert is_problem(patched, 403, f"{V2}CAPABILITY_ESCALATION_FORBIDDEN")
    asked = {
        "request_type": "capability_request", "target_resource": {"type": "agent", "id": "deployer"},
        "rationale": "it makes helpers", "context": {"capability_key": "creates_agents"},
    }  # fmt: skip
    filed = (await stack.call("POST", APPROVALS, asked))[1]["approval"]
    assert await approve(stack, admin, filed["approval_id"]) == 200
    status, answer = await stack.call("POST", AUTOMATIONS, body)
    assert (status, answer["automation"]["capabilities"]["creates_agents"]) == (201, True)
    assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"capabilities": {"creates_agents": True}}))[0] == 200


async def test_a_granted_capability_ends_with_its_time_and_stays_where_it_was_used(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    asked = {
        "request_type": "capability_request", "target_resource": {"type": "agent", "id": "deployer"},
        "rationale": "it makes helpers", "context": {"capability_key": "creates_agents", "hours": 2},
    }  # fmt: skip
    filed = (await stack.call("POST", APPROVALS, asked))[1]["approval"]
    await approve(stack, admin, filed["approval_id"])
    id = await created(stack, capabilities={"creates_agents": True})
    clock.forward(hours=3)
    again = await stack.call("POST", AUTOMATIONS, {**NIGHTLY, "capabilities": {"creates_agents": True}})
    assert is_problem(again, 403, f"{V2}CAPABILITY_ESCALATION_FORBIDDEN")
    kept = {"name": "Weekly", "capabilities": {"creates_agents": True}}
    assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", kept))[0] == 200


async def test_after_so_many_creations_people_look_before_the_next(stack: Stack, admin: Key) -> None:
    for _ in range(5):
        id = await created(stack)
    for name in "abcd":
        assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": name}))[0] == 200
    assert is_problem(await stack.call("POST", AUTOMATIONS, NIGHTLY), 429, f"{V2}AGENT_REVIEW_REQUIRED")
    _, reviews = await stack.signed(admin, "GET", f"{API}/governance/reviews")
    assert [one["agent_id"] for one in reviews["agent_creation_reviews"]] == ["deployer"]
    (asked,) = await waiting(stack, admin, "lifecycle_review")
    assert asked["context"]["trigger"] == "creation_quota"
    assert await approve(stack, admin, asked["approval_id"]) == 200
    await created(stack)
    _, reviews = await stack.signed(admin, "GET", f"{API}/governance/reviews")
    assert reviews["agent_creation_reviews"] == []


async def test_a_paused_agent_creates_and_runs_nothing(stack: Stack, admin: Key) -> None:
    """closes automation-governance 24"""
    id = await created(stack)
    await stack.signed(admin, "POST", f"{API}/agents/deployer/pause", {"reason": "it loops"})
    assert is_problem(await stack.call("POST", AUTOMATIONS, NIGHTLY), 403, f"{V2}AGENT_CREATION_PAUSED")
    assert is_problem(await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"), 409, f"{V2}AGENT_PAUSED")
    await stack.signed(admin, "POST", f"{API}/agents/deployer/resume", {"reason": "mended"})
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201


async def test_who_may_change_and_delete(stack: Stack, admin: Key, carol: Key, stranger: str) -> None:
    """closes automation-governance 13"""
    mine, theirs = await created(stack), await created_by(stack, carol)
    for method, id, code in (
        ("PATCH", theirs, "MODIFY_FORBIDDEN"), ("DELETE", theirs, "DELETE_HUMAN_CREATED_DENIED"),
    ):  # fmt: skip
        assert is_problem(await stack.call(method, f"{AUTOMATIONS}/{id}", {} if method == "DELETE" else {"name": "x"}),
                          403, V2 + code)  # fmt: skip
    refused = await stack.call("DELETE", f"{AUTOMATIONS}/{mine}", {}, secret=stranger)
    assert is_problem(refused, 403, f"{V2}DELETE_NOT_OWNER")
    refused = await stack.call("POST", f"{AUTOMATIONS}/{mine}/runs", secret=stranger)
    assert is_problem(refused, 403, f"{V2}MODIFY_FORBIDDEN")
    refused = await stack.signed(carol, "PATCH", f"{AUTOMATIONS}/{mine}", {"name": "x"})
    assert is_problem(refused, 403, f"{V2}NOT_OWNER")
    assert (await stack.signed(admin, "PATCH", f"{AUTOMATIONS}/{theirs}", {"name": "x"}))[0] == 200


async def test_what_is_not_theirs_reads_like_what_does_not_exist(stack: Stack, carol: Key, stranger: str) -> None:
    id = await created_by(stack, carol)
    run_id = (await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    for path in (
        f"automations/{id}",
        f"automations/{id}/governance",
        f"automations/{id}/runs",
        f"automations/{id}/grants",
    ):
        theirs = await stack.call("GET", f"{API}/{path}", secret=stranger)
        assert theirs == await stack.call("GET", f"{API}/{path.replace(id, 'aut_0')}", secret=stranger)
        assert is_problem(theirs, 404, "AUTOMATION_GOVERNANCE_NOT_FOUND")
    assert is_problem(await stack.call("GET", f"{API}/runs/{run_id}", secret=stranger), 404, "AUTOMATION_RUN_NOT_FOUND")
    assert (await stack.call("GET", AUTOMATIONS, secret=stranger))[1]["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": " "}, {"name": "x", "id": "aut_1"}, {"name": "x", "creator_id": "U0BOB"},
        {"name": "x", "agents": ["nobody"]}, {"name": "x", "agents": ["countersign"]},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, {"name": "x", "expires_at": 5},
        {"name": "x", "capabilities": {"everything": True}}, {"name": "x", "metadata": []},
    ],
)  # fmt: skip
async def test_bodies_are_strict(stack: Stack, body: Any) -> None:
    """closes automation-governance 13"""
    status, answer = await stack.call("POST", AUTOMATIONS, body)
    assert (status, set(answer)) == (422, {"code", "error", "details"})
    assert await rows(stack.database, Automation) == []


async def test_a_run_ends_once_and_moves_only_along_legal_steps(stack: Stack) -> None:
    id = await created(stack)
    run_id = await run(stack, id, outputs={"pages": 3})
    path = f"{API}/runs/{run_id}"
    assert (await stack.call("PATCH", path, {"status": "completed"}))[0] == 200
    for status in ("failed", "running", "paused", "queued"):
        assert is_problem(await stack.call("PATCH", path, {"status": status}), 409, "ILLEGAL_MOVE")
    told = (await stack.call("GET", path))[1]["run"]
    assert (told["status"], told["outputs"]) == ("completed", {"pages": 3})
    assert [one["event"] for one in told["events"]] == ["run_queued", "run_running", "run_completed"]


async def test_after_so_many_runs_people_look_before_the_next(stack: Stack, admin: Key) -> None:
    id = await created(stack)
    for _ in range(20):
        await run(stack, id, outputs={"n": 1})
    told = await governance(stack, admin, id)
    assert (told["review_required"], told["review_kind"], told["runs_since_review"]) == (True, "run_drift", 20)
    assert is_problem(await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"), 409, f"{V2}REVIEW_REQUIRED")
    (asked,) = await waiting(stack, admin, "lifecycle_review")
    assert (asked["context"]["trigger"], asked["approval_id"]) == ("run_drift", told["review_request_id"])
    assert await approve(stack, admin, asked["approval_id"]) == 200
    told = await governance(stack, admin, id)
    assert (told["review_required"], told["runs_since_review"]) == (False, 0)
    await run(stack, id)


async def test_an_automation_that_expires_is_paused_with_its_runs_and_extended(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    id = await created(stack, expires_at=moment(clock.now + timedelta(hours=2)))
    run_id = (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    clock.forward(hours=3)
    await tick(stack)
    told = await governance(stack, admin, id)
    assert (told["status"], told["review_kind"], told["paused_for_lifecycle"]) == ("paused", "expired", True)
    assert told["expired_at"] == moment(clock.now)
    assert [one["kind"] for one in told["health_findings"]] == ["expired"]
    assert (await stack.call("GET", f"{API}/runs/{run_id}"))[1]["run"]["stop_kind"] == "guardrail_stopped"
    assert len(await waiting(stack, admin, "retirement_action")) == 1
    assert is_problem(await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "x"}), 403, f"{V2}EXPIRED")
    until = moment(clock.now + timedelta(hours=24))
    status, answer = await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/extend", {"expires_at": until})
    assert (status, answer["automation"]["status"], answer["automation"]["expires_at"]) == (200, "active", until)
    told = await governance(stack, admin, id)
    assert (told["expired_at"], told["paused_for_lifecycle"], told["review_required"]) == (None, False, False)
    assert await waiting(stack, admin, "retirement_action") == []
    past = {"expires_at": moment(clock.now)}
    assert (await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/extend", past))[0] == 422


async def test_retiring_and_bringing_back(stack: Stack, admin: Key, carol: Key) -> None:
    id = await created(stack)
    refused = await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/retire", {})
    assert is_problem(refused, 403, "AUTOMATION_GOVERNANCE_RETIRE_FORBIDDEN")
    alice = await stack.key(KeyKind.OPERATOR, "U0ALICE")
    status, answer = await stack.signed(alice, "POST", f"{AUTOMATIONS}/{id}/retire", {"reason": "done"})
    assert (status, answer["automation"]["status"]) == (200, "paused")
    told = await governance(stack, admin, id)
    assert (told["review_kind"], told["retire_reason"], told["review_required"]) == ("retired", "done", False)
    assert is_problem(await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "x"}), 403, f"{V2}RETIRED")
    assert is_problem(await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/resume"), 409, f"{V2}RETIRED")
    refused = await stack.call("POST", f"{AUTOMATIONS}/{id}/extend", {})
    assert is_problem(refused, 403, "AUTOMATION_GOVERNANCE_EXTEND_FORBIDDEN")
    status, answer = await stack.signed(alice, "POST", f"{AUTOMATIONS}/{id}/extend", {})
    assert (status, answer["automation"]["status"]) == (200, "active")
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201


async def test_revoking_a_grant_pauses_at_once_and_has_a_way_out(
    stack: Stack, admin: Key, carol: Key, stranger: str
) -> None:
    id = await created_by(stack, carol, agents=["deployer"])
    grants = f"{AUTOMATIONS}/{id}/grants"
    refused = await stack.signed(carol, "POST", grants, {"granted_to_agent_id": "stranger"})
    assert is_problem(refused, 403, "AUTOMATION_GOVERNANCE_GRANT_FORBIDDEN")
    assert is_problem(await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "x"}, secret=stranger),
                      403, f"{V2}MODIFY_FORBIDDEN")  # fmt: skip
    status, answer = await stack.signed(admin, "POST", grants, {"granted_to_agent_id": "stranger", "reason": "helps"})
    assert (status, answer["grant"]["live"]) == (201, True)
    assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "x"}, secret=stranger))[0] == 200
    denied = await stack.call("DELETE", f"{AUTOMATIONS}/{id}", {}, secret=stranger)
    assert is_problem(denied, 403, f"{V2}DELETE_HUMAN_CREATED_DENIED")
    run_id = (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs", secret=stranger))[1]["run"]["id"]

    gone = f"{grants}/{answer['grant']['id']}"
    status, answer = await stack.signed(admin, "DELETE", gone, {"reason": "enough"})
    assert (status, answer["grant"]["live"], answer["grant"]["revoke_reason"]) == (200, False, "enough")
    assert (await stack.signed(admin, "DELETE", gone, {"reason": "again"}))[1]["grant"]["revoke_reason"] == "enough"
    told = await governance(stack, admin, id)
    assert (told["status"], told["review_kind"], told["paused_for_lifecycle"]) == ("paused", "dependency_revoked", True)
    paused = (await stack.call("GET", f"{API}/runs/{run_id}"))[1]["run"]
    assert (paused["status"], paused["stop_kind"], paused["detail"]) == ("paused", "guardrail_stopped", "enough")
    assert is_problem(await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/resume"), 409, f"{V2}REVIEW_REQUIRED")
    (asked,) = await waiting(stack, admin, "lifecycle_review")
    assert asked["context"]["trigger"] == "dependency_revoked"
    assert await approve(stack, admin, asked["approval_id"]) == 200
    told = await governance(stack, admin, id)
    assert (told["review_required"], told["review_kind"], told["paused_for_lifecycle"]) == (False, None, True)
    assert (await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/resume"))[1]["automation"]["status"] == "active"
    assert (await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201


async def test_a_grant_ends_after_eight_hours_unless_told_otherwise(
    stack: Stack, admin: Key, carol: Key, stranger: str, clock: Clock
) -> None:
    id = await created_by(stack, carol)
    await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/grants", {"granted_to_agent_id": "stranger"})
    clock.forward(hours=7, minutes=59)
    assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "x"}, secret=stranger))[0] == 200
    clock.forward(minutes=1)
    late = await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"name": "y"}, secret=stranger)
    assert is_problem(late, 403, f"{V2}MODIFY_FORBIDDEN")
    await tick(stack)
    (told,) = (await stack.signed(admin, "GET", f"{AUTOMATIONS}/{id}/grants"))[1]["items"]
    assert (told["live"], told["revoke_reason"]) == (False, "expired")
    assert (await governance(stack, admin, id))["status"] == "active"


async def test_narrowing_pauses_and_widening_does_not(stack: Stack, admin: Key) -> None:
    id = await created(stack, tools=["deploy.*", "note.auto"], agents=["deployer"])
    run_id = (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    assert (await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"tools": None}))[1]["automation"]["status"] == "active"
    status, answer = await stack.call("PATCH", f"{AUTOMATIONS}/{id}", {"tools": ["note.auto"]})
    assert (status, answer["automation"]["status"]) == (200, "paused")
    assert "narrowed" in (await stack.call("GET", f"{API}/runs/{run_id}"))[1]["run"]["detail"]
    assert (await governance(stack, admin, id))["review_kind"] == "dependency_revoked"


async def test_what_a_person_paused_only_people_resume(stack: Stack, admin: Key) -> None:
    id = await created(stack)
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/pause"))[1]["automation"]["status"] == "paused"
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/resume"))[1]["automation"]["status"] == "active"
    run_id = (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    await stack.call("POST", f"{AUTOMATIONS}/{id}/pause")
    await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/pause", {"reason": "not tonight"})
    refused = await stack.call("POST", f"{AUTOMATIONS}/{id}/resume")
    assert is_problem(refused, 403, f"{V2}PAUSED_BY_PERSON")
    assert is_problem(await stack.call("PATCH", f"{API}/runs/{run_id}", {"status": "running"}), 409, f"{V2}NOT_ACTIVE")
    assert (await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/resume"))[1]["automation"]["status"] == "active"
    assert (await stack.call("PATCH", f"{API}/runs/{run_id}", {"status": "running"}))[0] == 200


async def test_deleting_restoring_and_purging(stack: Stack, admin: Key, carol: Key, clock: Clock) -> None:
    """closes automation-governance 12"""
    id = await created(stack)
    run_id = (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    assert (await stack.call("DELETE", f"{AUTOMATIONS}/{id}"))[0] == 200
    assert is_problem(await stack.call("GET", f"{AUTOMATIONS}/{id}"), 404, "AUTOMATION_GOVERNANCE_NOT_FOUND")
    refused = await stack.signed(carol, "POST", f"{AUTOMATIONS}/{id}/restore")
    assert is_problem(refused, 403, "AUTOMATION_GOVERNANCE_RESTORE_FORBIDDEN")
    assert (await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/restore"))[1]["automation"]["status"] == "active"
    assert (await stack.call("GET", f"{API}/runs/{run_id}"))[1]["run"]["status"] == "cancelled"
    assert is_problem(await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/restore"),
                      404, "AUTOMATION_GOVERNANCE_RESTORE_NOT_FOUND")  # fmt: skip
    await stack.call("DELETE", f"{AUTOMATIONS}/{id}")
    clock.forward(days=7)
    late = await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/restore")
    assert is_problem(late, 404, "AUTOMATION_GOVERNANCE_RESTORE_NOT_FOUND")
    await tick(stack)
    assert await rows(stack.database, Automation) == []


async def test_creating_and_deleting_does_not_get_around_the_daily_quota(stack: Stack, admin: Key) -> None:
    """closes automation-governance 11"""
    for n in range(10):
        id = await created(stack)
        await stack.call("DELETE", f"{AUTOMATIONS}/{id}")
        if n == 4:
            (asked,) = await waiting(stack, admin, "lifecycle_review")
            await approve(stack, admin, asked["approval_id"])
    (asked,) = await waiting(stack, admin, "lifecycle_review")
    await approve(stack, admin, asked["approval_id"])
    refused = await stack.call("POST", AUTOMATIONS, NIGHTLY)
    assert is_problem(refused, 429, f"{V2}AGENT_DAILY_QUOTA_EXCEEDED")


async def test_health_is_looked_at_once_for_the_same_finding(stack: Stack, admin: Key, clock: Clock) -> None:
    id = await created(stack)
    for status in ("failed", "failed", "failed", "completed", "blocked"):
        await run(stack, id, status, outputs={"n": 1})
    await tick(stack)
    told = await governance(stack, admin, id)
    assert (told["review_kind"], told["creation_paused"]) == ("health_drift", True)
    (found,) = told["health_findings"]
    assert (found["summary"], found["severity"]) == ("high failure rate", "critical")
    assert is_problem(await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"), 409, f"{V2}REVIEW_REQUIRED")
    clock.forward(hours=7)
    await tick(stack)
    again = await governance(stack, admin, id)
    assert again["review_request_id"] == told["review_request_id"]
    assert len(await waiting(stack, admin, "lifecycle_review")) == 1
    assert await approve(stack, admin, told["review_request_id"]) == 200
    await run(stack, id, outputs={"n": 1})
    await tick(stack)
    assert (await governance(stack, admin, id))["health_findings"] == []


async def test_an_empty_run_is_a_finding_and_stops_nothing(stack: Stack, admin: Key) -> None:
    id = await created(stack)
    await run(stack, id)
    await tick(stack)
    told = await governance(stack, admin, id)
    assert (told["review_required"], told["health_findings"][0]["summary"]) == (True, "empty outputs")
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201


async def test_warnings_come_a_week_a_day_and_an_hour_before_and_stop_nothing(stack: Stack, clock: Clock) -> None:
    id = await created(stack, expires_at=moment(clock.now + timedelta(days=30)))
    said = []
    for hours in (22 * 24, 24, 6 * 24, 23, 1):
        clock.forward(hours=hours)
        await tick(stack)
        (row,) = await rows(stack.database, Automation)
        said.append((row.expiry_warned, row.status))
    assert said == [(0, "active"), (1, "active"), (2, "active"), (3, "active"), (3, "paused")]
    asked = [one for one in await rows(stack.database, ApprovalRequest) if one.target_id == id]
    assert {one.request_type for one in asked} == {RequestType.RETIREMENT_ACTION}


async def test_lists_have_pages(stack: Stack, admin: Key) -> None:
    made = [await created_by(stack, admin, name=f"n{n}") for n in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        _, answer = await stack.signed(admin, "GET", f"{AUTOMATIONS}?limit=2{cursor and f'&cursor={cursor}'}")
        found += [one["id"] for one in answer["items"]]
        cursor = answer["next_cursor"]
    assert found == made[::-1]
