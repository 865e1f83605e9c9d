"""What waits for people: all of it is listed, whatever one of them is like, and an answer ends it for good."""

import json
from typing import Any

import pytest

from storage.tables import ApprovalRequest, KeyKind
from tests.integration.calls import API, is_problem
from tests.integration.verbs import count, sql
from tests.stack import Stack

pytestmark = pytest.mark.both_databases


async def listed(stack: Stack, query: str = "status=pending") -> list[dict[str, Any]]:
    admin = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    status, body = await stack.signed(admin, "GET", f"{API}/approvals?{query}")
    assert status == 200
    items: list[dict[str, Any]] = body["items"]
    return items


async def test_one_damaged_request_hides_no_other(stack: Stack) -> None:
    """closes autonomy-and-trust 20"""
    _, damaged = await stack.propose(arguments={"service": "damaged"})
    _, sound = await stack.propose(arguments={"service": "sound"})
    await stack.card("damaged")
    await stack.card("sound")
    statement = "UPDATE proposals SET arguments = '{', consequence = NULL WHERE id = :id"
    await sql(stack.database, statement, id=damaged["proposal_id"])
    found = {one["proposal_id"]: one["arguments"] for one in await listed(stack)}
    assert found == {sound["proposal_id"]: {"service": "sound"}, damaged["proposal_id"]: None}
    said = json.dumps([m.text for m in (await stack.slack.command("U0BOB", "/approvals", "pending")).ephemeral])
    assert said.count("Deploy to production") == 2
    await stack.slack.open_home("U0BOB")
    workspace = stack.slack.workspace
    home = await workspace.until(lambda: workspace.home("U0BOB"))
    assert json.dumps(home.blocks).count("Reject with a reason: Deploy to production") == 2
    assert json.dumps(home.blocks).count("Approve: Deploy to production") == 1  # not of what nobody can read
    await stack.slack.click("U0BOB", await stack.card("sound"), "Approve")
    assert (await stack.settled(sound["proposal_id"]))["state"] == "succeeded"


@pytest.mark.parametrize("decision", ["approve", "reject", "defer"])
async def test_an_answer_of_somebody_who_may_not_answer_leaves_the_request_in_every_list(
    stack: Stack, decision: str
) -> None:
    """closes autonomy-and-trust 17"""
    _, told = await stack.propose()
    mallory = await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    body = {"decision": decision, "reason": "no"}
    until = {"until": told["approval"]["expires_at"]} if decision == "defer" else {}
    answer = await stack.signed(mallory, "POST", f"{API}/approvals/{told['approval']['id']}", {**body, **until})
    assert is_problem(answer, 403, "NOT_A_REVIEWER")
    (found,) = await listed(stack)
    assert (found["id"], found["reviews"]) == (told["approval"]["id"], [])
    mine = await stack.slack.command("U0BOB", "/approvals", "mine")
    assert "Deploy to production" in mine.ephemeral[0].text


async def test_approving_a_suggestion_runs_it(stack: Stack) -> None:
    """closes autonomy-and-trust 14"""
    _, told = await stack.propose("hint.it")
    _, again = await stack.propose("hint.it")
    assert (told["state"], again["proposal_id"], again["duplicate"]) == ("suggested", told["proposal_id"], True)
    assert stack.service.calls == []
    card = await stack.card("checkout")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    ended = await stack.settled(told["proposal_id"])
    assert (ended["state"], stack.service.effects) == ("succeeded", 1)


async def test_a_rejected_call_that_is_retried_stays_rejected_and_asks_nobody(stack: Stack) -> None:
    """closes autonomy-and-trust 19; slack-approval-bots 21"""
    _, told = await stack.propose(idempotency_key="k1")
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{told['approval']['id']}"
    await stack.signed(bob, "POST", path, {"decision": "reject", "reason": "not on a Friday"})
    for _ in range(7):
        status, again = await stack.propose(idempotency_key="k1")
        assert (status, again["state"], again["proposal_id"]) == (200, "rejected", told["proposal_id"])
    assert again["approval"]["decision"]["reason"] == "not on a Friday"
    assert await count(stack.database, ApprovalRequest) == 1
    assert stack.service.calls == []


async def test_the_same_call_in_another_order_of_its_keys_is_the_same_call(stack: Stack) -> None:
    """closes governed-proposals 11; l1-l2-l3-enforcement 11"""
    sent = [
        b'{"tool":"deploy.production","arguments":{"service":"checkout","note":"1"}}',
        b'{"arguments":{"note":"\\u0031","service":"checkout"},"tool":"deploy.production"}',
    ]
    answers = [await stack.call("POST", f"{API}/proposals", raw=one) for one in sent]
    assert [status for status, _ in answers] == [202, 200]
    assert len({body["proposal_id"] for _, body in answers}) == 1
    assert await count(stack.database, ApprovalRequest) == 1


@pytest.mark.parametrize(
    "other",
    [{"on_behalf_of": "U0CAROL"}, {"thread": {"channel": "C0DEPLOYS", "thread_ts": "1.2"}}, {"session_id": "s1"}],
    ids=["for another person", "in another place", "in another session"],
)
async def test_the_same_words_for_somebody_or_somewhere_else_are_another_call(
    stack: Stack, other: dict[str, Any]
) -> None:
    _, first = await stack.propose()
    status, second = await stack.propose(**other)
    assert (status, second["duplicate"]) == (202, False)
    assert second["proposal_id"] != first["proposal_id"]
