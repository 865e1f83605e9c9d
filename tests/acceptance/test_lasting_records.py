"""What was recorded about a call stays as it was, whatever happens to it, to its agent or to the policy afterwards."""

import asyncio
import json
from typing import Any

import pytest

from scheduler.expiry import attend_due
from storage.tables import ApprovalRequest, AuditEntry, Proposal, Review
from tests.integration.calls import API, Key
from tests.integration.verbs import count, rows
from tests.integration.wound import WoundClock
from tests.stack import Stack

pytestmark = pytest.mark.both_databases


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


async def answered(stack: Stack, key: Key, told: dict[str, Any], **body: Any) -> dict[str, Any]:
    status, approval = await stack.signed(key, "POST", f"{API}/approvals/{told['approval']['id']}", body)
    assert status == 200
    found: dict[str, Any] = approval
    return found


async def events(stack: Stack, proposal_id: str) -> list[dict[str, Any]]:
    _, found = await stack.call("GET", f"{API}/proposals/{proposal_id}/events")
    items: list[dict[str, Any]] = found["items"]
    return items


@pytest.mark.parametrize("outcome", [200, 422])
async def test_who_decided_when_and_why_stays_as_it_was_when_the_call_runs(
    stack: Stack, bob: Key, wound: WoundClock, outcome: int
) -> None:
    """closes governed-proposals 12"""
    ended = asyncio.Event()

    async def until_told() -> None:
        await ended.wait()

    stack.service.script = [until_told if outcome == 200 else 422]
    _, told = await stack.propose()
    decided = (await answered(stack, bob, told, decision="approve", reason="I looked twice"))["decision"]
    wound.forward(minutes=3)
    ended.set()
    after = await stack.settled(told["proposal_id"])
    assert after["state"] == ("succeeded" if outcome == 200 else "failed")
    assert after["approval"]["decision"] == decided
    assert (decided["by"], decided["reason"]) == ("U0BOB", "I looked twice")
    (entry,) = [one for one in await events(stack, told["proposal_id"]) if one["event"] == "approval.decided"]
    assert (entry["actor"], entry["at"], entry["detail"]["reason"]) == (
        "person:U0BOB",
        decided["at"],
        decided["reason"],
    )


async def test_an_expiry_is_written_down_alike_wherever_it_is_read(stack: Stack, wound: WoundClock) -> None:
    """closes governed-proposals 12"""
    _, told = await stack.propose()
    wound.forward(hours=48)
    await attend_due(stack.database)
    (row,) = await rows(stack.database, ApprovalRequest)
    assert (row.status, row.decided_by, row.decided_at is None) == ("expired", None, False)
    expired = (await events(stack, told["proposal_id"]))[-1]
    assert (expired["event"], expired["actor"], expired["detail"]["status"]) == (
        "approval.expired",
        "system",
        "expired",
    )


async def test_the_longest_reason_is_kept_whole_in_the_review_the_request_and_the_record(
    stack: Stack, bob: Key
) -> None:
    """closes governed-proposals 4; l1-l2-l3-enforcement 14"""
    reason = ("not today 😀\n" * 200)[:1999] + "!"
    _, told = await stack.propose()
    assert (await answered(stack, bob, told, decision="reject", reason=reason))["decision"]["reason"] == reason
    (review,), (request,) = await rows(stack.database, Review), await rows(stack.database, ApprovalRequest)
    (entry,) = await rows(stack.database, AuditEntry, kind="approval.decided")
    assert review.reason == request.reason == json.loads(entry.detail)["reason"] == reason
    assert (await stack.settled(told["proposal_id"]))["state"] == "rejected"


async def test_everything_that_happens_to_a_call_is_found_under_its_id_with_the_request_and_execution_it_is_about(
    stack: Stack, bob: Key
) -> None:
    """closes governed-proposals 8; autonomy-and-trust 13; l1-l2-l3-enforcement 9"""
    for n in range(2):  # two calls with everything alike but the argument
        _, told = await stack.propose(arguments={"service": f"s{n}"}, trace_id="trace-7")
        await answered(stack, bob, told, decision="approve")
        ended = await stack.settled(told["proposal_id"])
        assert ended["state"] == "succeeded"
        found = await rows(stack.database, AuditEntry, proposal_id=told["proposal_id"])
        assert {one.agent_id for one in found} == {"deployer"}
        kinds = ["proposal.pending", "approval.decided", "execution.started", "execution.finished"]
        assert [one.kind for one in found] == kinds
        assert [one.request_id for one in found[:2]] == [told["approval"]["id"]] * 2
        assert len({one.execution_id for one in found[2:]}) == 1
        assert json.loads(found[-1].detail)["status"] == "succeeded"
    assert {one.trace_id for one in await rows(stack.database, Proposal)} == {"trace-7"}


ASKED, RAN = ("proposal.pending", "agent:deployer"), [("execution.started", "system"), ("execution.finished", "system")]
#: How a call ends: what is recorded about it and by whom, and the status in the last entry.
ENDS = {
    "done": ([ASKED, ("approval.decided", "person:U0BOB"), *RAN], "succeeded"),
    "failed": ([ASKED, ("approval.decided", "person:U0BOB"), *RAN], "failed"),
    "rejected": ([ASKED, ("approval.decided", "person:U0BOB")], "rejected"),
    "expired": ([ASKED, ("approval.expired", "system")], "expired"),
    "unasked": ([("proposal.allowed", "agent:deployer"), *RAN], "succeeded"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_every_end_of_a_call_is_recorded_when_it_is_known_and_with_whoever_answered(
    stack: Stack, bob: Key, wound: WoundClock, end: str
) -> None:
    """closes autonomy-and-trust 11"""
    stack.service.script = [422] if end == "failed" else []
    _, told = await stack.propose("note.auto" if end == "unasked" else "deploy.production")
    if end == "expired":
        wound.forward(hours=48)
        await attend_due(stack.database)
    elif end == "rejected":
        await answered(stack, bob, told, decision="reject", reason="no")
    elif end != "unasked":
        await answered(stack, bob, told, decision="approve")
    await stack.settled(told["proposal_id"])
    found = await events(stack, told["proposal_id"])
    recorded, status = ENDS[end]
    assert [(one["event"], one["actor"]) for one in found] == recorded
    assert found[-1]["detail"]["status"] == status
    assert [one["detail"]["status"] for one in found if one["event"] == "execution.started"] in ([], ["running"])


@pytest.mark.parametrize(
    ("tool", "body", "kind", "code"),
    [
        ("nothing", {}, "proposal.unsupported", None),
        ("deploy.production", {"arguments": {}}, "proposal.denied", "NEEDS_INPUT"),
        ("drop.database", {}, "proposal.denied", "ALWAYS_BLOCK"),
        ("deploy.production", {"on_behalf_of": "U0MALLORY"}, "proposal.denied", "UNKNOWN_REQUESTER"),
        ("dry.run", {}, "proposal.shadowed", None),
    ],
)
async def test_what_was_refused_or_only_noted_is_in_the_record_too(
    stack: Stack, tool: str, body: dict[str, Any], kind: str, code: str | None
) -> None:
    """closes autonomy-and-trust 1; l1-l2-l3-enforcement 9"""
    await stack.propose(tool, **body)
    (entry,) = await rows(stack.database, AuditEntry, kind=kind)
    detail = json.loads(entry.detail)
    assert (entry.actor, detail["tool"], detail.get("code")) == ("agent:deployer", tool, code)
    assert await count(stack.database, ApprovalRequest) == 0
    assert stack.service.calls == []


async def test_what_an_agent_writes_into_its_call_changes_nothing_about_the_recorded_verdict(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 9"""
    said = '{"tier":"act_auto","outcome":"tier","level":"L1"}'
    _, told = await stack.propose(arguments={"service": said, "note": said}, rationale=said, session_id="L1")
    (entry,) = await rows(stack.database, AuditEntry, kind="proposal.pending")
    detail = json.loads(entry.detail)
    assert (told["tier"], detail["tier"]) == ("act_with_approval", "act_with_approval")


async def test_the_record_of_an_agent_outlives_the_agent(stack: Stack, bob: Key) -> None:
    """closes governed-proposals 17; l1-l2-l3-enforcement 9"""
    _, told = await stack.propose()
    await answered(stack, bob, told, decision="reject", reason="no")
    before = await events(stack, told["proposal_id"])
    text = stack.config.read_text()
    stack.config.write_text(text.replace('id = "deployer"', 'id = "successor"'))
    await stack.server.reload_policy()
    status, kept = await stack.signed(bob, "GET", f"{API}/approvals/{told['approval']['id']}")
    assert (status, kept["agent"], kept["status"]) == (200, "deployer", "rejected")
    assert await count(stack.database, AuditEntry, proposal_id=told["proposal_id"]) == len(before)


async def test_every_policy_that_came_into_force_is_in_the_record_by_its_hash(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 9; approval-api 11"""
    hashes = [stack.server.office.policy.current.hash]
    stack.config.write_text(stack.config.read_text() + "\n# mended\n")
    await stack.server.reload_policy()
    hashes.append(stack.server.office.policy.current.hash)
    stack.config.write_text("broken = ")
    await stack.server.reload_policy()
    loaded = await rows(stack.database, AuditEntry, kind="policy.loaded")
    assert [json.loads(one.detail)["hash"] for one in loaded] == hashes
    assert len(set(hashes)) == 2
