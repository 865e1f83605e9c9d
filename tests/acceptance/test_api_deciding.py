"""Deciding by a signed call: the same people, the same rules, and the same truth on the card as by a click."""

import asyncio
import json
from typing import Any

import pytest

from storage.database import utc_now
from storage.dossier import dossier
from storage.tables import Execution, KeyKind, Review
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem, send, signed_headers, waiting_for
from tests.integration.verbs import TENANT, count, say, sql
from tests.policies import tool
from tests.stack import Stack

EXTRA = tool("deploy.anyone", reviewers='["U0BOB", "U0CAROL", "U0GUEST", "U0NOBODY", "U0MALLORY"]')


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "extra": EXTRA}


async def decide(stack: Stack, key: Key, request: str, decision: str = "approve", **more: Any) -> tuple[int, Any]:
    return await stack.signed(key, "POST", f"{API}/approvals/{request}", {"decision": decision, **more})


async def test_a_signed_decision_counts_as_that_persons_review_and_the_card_says_so(stack: Stack, bob: Key) -> None:
    """closes governed-proposals 20"""
    stack.database.clock = utc_now  # two drawings of one card take turns, and whoever waits needs time to go by
    request = await waiting_for(stack)
    card = await stack.card("checkout")
    status, told = await decide(stack, bob, request)
    assert (status, told["status"], told["decision"]["by"]) == (200, "approved", "U0BOB")
    assert [(one["by"], one["verdict"], one["via"]) for one in told["reviews"]] == [("U0BOB", "approve", "api")]
    shown = await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    assert "Approved* by <@U0BOB>" in json.dumps(shown.blocks, ensure_ascii=False)
    assert "card.approve" not in json.dumps(shown.blocks)


@pytest.mark.parametrize("word", ["reject", "deny"])
async def test_deny_is_another_word_for_reject(stack: Stack, bob: Key, word: str) -> None:
    request = await waiting_for(stack)
    status, told = await decide(stack, bob, request, word, reason="not today")
    assert (status, told["status"]) == (200, "rejected")
    assert (told["decision"]["verdict"], told["decision"]["reason"]) == ("rejected", "not today")
    assert told["decision"]["reason_is_untrusted"] is True


async def test_the_same_verdict_again_is_fine_and_a_contrary_one_is_told_who_won(stack: Stack, bob: Key) -> None:
    request = await waiting_for(stack)
    await decide(stack, bob, request)
    assert (await decide(stack, bob, request))[0] == 200
    answer = await decide(stack, bob, request, "reject", reason="no")
    assert is_problem(answer, 409, "ALREADY_DECIDED")
    winner = answer[1]["details"]["winner"]
    assert (winner["by"], winner["verdict"]) == ("U0BOB", "approved")
    assert await count(stack.database, Review) == 1


async def test_of_two_who_decide_at_the_same_instant_one_is_told_that_the_other_was_first(
    stack: Stack, bob: Key
) -> None:
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    request = await waiting_for(stack)
    answers = await asyncio.gather(decide(stack, bob, request), decide(stack, carol, request, "reject", reason="no"))
    assert sorted(status for status, _ in answers) == [200, 409]
    (settled,) = (body for status, body in answers if status == 200)
    (loser,) = (body for status, body in answers if status == 409)
    assert loser["details"]["winner"]["by"] == settled["decision"]["by"]
    assert await count(stack.database, Execution) == (settled["status"] == "approved")


@pytest.mark.parametrize("person", ["U0ALICE", "U0ADMIN", "U0MALLORY"])
async def test_who_is_not_a_reviewer_is_told_who_is(stack: Stack, person: str) -> None:
    key = await stack.key(KeyKind.OPERATOR, person)
    answer = await decide(stack, key, await waiting_for(stack))
    assert is_problem(answer, 403, "NOT_A_REVIEWER")
    assert answer[1]["details"]["reviewers"] == ["U0BOB", "U0CAROL"]
    assert await count(stack.database, Review) == 0


async def test_the_requester_cannot_countersign_over_the_api_either(stack: Stack) -> None:
    """closes approval-api 5"""
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    answer = await decide(stack, carol, await waiting_for(stack, on_behalf_of="U0CAROL"))
    assert is_problem(answer, 403, "SELF_REVIEW")
    assert answer[1]["details"]["reviewers"] == ["U0BOB"]


async def test_membership_of_a_user_group_is_asked_of_slack(stack: Stack, bob: Key) -> None:
    alice = await stack.key(KeyKind.OPERATOR, "U0ALICE")
    request = await waiting_for(stack, "deploy.group")
    assert is_problem(await decide(stack, alice, request), 403, "NOT_A_REVIEWER")
    assert (await decide(stack, bob, request))[0] == 200


@pytest.mark.parametrize(
    ("person", "change"),
    [
        ("U0GUEST", {}),
        ("U0NOBODY", {}),
        ("U0BOB", {"deleted": True}),
        ("U0BOB", {"is_ultra_restricted": True}),
        ("U0BOB", {"is_stranger": True}),
        ("U0BOB", {"team_id": "T0OTHER"}),
        ("U0BOB", {"is_bot": True}),
    ],
    ids=["a guest", "nobody", "deactivated", "a single-channel guest", "a stranger", "of another team", "a bot"],
)
async def test_guests_strangers_and_people_who_left_cannot_decide_though_the_policy_names_them(
    stack: Stack, person: str, change: dict[str, Any]
) -> None:
    """closes autonomy-and-trust 8; l1-l2-l3-enforcement 16"""
    if change:
        await stack.slack.seat.happenings.person_changed(person, **change)
    key = await stack.key(KeyKind.OPERATOR, person)
    answer = await decide(stack, key, await waiting_for(stack, "deploy.anyone"))
    assert is_problem(answer, 403, "NOT_A_MEMBER")
    assert await count(stack.database, Review) == 0


@pytest.mark.parametrize("change", [{"deleted": True}, {"is_restricted": True}], ids=["deactivated", "made a guest"])
async def test_an_approval_of_somebody_who_has_left_since_no_longer_counts(
    stack: Stack, change: dict[str, Any]
) -> None:
    """closes slack-approval-bots 15"""
    _, proposed = await stack.propose("deploy.two")
    async with stack.database.read(TENANT) as tx:
        found = await dossier(tx, proposed["proposal_id"])
    assert found is not None
    await say(stack.database, found, "U0BOB")
    await stack.slack.seat.happenings.person_changed("U0BOB", **change)
    carol, alice = [await stack.key(KeyKind.OPERATOR, one) for one in ("U0CAROL", "U0ALICE")]
    assert (await decide(stack, carol, proposed["approval"]["id"]))[1]["status"] == "pending"
    assert await count(stack.database, Execution) == 0
    assert (await decide(stack, alice, proposed["approval"]["id"]))[1]["status"] == "approved"


@pytest.mark.parametrize("fault", ["503", "drop", "token_revoked", "ratelimited"])
async def test_while_slack_cannot_be_asked_only_offline_deciders_may_decide(stack: Stack, bob: Key, fault: str) -> None:
    text = stack.config.read_text().replace("[roles]\n", '[roles]\noffline_deciders = ["U0CAROL", "U0ALICE"]\n')
    stack.config.write_text(text)
    await stack.server.reload_policy()
    request = await waiting_for(stack)
    stack.slack.workspace.faults.add("users.info", fault, times=20)
    carol, alice = [await stack.key(KeyKind.OPERATOR, one) for one in ("U0CAROL", "U0ALICE")]
    assert is_problem(await decide(stack, bob, request), 503, "SLACK_UNREACHABLE")
    assert is_problem(await decide(stack, alice, request), 403, "NOT_A_REVIEWER")
    assert await count(stack.database, Review) == 0
    status, told = await decide(stack, carol, request)
    assert (status, told["decision"]["by"]) == (200, "U0CAROL")


async def test_once_slack_answers_again_everybody_decides_as_before(stack: Stack, bob: Key) -> None:
    request = await waiting_for(stack)
    stack.slack.workspace.faults.add("users.info", "503", times=50)
    assert (await decide(stack, bob, request))[0] == 503
    stack.slack.workspace.faults.clear()
    assert (await decide(stack, bob, request))[0] == 200


async def test_an_expired_request_is_refused_as_expired_and_nothing_runs(stack: Stack, bob: Key, clock: Clock) -> None:
    request = await waiting_for(stack)
    clock.forward(hours=48)
    assert is_problem(await decide(stack, bob, request), 409, "APPROVAL_EXPIRED")
    assert await count(stack.database, Execution) == 0


async def test_a_withdrawn_request_is_not_told_as_expired(stack: Stack, bob: Key) -> None:
    _, proposed = await stack.propose()
    await stack.call("DELETE", f"{API}/proposals/{proposed['proposal_id']}")
    answer = await decide(stack, bob, proposed["approval"]["id"])
    assert is_problem(answer, 409, "ALREADY_DECIDED")
    assert "withdrew" in answer[1]["error"]


async def test_a_request_put_off_over_the_api_reads_deferred_and_can_still_be_decided(
    stack: Stack, bob: Key, clock: Clock
) -> None:
    request = await waiting_for(stack)
    until = clock.now.replace(hour=18).isoformat().replace("+00:00", "Z")
    status, told = await decide(stack, bob, request, "defer", reason="after the release", until=until)
    assert (status, told["status"], told["decision"]) == (200, "deferred", None)
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    assert (await decide(stack, carol, request))[1]["status"] == "approved"


async def test_above_version_one_a_decision_must_carry_the_digest_it_is_about(stack: Stack, bob: Key) -> None:
    _, proposed = await stack.propose()
    request = proposed["approval"]["id"]
    await sql(stack.database, "UPDATE approval_requests SET version = 2")
    for more in ({}, {"digest": "sha256:" + "0" * 64}):
        assert is_problem(await decide(stack, bob, request, **more), 409, "ARGUMENTS_CHANGED")
    assert (await decide(stack, bob, request, digest=proposed["digest"]))[0] == 200


async def test_a_digest_of_something_else_is_refused_also_at_version_one(stack: Stack, bob: Key) -> None:
    answer = await decide(stack, bob, await waiting_for(stack), digest="sha256:" + "0" * 64)
    assert is_problem(answer, 409, "ARGUMENTS_CHANGED")


async def test_an_unknown_request_cannot_be_decided(stack: Stack, bob: Key) -> None:
    assert is_problem(await decide(stack, bob, "apr_" + "0" * 32), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH"])
async def test_nothing_but_a_post_decides(stack: Stack, bob: Key, method: str) -> None:
    """closes approval-api 2"""
    request, body = await waiting_for(stack), b'{"decision":"approve"}'
    for query in ("", "?decision=approve"):
        target = f"{API}/approvals/{request}{query}"
        headers = signed_headers(bob, method, target, body, at=stack.database.clock().timestamp())
        status, _ = await send(stack, method, target, headers, body)
        assert status == (200 if method == "GET" else 405)
    assert await count(stack.database, Review) == 0
