"""Two workspaces and one Countersign: what governs the agents of one is neither seen, nor moved, nor used up by the
other, over HTTP."""

from typing import Any

import pytest

from operations.keys import create_key
from storage.tables import ApprovalRequest, Automation, Grant, KeyKind, OwedReview, SpendStop
from tests.integration.calls import API, Key, is_problem, signed_headers
from tests.integration.verbs import rows
from tests.tenants import BLUE, RED, TenantAgent, Tenants

pytestmark = pytest.mark.both_databases

APPROVALS, AUTOMATIONS = "/governance/approvals", "/automations"


async def admin_of(place: Tenants, team: str) -> Key:
    """A key of U0ADMIN, who is an admin in either workspace; they are different people."""
    made = await place.database.write(team, lambda tx: create_key(tx, KeyKind.OPERATOR, "U0ADMIN"))
    return made[0].id, made[1]


async def signed(place: Tenants, key: Key, method: str, path: str, body: str = "") -> tuple[int, Any]:
    at = place.database.clock().timestamp()
    headers = signed_headers(key, method, API + path, body.encode(), at=at)
    async with place.session.request(method, place.url + API + path, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def created(agent: TenantAgent) -> str:
    status, answer = await agent.call("POST", AUTOMATIONS, {"name": "Nightly"})
    assert status == 201, answer
    id: str = answer["automation"]["id"]
    return id


async def test_what_governs_one_workspace_is_not_there_for_the_other(place: Tenants) -> None:
    """closes automation-governance 23"""
    red, blue = await place.agent(RED), await place.agent(BLUE)
    ours, theirs = await admin_of(place, RED), await admin_of(place, BLUE)
    id = await created(red)
    run = (await red.call("POST", f"{AUTOMATIONS}/{id}/runs"))[1]["run"]["id"]
    wanted = {
        "request_type": "external_post", "target_resource": {"type": "agent", "id": "red-bot"},
        "rationale": "needed", "context": {"text": "hello"},
    }  # fmt: skip
    filed = (await red.call("POST", APPROVALS, wanted))[1]["approval"]
    given = '{"granted_to_agent_id": "red-bot"}'
    grant = (await signed(place, ours, "POST", f"{AUTOMATIONS}/{id}/grants", given))[1]["grant"]["id"]
    assert (await signed(place, ours, "PATCH", "/governance/limits", '{"weekly_spend_cap_usd": "10"}'))[0] == 200
    spent = '{"report_id": "r1", "cost_usd": "12"}'
    assert (await signed(place, ours, "POST", "/agents/red-bot/spend/reports", spent))[0] == 201

    for path in (f"{AUTOMATIONS}/{id}", f"{AUTOMATIONS}/{id}/governance", f"{AUTOMATIONS}/{id}/grants"):
        for got in (await signed(place, theirs, "GET", path), await blue.call("GET", path)):
            assert is_problem(got, 404, "AUTOMATION_GOVERNANCE_NOT_FOUND")
    for method, path, code in (
        ("GET", f"/runs/{run}", "AUTOMATION_RUN_NOT_FOUND"),
        ("POST", f"{AUTOMATIONS}/{id}/retire", "AUTOMATION_GOVERNANCE_NOT_FOUND"),
        ("POST", f"{AUTOMATIONS}/{id}/restore", "AUTOMATION_GOVERNANCE_RESTORE_NOT_FOUND"),
        ("DELETE", f"/grants/{grant}", "AUTOMATION_GOVERNANCE_GRANT_NOT_FOUND"),
        ("POST", f"{APPROVALS}/{filed['approval_id']}/approve", "GOVERNANCE_APPROVAL_NOT_FOUND"),
        ("POST", f"{APPROVALS}/{filed['approval_id']}/deny", "GOVERNANCE_APPROVAL_NOT_FOUND"),
        ("GET", "/governance/agents/red-bot/spend", "AGENT_SPEND_NOT_FOUND"),
    ):  # fmt: skip
        body = '{"notes": "no"}' if path.endswith("deny") else "{}" if method != "GET" else ""
        assert is_problem(await signed(place, theirs, method, path, body), 404, code), path
    use = f"{APPROVALS}/{filed['approval_id']}/consume", {"digest": filed["digest"]}
    assert is_problem(await blue.call("POST", *use), 404, "GOVERNANCE_APPROVAL_NOT_FOUND")
    for path in (APPROVALS, "/governance/reviews", "/governance/spend"):
        assert (await signed(place, theirs, "GET", path))[1]["count"] == 0
    for path in (AUTOMATIONS, "/grants"):
        assert (await signed(place, theirs, "GET", path))[1]["items"] == []
    assert (await signed(place, theirs, "GET", "/governance/limits"))[1]["limits"]["weekly_spend_cap_usd"] == "none"

    assert is_problem(
        await red.call("POST", AUTOMATIONS, {"name": "More"}), 429, "AUTOMATION_V2_AGENT_SPEND_CAP_EXCEEDED"
    )
    await blue.call("POST", f"{AUTOMATIONS}/{await created(blue)}/runs")
    for table in (ApprovalRequest, Grant, SpendStop, OwedReview):
        assert {one.tenant for one in await rows(place.database, table)} <= {RED}
    assert {one.tenant for one in await rows(place.database, Automation)} == {RED, BLUE}
    asked = (await signed(place, ours, "GET", f"{APPROVALS}?status=pending"))[1]["approvals"]
    assert sorted(one["request_type"] for one in asked) == ["external_post", "quota_override"]
    for one in asked:
        decided = await signed(place, ours, "POST", f"{APPROVALS}/{one['approval_id']}/approve", '{"notes": "looked"}')
        assert decided[0] == 200, decided
    assert [one["status"] for one in (await red.call("GET", APPROVALS))[1]["approvals"]] == ["approved"]
    assert (await red.call("POST", *use))[0] == 200
