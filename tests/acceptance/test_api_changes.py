"""Delegating and editing by a signed call: the same rules as in Slack, and what every caller reads afterwards."""

from typing import Any

import pytest

from governance.secret_fields import MASK
from storage.tables import KeyKind
from tests.integration.calls import API, Key, is_problem, waiting_for
from tests.stack import Stack


async def approval(stack: Stack, request: str) -> Any:
    return (await stack.call("GET", f"{API}/approvals/{request}"))[1]


async def test_a_place_is_handed_on_and_everybody_reads_it(stack: Stack, bob: Key) -> None:
    request = await waiting_for(stack)
    body = {"to": "U0ADMIN", "reason": "on leave"}
    status, told = await stack.signed(bob, "POST", f"{API}/approvals/{request}/delegate", body)
    assert status == 200
    assert [(one["by"], one["to"]) for one in told["delegations"]] == [("U0BOB", "U0ADMIN")]
    dana = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    status, told = await stack.signed(dana, "POST", f"{API}/approvals/{request}", {"decision": "approve"})
    assert (status, told["status"]) == (200, "approved")
    assert [(one["by"], one["on_behalf_of"]) for one in told["reviews"]] == [("U0ADMIN", "U0BOB")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"to": "U0MALLORY"}, 422, "UNPROCESSABLE"),
        ({"to": "U0GUEST"}, 422, "UNPROCESSABLE"),
        ({"to": "U0NOBODY"}, 422, "UNPROCESSABLE"),
        ({"to": "S0ONCALL"}, 422, "INVALID_BODY"),
        ({}, 422, "INVALID_BODY"),
        ({"to": "U0ADMIN", "place": "U0CAROL"}, 422, "INVALID_BODY"),
    ],
)
async def test_a_place_goes_to_nobody_who_may_not_decide(
    stack: Stack, bob: Key, body: dict[str, str], status: int, code: str
) -> None:
    request = await waiting_for(stack)
    answer = await stack.signed(bob, "POST", f"{API}/approvals/{request}/delegate", body)
    assert is_problem(answer, status, code)
    assert (await approval(stack, request))["delegations"] == []


async def test_an_edit_names_what_was_seen_and_is_read_by_the_agent(stack: Stack, bob: Key) -> None:
    _, proposed = await stack.propose(arguments={"service": "checkout", "token": "tok-1"})
    request, path = proposed["approval"]["id"], f"{API}/approvals/{proposed['approval']['id']}/edit"
    body = {"arguments": {"service": "search", "token": MASK}, "digest": proposed["digest"], "reason": "wrong one"}
    status, told = await stack.signed(bob, "POST", path, body)
    assert (status, told["version"], told["edited_by"]) == (200, 2, "U0BOB")
    assert told["proposed_arguments"] == {"service": "checkout", "token": MASK}
    assert told["arguments"] == {"service": "search", "token": MASK}
    assert is_problem(await stack.signed(bob, "POST", path, body), 409, "ARGUMENTS_CHANGED")
    answer = await stack.signed(bob, "POST", f"{API}/approvals/{request}",
                                {"decision": "approve", "digest": told["digest"]})  # fmt: skip
    assert is_problem(answer, 403, "SELF_REVIEW")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    decide = f"{API}/approvals/{request}"
    assert is_problem(await stack.signed(carol, "POST", decide, {"decision": "approve"}), 409, "ARGUMENTS_CHANGED")
    assert (await stack.signed(carol, "POST", decide, {"decision": "approve", "digest": told["digest"]}))[0] == 200
    settled = await stack.settled(proposed["proposal_id"])
    assert (settled["edited"], settled["arguments"]) == (True, {"service": "search", "token": MASK})
    assert [one.body["arguments"] for one in stack.service.calls] == [{"service": "search", "token": "tok-1"}]


async def test_a_proposal_nobody_edited_says_nothing_of_edits(stack: Stack) -> None:
    _, proposed = await stack.propose()
    assert "edited" not in proposed
    assert "arguments" not in proposed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"arguments": {"service": "search"}}, "INVALID_BODY"),
        ({"arguments": ["x"]}, "INVALID_BODY"),
        ({"arguments": {"service": 7}}, "UNPROCESSABLE"),
        ({"arguments": {"service": "checkout"}}, "UNPROCESSABLE"),
    ],
)
async def test_an_edit_that_cannot_be_is_refused(stack: Stack, bob: Key, body: dict[str, Any], code: str) -> None:
    _, proposed = await stack.propose()
    digest = {"digest": proposed["digest"]} if code == "UNPROCESSABLE" else {}
    answer = await stack.signed(bob, "POST", f"{API}/approvals/{proposed['approval']['id']}/edit", {**body, **digest})
    assert is_problem(answer, 422, code)


async def test_a_large_edit_is_checked_against_the_schema_too(stack: Stack, bob: Key) -> None:
    _, proposed = await stack.propose()
    path = f"{API}/approvals/{proposed['approval']['id']}/edit"
    large = {"service": "search", "note": "x" * 100_000}
    body = {"arguments": {**large, "more": 1}, "digest": proposed["digest"]}
    assert is_problem(await stack.signed(bob, "POST", path, body), 422, "UNPROCESSABLE")
    status, told = await stack.signed(bob, "POST", path, {"arguments": large, "digest": proposed["digest"]})
    assert (status, told["arguments"]) == (200, large)
    await stack.shown("C0APPROVALS", (await stack.card("checkout")).ts, "Arguments edited")


@pytest.mark.parametrize("verb", ["delegate", "edit"])
async def test_agents_strangers_and_unknown_ids_change_nothing(stack: Stack, bob: Key, verb: str) -> None:
    request = await waiting_for(stack)
    digest = (await approval(stack, request))["digest"]
    body = {"to": "U0ADMIN"} if verb == "delegate" else {"arguments": {"service": "search"}, "digest": digest}
    assert is_problem(await stack.call("POST", f"{API}/approvals/{request}/{verb}", body), 401, "UNAUTHENTICATED")
    mallory = await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    answer = await stack.signed(mallory, "POST", f"{API}/approvals/{request}/{verb}", body)
    assert is_problem(answer, 403, "NOT_A_REVIEWER")
    for unknown in ("apr_unknown", "%00", "é"):
        answer = await stack.signed(bob, "POST", f"{API}/approvals/{unknown}/{verb}".replace("é", "%C3%A9"), body)
        assert is_problem(answer, 404, "NOT_FOUND")
