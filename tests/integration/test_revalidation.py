"""What was allowed is asked of the live policy again before it starts, and people are told why it may not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.canonical import call_digest
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy, Tool
from governance.tiers import ApprovalMode, Risk, Tier
from storage.database import Database
from storage.tables import OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration.running import SILENT, approved, execution_of, worker
from tests.integration.verbs import asked, look, rows, say, sql

Status = ExecutionStatus


def with_tool(policy: Policy, **changes: object) -> Policy:
    tool: Tool = replace(policy.tools["deploy.production"], **changes)
    return replace(policy, tools={**policy.tools, tool.name: tool})


def with_agent(policy: Policy, **changes: object) -> Policy:
    agent = replace(policy.agents["deployer"], **changes)
    return replace(policy, agents={**policy.agents, "deployer": agent})


def without(policy: Policy, kind: str, name: str) -> Policy:
    return replace(policy, **{kind: {key: one for key, one in getattr(policy, kind).items() if key != name}})


BLOCK = ApprovalMode.ALWAYS_BLOCK
TIGHTENED: dict[str, tuple[Callable[[Policy], Policy], str]] = {
    "the agent left": (lambda p: without(p, "agents", "deployer"), "agent deployer is no longer in the policy"),
    "the tool left": (lambda p: without(p, "tools", "deploy.production"), "no longer in the policy"),
    "the tool changed": (lambda p: with_tool(p, version="another"), "tool deploy.production has changed since"),
    "more scopes are asked for": (lambda p: with_tool(p, scopes=frozenset({"deploy", "root"})), "lost the scope root"),
    "the agent lost a scope": (lambda p: with_agent(p, scopes=frozenset()), "lost the scope deploy"),
    "the tool is blocked": (lambda p: with_tool(p, approval_mode=BLOCK), "is always blocked"),
    "the risk was raised": (lambda p: with_tool(p, risk=Risk.DESTRUCTIVE), "is always blocked"),
    "the risk is no longer declared": (lambda p: with_tool(p, risk=None), "is always blocked"),
    "the tier was tightened": (lambda p: with_agent(p, tiers={"deploy": Tier.SHADOW}), "tightened to shadow"),
}


@pytest.mark.parametrize("change", TIGHTENED)
async def test_what_the_policy_no_longer_allows_does_not_start_and_says_why(
    database: Database, policy: Policy, change: str
) -> None:
    """closes governed-proposals 10, 18; autonomy-and-trust 6"""
    tighten, why = TIGHTENED[change]
    found = await approved(database, policy)
    hands = worker(database, tighten(policy))
    await hands.work()
    after = await look(database, found)
    assert after.execution is not None
    assert (after.execution.status, after.proposal.state) == (Status.INVALIDATED, ProposalState.INVALIDATED)
    assert why in str(after.execution.error)
    assert hands.connector.calls == []
    told = await rows(database, OutboxMessage, kind="tell")
    assert [(one.payload["person"], one.payload["event"]) for one in told] == [("U0ALICE", "invalidated")]


@pytest.mark.parametrize("tool", ["note.auto", "note.l2"])
async def test_a_call_allowed_unasked_does_not_start_once_people_must_be_asked(
    database: Database, policy: Policy, tool: str
) -> None:
    found = await asked(database, policy, tool)
    await worker(database, with_agent(policy, tiers={})).work()
    assert (await execution_of(database, found)).error == "the tier was tightened to act_with_approval"


@pytest.mark.parametrize(
    "loosen",
    [
        lambda p: with_agent(p, tiers={"deploy": Tier.ACT_AUTO}),
        lambda p: with_agent(p, scopes=frozenset({"deploy", "root"})),
        lambda p: with_tool(p, reviewers=("U0ADMIN",), quorum=1),
        lambda p: with_tool(p, title="Ship it"),
    ],
    ids=["looser tier", "more scopes", "other reviewers", "other title"],
)
async def test_what_was_approved_starts_where_the_policy_only_became_looser(
    database: Database, policy: Policy, loosen: Callable[[Policy], Policy]
) -> None:
    found = await approved(database, policy)
    await worker(database, loosen(policy)).work()
    assert (await look(database, found)).proposal.state is ProposalState.SUCCEEDED


async def test_a_policy_tightened_between_two_attempts_leaves_what_may_have_run_unknown(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy)
    hands = worker(database, policy, SILENT)
    await hands.work()
    clock.forward(minutes=1)
    hands.policy.current = with_agent(policy, scopes=frozenset())
    await hands.work()
    execution = await execution_of(database, found)
    assert (execution.status, hands.connector.attempts) == (Status.UNKNOWN, [1])
    assert "may have run" in str(execution.error)
    assert "lost the scope deploy" in str(execution.error)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ('UPDATE proposals SET arguments = \'{"service":"billing"}\'', "no longer the ones that were shown"),
        ("UPDATE proposals SET digest = 'sha256:00'", "not the one that was allowed"),
        ("UPDATE executions SET mac = NULL", "not the one that was allowed"),
        ("UPDATE proposals SET sealed_secrets = NULL", "no longer the ones that were shown"),
        ("UPDATE proposals SET sealed_secrets = 'v1:00000000:AAAA'", "cannot be read back (KeyProblem)"),
        ("UPDATE proposals SET arguments = '{'", "cannot be read back (JSONDecodeError)"),
    ],
    ids=["other arguments", "other digest", "no proof", "no secrets", "secrets under a lost key", "garbage"],
)
async def test_a_stored_call_that_was_tampered_with_does_not_run_and_holds_up_nobody(
    database: Database, policy: Policy, clock: Clock, statement: str, why: str
) -> None:
    """closes autonomy-and-trust 15; l1-l2-l3-enforcement 3"""
    found = await approved(database, policy, arguments={"service": "checkout", "token": "s3cret"})
    await sql(database, statement)
    clock.forward(seconds=1)
    sound = await approved(database, policy, arguments={"service": "sound"})
    hands = worker(database, policy)
    await hands.work()
    assert why in str((await execution_of(database, found)).error)
    assert (await look(database, found)).proposal.state is ProposalState.INVALIDATED
    assert (await look(database, sound)).proposal.state is ProposalState.SUCCEEDED
    assert len(hands.connector.calls) == 1


async def test_arguments_and_digest_edited_together_do_not_run_either(database: Database, policy: Policy) -> None:
    found = await approved(database, policy)
    tool = policy.tools["deploy.production"]
    digest = call_digest(tool.name, tool.version, {"service": "billing"})
    await sql(database, f"UPDATE proposals SET arguments = '{{\"service\":\"billing\"}}', digest = '{digest}'")
    await sql(database, f"UPDATE approval_requests SET digest = '{digest}'")
    hands = worker(database, policy)
    await hands.work()
    assert "not the one that was allowed" in str((await execution_of(database, found)).error)
    assert hands.connector.calls == []


@pytest.mark.parametrize(
    ("approved_at", "started_at", "runs"),
    [
        (1, 47.9, True),
        (1, 48, True),
        (1, 48.001, False),
        (47.9, 48.14, True),
        (47.9, 48.16, False),
    ],
)  # hours after it was asked; it expires at 48
async def test_an_approved_call_starts_until_it_expires_or_for_fifteen_minutes_whichever_is_later(
    database: Database, policy: Policy, clock: Clock, approved_at: float, started_at: float, runs: bool
) -> None:
    """closes governed-proposals 9"""
    found = await asked(database, policy)
    clock.now = NOON + timedelta(hours=approved_at)
    await say(database, found, "U0BOB")
    clock.now = NOON + timedelta(hours=started_at)
    await worker(database, policy).work()
    after = await look(database, found)
    assert after.execution is not None
    assert (after.proposal.state is ProposalState.SUCCEEDED) is runs
    assert runs or after.execution.error == "it was not started in time after it was allowed"


@pytest.mark.parametrize(("minutes", "runs"), [(15, True), (15.1, False)])
async def test_a_call_allowed_unasked_starts_within_fifteen_minutes_or_not_at_all(
    database: Database, policy: Policy, clock: Clock, minutes: float, runs: bool
) -> None:
    found = await asked(database, policy, "note.auto")
    clock.forward(minutes=minutes)
    await worker(database, policy).work()
    assert ((await execution_of(database, found)).status is Status.SUCCEEDED) is runs


async def test_a_retry_may_start_after_the_deadline_of_the_first_attempt(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy)
    hands = worker(database, policy, SILENT)
    await hands.work()
    clock.forward(days=3)
    await hands.work()
    assert (await execution_of(database, found)).status is Status.SUCCEEDED


async def test_an_invalidated_call_can_be_proposed_again(database: Database, policy: Policy) -> None:
    found = await approved(database, policy)
    await worker(database, without(policy, "tools", "deploy.production")).work()
    again = await asked(database, policy)
    assert again.proposal.id != found.proposal.id
    assert again.proposal.state is ProposalState.PENDING
