"""When a repeated proposal is the earlier one, and when it is a new call."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from governance.errors import IdempotencyConflict
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Limits, Policy
from operations.propose import Proposed
from operations.withdraw import withdraw
from storage import executions, proposals
from storage.database import Database, Tx
from storage.tables import ApprovalRequest, Execution, Proposal, Surface
from tests.conftest import Clock
from tests.integration.verbs import DEFER, REJECT, TENANT, asked, count, look, say, submit


def id_of(proposed: Proposed) -> str:
    assert proposed.proposal is not None
    return proposed.proposal.id


async def finish(database: Database, proposed: Proposed, to: ExecutionStatus) -> None:
    """Move a queued execution to its end, as the executor would."""

    async def run(tx: Tx) -> None:
        execution = await executions.of_proposal(tx, id_of(proposed))
        assert execution is not None
        for step in (ExecutionStatus.RUNNING, to):
            assert await executions.move(tx, execution, step)
        await proposals.enter_state(tx, id_of(proposed), ProposalState(to.value))

    await database.write(TENANT, run)


async def test_the_same_call_under_the_same_key_is_the_same_proposal(database: Database, policy: Policy) -> None:
    first = await submit(database, policy, idempotency_key="k1")
    again = await submit(database, policy, idempotency_key="k1")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert id_of(again) == id_of(first)
    assert await count(database, Proposal) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"arguments": {"service": "billing"}},
        {"tool": "deploy.two"},
        {"arguments": {"service": "checkout", "note": ""}},
    ],
    ids=["other arguments", "other tool", "one argument more"],
)
async def test_another_call_under_a_used_key_is_refused_and_names_the_first(
    database: Database, policy: Policy, other: dict[str, Any]
) -> None:
    first = await submit(database, policy, idempotency_key="k1")
    with pytest.raises(IdempotencyConflict) as refused:
        await submit(database, policy, idempotency_key="k1", **other)
    assert refused.value.details == {"proposal_id": id_of(first)}
    assert await count(database, Proposal) == 1


@pytest.mark.parametrize(
    "blocked",
    [{"arguments": {}}, {"tool": "drop.database"}, {"on_behalf_of": "U0MALLORY"}],
    ids=["needs input", "always blocked", "unknown requester"],
)
async def test_a_blocked_call_never_takes_the_key_from_its_corrected_retry(
    database: Database, policy: Policy, blocked: dict[str, Any]
) -> None:
    """closes governed-proposals 1"""
    refused = await submit(database, policy, idempotency_key="k1", **blocked)
    accepted = await submit(database, policy, idempotency_key="k1")
    assert (await look(database, refused)).proposal.state is ProposalState.DENIED
    assert not accepted.duplicate
    assert (await look(database, accepted)).proposal.state is ProposalState.PENDING


async def test_a_call_blocked_for_scopes_passes_under_the_same_key_once_they_are_there(
    database: Database, policy: Policy
) -> None:
    """closes governed-proposals 1"""
    refused = await submit(database, policy, agent="stranger", idempotency_key="k1")
    stranger = replace(policy.agents["stranger"], scopes=frozenset({"deploy"}))
    widened = replace(policy, agents={"stranger": stranger})
    accepted = await submit(database, widened, agent="stranger", idempotency_key="k1")
    assert (await look(database, refused)).proposal.code == "SCOPE_INVALID"
    assert not accepted.duplicate
    assert (await look(database, accepted)).proposal.state is ProposalState.PENDING


@pytest.mark.parametrize(("days", "still_taken"), [(29.99, True), (30.01, False)])
async def test_a_key_is_free_again_after_thirty_days(
    database: Database, policy: Policy, clock: Clock, days: float, still_taken: bool
) -> None:
    """closes governed-proposals 11"""
    first = await submit(database, policy, "note.auto", idempotency_key="k1")
    await finish(database, first, ExecutionStatus.SUCCEEDED)
    clock.forward(days=days)
    again = await submit(database, policy, "note.auto", idempotency_key="k1")
    assert again.duplicate is still_taken
    assert (id_of(again) == id_of(first)) is still_taken


async def test_a_key_that_came_free_takes_another_call(database: Database, policy: Policy, clock: Clock) -> None:
    await submit(database, policy, idempotency_key="k1")
    clock.forward(days=31)
    other = await submit(database, policy, idempotency_key="k1", arguments={"service": "billing"})
    assert not other.duplicate
    assert (await submit(database, policy, idempotency_key="k1", arguments={"service": "billing"})).duplicate


async def test_a_settled_call_keeps_its_key(database: Database, policy: Policy) -> None:
    first = await submit(database, policy, "note.auto", idempotency_key="k1")
    await finish(database, first, ExecutionStatus.FAILED)
    again = await submit(database, policy, "note.auto", idempotency_key="k1")
    assert again.duplicate
    assert id_of(again) == id_of(first)


async def test_keys_of_two_agents_do_not_meet(database: Database, policy: Policy) -> None:
    mine = await submit(database, policy, "note.auto", idempotency_key="k1")
    theirs = await submit(
        database, policy, "note.auto", agent="stranger", idempotency_key="k1", arguments={"service": "x"}
    )
    assert not theirs.duplicate
    assert id_of(theirs) != id_of(mine)


async def test_unkeyed_calls_of_two_agents_are_two_calls(database: Database, policy: Policy) -> None:
    await submit(database, policy, "note.auto")
    assert not (await submit(database, policy, "note.auto", agent="stranger")).duplicate


@pytest.mark.parametrize("tool", ["deploy.production", "hint.it", "note.auto"], ids=["pending", "suggested", "allowed"])
async def test_an_unkeyed_call_is_absorbed_while_it_is_open(database: Database, policy: Policy, tool: str) -> None:
    first = await submit(database, policy, tool)
    again = await submit(database, policy, tool)
    assert again.duplicate
    assert id_of(again) == id_of(first)


async def test_an_unkeyed_call_is_absorbed_while_it_is_put_off(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    assert found.request is not None
    until = found.request.created_at.replace(hour=18)
    await say(database, found, "U0BOB", DEFER, "after the release", until=until)
    assert (await submit(database, policy)).duplicate


async def test_a_shadowed_call_absorbs_nothing(database: Database, policy: Policy) -> None:
    await submit(database, policy, "dry.run")
    assert not (await submit(database, policy, "dry.run")).duplicate


@pytest.mark.parametrize("end", ["succeeded", "failed", "unknown", "rejected", "withdrawn"])
async def test_a_settled_unkeyed_call_absorbs_nothing_so_a_rollback_runs_again(
    database: Database, policy: Policy, end: str
) -> None:
    """closes governed-proposals 11; autonomy-and-trust 15"""
    first = await submit(database, policy)
    found = await look(database, first)
    if end == "rejected":
        await say(database, found, "U0BOB", REJECT, "no")
    elif end == "withdrawn":
        await database.write(TENANT, lambda tx: withdraw(tx, id_of(first), "deployer", None))
    else:
        await say(database, found, "U0BOB")
        await finish(database, first, ExecutionStatus(end))
    again = await submit(database, policy)
    assert not again.duplicate
    assert id_of(again) != id_of(first)


@pytest.mark.parametrize(("sessions", "made"), [(("a", "b", None), 3), (("a", "a", "b"), 2), ((None, None, "a"), 2)])
async def test_the_session_tells_unkeyed_calls_apart(
    database: Database, policy: Policy, sessions: tuple[str | None, ...], made: int
) -> None:
    for session in sessions:
        await submit(database, policy, session_id=session)
    assert await count(database, Proposal) == made


@pytest.mark.parametrize("key", ["k1", None], ids=["keyed", "unkeyed"])
@pytest.mark.parametrize("tool", ["deploy.production", "note.auto"])
async def test_a_hundred_identical_proposals_at_once_are_one(
    database: Database, policy: Policy, key: str | None, tool: str
) -> None:
    """closes l1-l2-l3-enforcement 11; approval-api 7"""
    made = await asyncio.gather(*(submit(database, policy, tool, idempotency_key=key) for _ in range(100)))
    assert sum(not one.duplicate for one in made) == 1
    assert len({id_of(one) for one in made}) == 1
    assert await count(database, Proposal) == 1
    assert await count(database, ApprovalRequest) == (tool == "deploy.production")
    assert await count(database, Surface) == (tool == "deploy.production")
    assert await count(database, Execution) == (tool == "note.auto")


async def test_of_different_calls_racing_for_one_key_exactly_one_gets_it(database: Database, policy: Policy) -> None:
    calls = [submit(database, policy, idempotency_key="k1", arguments={"service": f"s{n}"}) for n in range(20)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Proposed) for one in outcomes) == 1
    assert sum(isinstance(one, IdempotencyConflict) for one in outcomes) == 19


async def test_of_many_requests_at_once_no_more_than_the_limit_are_opened(database: Database, policy: Policy) -> None:
    strict = replace(policy, limits=Limits(max_open_requests=10))
    calls = [submit(database, strict, arguments={"service": f"s{n}"}) for n in range(60)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Proposed) for one in outcomes) == 10
    assert {one.name for one in outcomes if not isinstance(one, Proposed)} == {"TOO_MANY_PENDING"}
    assert await count(database, Proposal) == await count(database, ApprovalRequest) == 10
