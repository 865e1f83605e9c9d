"""What an agent is answered: a status and one word to act on, for its own proposals and nobody else's."""

import asyncio
from typing import Any

import pytest

from storage.tables import AuditEntry, KeyKind, Proposal
from tests.integration.calls import API, is_problem
from tests.integration.verbs import count, rows
from tests.stack import Stack


@pytest.mark.parametrize(
    ("tool", "more", "status", "state"),
    [
        ("deploy.production", {}, 202, "pending"),
        ("hint.it", {}, 201, "suggested"),
        ("dry.run", {}, 201, "shadowed"),
        ("note.auto", {}, 201, "allowed"),
        ("drop.database", {}, 403, "denied"),
        ("deploy.production", {"arguments": {}}, 422, "denied"),
        ("deploy.production", {"on_behalf_of": "U0MALLORY"}, 403, "denied"),
        ("deploy.production", {"thread": {"channel": "C0SECRET", "thread_ts": "1.2"}}, 403, "denied"),
    ],
)
async def test_a_proposal_is_answered_by_what_became_of_it(
    stack: Stack, tool: str, more: dict[str, Any], status: int, state: str
) -> None:
    found, told = await stack.propose(tool, **more)
    assert (found, told.get("state") or told["details"]["state"]) == (status, state)
    (row,) = await rows(stack.database, Proposal)
    assert row.id == (told.get("proposal_id") or told["details"]["proposal_id"])
    assert row.state in (state, "succeeded")


@pytest.mark.parametrize(
    ("tool", "more", "code", "why"),
    [
        ("drop.database", {}, "ALWAYS_BLOCK", "always blocked"),
        ("deploy.production", {"on_behalf_of": "U0MALLORY"}, "UNKNOWN_REQUESTER", "U0MALLORY"),
        ("deploy.production", {"thread": {"channel": "C0SECRET", "thread_ts": "1.2"}}, "UNKNOWN_CHANNEL", "C0SECRET"),
    ],
)
async def test_a_denial_says_why_in_a_code_and_a_sentence(
    stack: Stack, tool: str, more: dict[str, Any], code: str, why: str
) -> None:
    answer = await stack.propose(tool, **more)
    assert is_problem(answer, 403, code)
    assert why in answer[1]["error"]


async def test_missing_scopes_are_named(stack: Stack) -> None:
    """closes governed-proposals 18"""
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    answer = await stack.call(
        "POST", f"{API}/proposals", {"tool": "deploy.production", "arguments": {"service": "x"}}, secret=secret
    )
    assert is_problem(answer, 403, "SCOPE_INVALID")
    assert answer[1]["details"]["missing_scopes"] == ["deploy"]


async def test_an_unknown_tool_leaves_no_row_but_an_entry_in_the_record(stack: Stack) -> None:
    """closes autonomy-and-trust 3; l1-l2-l3-enforcement 12"""
    for tool in ("deploy.Production", "nothing", "\u0000", "<!channel>"):
        answer = await stack.propose(tool, arguments={"anything": True})
        assert is_problem(answer, 404, "UNSUPPORTED")
        assert answer[1]["details"] == {"tool": tool}
    assert await count(stack.database, Proposal) == 0
    assert await count(stack.database, AuditEntry, kind="proposal.unsupported", actor="agent:deployer") == 4


async def test_a_repeated_call_is_answered_as_the_duplicate_it_is(stack: Stack) -> None:
    _, first = await stack.propose(idempotency_key="k1")
    status, again = await stack.propose(idempotency_key="k1")
    assert (status, again["duplicate"], again["proposal_id"]) == (200, True, first["proposal_id"])
    other = await stack.propose(idempotency_key="k1", arguments={"service": "billing"})
    assert is_problem(other, 409, "IDEMPOTENCY_CONFLICT")
    assert other[1]["details"] == {"proposal_id": first["proposal_id"]}


async def test_a_proposal_read_later_says_the_same_as_its_answer(stack: Stack) -> None:
    _, told = await stack.propose(rationale="the fix is reviewed")
    assert await stack.call("GET", f"{API}/proposals/{told['proposal_id']}") == (200, told)
    _, approval = await stack.call("GET", f"{API}/approvals/{told['approval']['id']}")
    assert (approval["proposal_id"], approval["status"]) == (told["proposal_id"], "pending")
    assert (approval["rationale"], approval["reviewers"]) == ("the fix is reviewed", ["U0BOB", "U0CAROL"])


async def test_whoever_waits_is_answered_when_the_call_has_ended(stack: Stack) -> None:
    waiting = asyncio.create_task(stack.propose(wait=60))
    await stack.card("checkout")
    (row,) = await rows(stack.database, Proposal)
    reading = asyncio.create_task(stack.settled(row.id, 60))
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    _, body = await stack.call("GET", f"{API}/proposals/{row.id}")
    await stack.signed(bob, "POST", f"{API}/approvals/{body['approval']['id']}", {"decision": "approve"})
    status, told = await waiting
    assert (status, told["state"], told["execution"]["result"]) == (201, "succeeded", {"done": True, "n": 1})
    assert (await reading)["state"] == "succeeded"


async def test_whoever_waits_in_vain_is_told_that_it_is_still_pending(stack: Stack) -> None:
    status, told = await stack.propose(wait=0.1)
    assert (status, told["state"]) == (202, "pending")


async def test_the_events_of_a_proposal_come_in_their_order(stack: Stack) -> None:
    _, told = await stack.propose()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{told['approval']['id']}", {"decision": "approve"})
    await stack.settled(told["proposal_id"])
    _, events = await stack.call("GET", f"{API}/proposals/{told['proposal_id']}/events")
    assert [(one["event"], one["actor"]) for one in events["items"]] == [
        ("proposal.pending", "agent:deployer"),
        ("approval.decided", "person:U0BOB"),
        ("execution.started", "system"),
        ("execution.finished", "system"),
    ]


async def test_secrets_stay_out_of_every_answer(stack: Stack) -> None:
    """closes governed-proposals 19; autonomy-and-trust 12"""
    _, told = await stack.propose(arguments={"service": "checkout", "token": "s3cret-value"})
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{told['approval']['id']}"
    answers = [told, (await stack.call("GET", path))[1], (await stack.signed(bob, "GET", path))[1]]
    answers += [
        (await stack.signed(bob, "POST", path, {"decision": "approve"}))[1],
        await stack.settled(told["proposal_id"]),
    ]
    answers += [(await stack.call("GET", f"{API}/proposals/{told['proposal_id']}/events"))[1]]
    assert "s3cret-value" not in str(answers)
    assert stack.service.calls[0].body["arguments"]["token"] == "s3cret-value"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/proposals/{proposal}"), ("GET", "/proposals/{proposal}/events"), ("DELETE", "/proposals/{proposal}"),
     ("GET", "/approvals/{approval}")],
)  # fmt: skip
async def test_what_belongs_to_another_agent_is_as_good_as_unknown(stack: Stack, method: str, path: str) -> None:
    """closes l1-l2-l3-enforcement 16"""
    _, told = await stack.propose()
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    mine = path.format(proposal=told["proposal_id"], approval=told["approval"]["id"])
    unknown = path.format(proposal="prp_" + "0" * 32, approval="apr_" + "0" * 32)
    theirs = await stack.call(method, API + mine, secret=secret)
    assert theirs == await stack.call(method, API + unknown, secret=secret)
    assert is_problem(theirs, 404, "NOT_FOUND")
    assert (await stack.call("GET", f"{API}/proposals/{told['proposal_id']}"))[1]["state"] == "pending"


async def test_an_agent_lists_its_own_requests_only(stack: Stack) -> None:
    await stack.propose()
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    assert (await stack.call("GET", f"{API}/approvals", secret=secret))[1] == {"items": [], "next_cursor": None}
    assert len((await stack.call("GET", f"{API}/approvals"))[1]["items"]) == 1


async def withdraw(stack: Stack, told: dict[str, Any], **body: Any) -> tuple[int, Any]:
    return await stack.call("DELETE", f"{API}/proposals/{told['proposal_id']}", body or None)


async def test_a_proposal_can_be_withdrawn_and_again_is_fine(stack: Stack) -> None:
    """closes governed-proposals 15"""
    _, told = await stack.propose()
    for _ in range(2):
        status, withdrawn = await withdraw(stack, told, reason="obsolete")
        assert (status, withdrawn["state"], withdrawn["approval"]["status"]) == (200, "withdrawn", "withdrawn")
        assert withdrawn["approval"]["decision"] is None
    assert await count(stack.database, AuditEntry, kind="approval.withdrawn") == 1


async def test_a_decided_proposal_can_no_longer_be_withdrawn(stack: Stack) -> None:
    _, told = await stack.propose()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    decision = {"decision": "deny", "reason": "no"}
    await stack.signed(bob, "POST", f"{API}/approvals/{told['approval']['id']}", decision)
    answer = await withdraw(stack, told)
    assert is_problem(answer, 409, "ALREADY_DECIDED")
    assert answer[1]["details"]["winner"]["by"] == "U0BOB"


async def test_what_ran_unasked_can_no_longer_be_withdrawn(stack: Stack) -> None:
    _, told = await stack.propose("note.auto", wait=30)
    assert is_problem(await withdraw(stack, told), 409, "ALREADY_DECIDED")
