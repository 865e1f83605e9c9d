"""Asking again: about what nobody answered and what no longer held, judged anew under the live policy."""

import asyncio
from pathlib import Path

import pytest

from governance.errors import AlreadyDecided, ApprovalExpired, Conflict, Forbidden, NotFound, SelfReview, TooMany
from governance.lifecycle import ExecutionStatus, ProposalState, RequestStatus
from governance.policy import Policy
from governance.rules import Effect, Scope
from operations.reask import Asker, ask_again
from operations.remember import Draft, add_rule
from operations.withdraw import withdraw
from scheduler.expiry import attend_due
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Execution, Proposal, Surface
from tests.conftest import Clock
from tests.integration.running import approved, worker
from tests.integration.test_editing import edit
from tests.integration.verbs import REJECT, TENANT, asked, count, lines, look, policy_from, rows, say, submit

AGENT = Asker(agent_id="deployer")


async def again(database: Database, policy: Policy, found: Dossier, asker: Asker = AGENT) -> Proposal:
    return await database.write(TENANT, lambda tx: ask_again(tx, policy, found.proposal.id, asker, {}))


async def expired(
    database: Database, policy: Policy, clock: Clock, tool: str = "deploy.production", **more: object
) -> Dossier:
    found = await asked(database, policy, tool, **more)
    clock.forward(hours=49)
    await attend_due(database)
    return await look(database, found)


async def test_an_expired_call_is_asked_about_again_on_the_same_card(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await expired(database, policy, clock)
    (before,) = await rows(database, Surface)
    assert (await again(database, policy, found)).state is ProposalState.PENDING
    now = await look(database, found)
    assert now.request is not None
    assert found.request is not None
    assert now.request.id != found.request.id
    assert (now.request.status, now.request.created_at) == (RequestStatus.PENDING, clock.now)
    assert now.proposal.closed_at is None
    (after,) = await rows(database, Surface)
    assert (after.id, after.desired) == (before.id, before.desired + 1)
    await say(database, found=now, person="U0BOB")
    done = worker(database, policy)
    await done.work()
    assert (await look(database, found)).proposal.state is ProposalState.SUCCEEDED


async def test_an_answer_to_the_expired_question_is_no_answer_to_the_new_one(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await expired(database, policy, clock)
    await again(database, policy, found)
    with pytest.raises(ApprovalExpired):
        await say(database, found, "U0BOB")
    assert (await look(database, found)).reviews == ()


async def test_an_invalidated_call_is_asked_about_as_the_tool_is_now(
    database: Database, policy: Policy, tmp_path: Path
) -> None:
    found = await approved(database, policy)
    changed = policy_from(tmp_path, replace={'consequence = "Does deploy.production': 'consequence = "Now does it'})
    stale = worker(database, changed)
    await stale.work()
    assert (await look(database, found)).proposal.state is ProposalState.INVALIDATED
    await again(database, changed, found, Asker(person="U0CAROL"))
    now = await look(database, found)
    assert now.execution is None
    assert now.proposal.digest != found.proposal.digest
    assert now.proposal.tool_version == changed.tools["deploy.production"].version
    assert now.proposal.consequence == "Now does it with checkout"
    await say(database, now, "U0BOB")
    await stale.work()
    assert (await look(database, found)).proposal.state is ProposalState.SUCCEEDED
    assert [one.status for one in await rows(database, Execution)] == [
        ExecutionStatus.INVALIDATED, ExecutionStatus.SUCCEEDED,
    ]  # fmt: skip


@pytest.mark.parametrize("person", ["U0ALICE", "U0CAROL", "U0BOB", "U0ADMIN"])
async def test_whoever_it_concerns_may_have_it_asked_again(
    database: Database, policy: Policy, clock: Clock, person: str
) -> None:
    found = await expired(database, policy, clock, on_behalf_of="U0CAROL")
    assert (await again(database, policy, found, Asker(person=person))).state is ProposalState.PENDING
    (entry,) = await rows(database, AuditEntry, kind="proposal.rerequested")
    assert entry.actor == f"person:{person}"


async def test_nobody_else_may(database: Database, policy: Policy, clock: Clock) -> None:
    found = await expired(database, policy, clock)
    with pytest.raises(Forbidden):
        await again(database, policy, found, Asker(person="U0MALLORY"))
    with pytest.raises(NotFound):
        await again(database, policy, found, Asker(agent_id="stranger"))
    assert (await look(database, found)).proposal.state is ProposalState.EXPIRED


async def test_what_was_decided_withdrawn_or_still_waits_is_not_asked_again(database: Database, policy: Policy) -> None:
    waiting = await asked(database, policy)
    with pytest.raises(AlreadyDecided, match="People are being asked"):
        await again(database, policy, waiting)
    await say(database, waiting, "U0BOB", REJECT, "no")
    with pytest.raises(AlreadyDecided, match="rejected"):
        await again(database, policy, waiting)
    taken = await asked(database, policy, arguments={"service": "search"})
    await database.write(TENANT, lambda tx: withdraw(tx, taken.proposal.id, "deployer", None))
    with pytest.raises(AlreadyDecided, match="withdrawn"):
        await again(database, policy, taken)


async def test_what_the_policy_denies_by_now_stays_as_it_is(
    database: Database, policy: Policy, clock: Clock, tmp_path: Path
) -> None:
    found = await expired(database, policy, clock)
    blocked = policy_from(tmp_path, replace={'title = "Deploy to production"': 'title = "x"\nneeds_human = true'})
    with pytest.raises(Forbidden) as refused:
        await again(database, blocked, found)
    assert refused.value.name == "NEEDS_HUMAN"
    assert (await look(database, found)).proposal.state is ProposalState.EXPIRED
    without = policy_from(tmp_path, replace={'name = "deploy.production"': 'name = "deploy.elsewhere"'})
    with pytest.raises(Forbidden, match="no longer in the policy"):
        await again(database, without, found)


async def test_a_rule_made_meanwhile_answers(database: Database, policy: Policy, clock: Clock) -> None:
    found = await expired(database, policy, clock)
    draft = Draft("deployer", "deploy.production", Effect.ALLOW, Scope.FOREVER, {"any": True}, ("U0BOB",))
    rule = await database.write(TENANT, lambda tx: add_rule(tx, draft))
    now = await again(database, policy, found)
    assert (now.state, now.rule_id) == (ProposalState.ALLOWED, rule.id)
    assert (await rows(database, type(rule)))[0].uses == 1
    done = worker(database, policy)
    await done.work()
    ended = await look(database, found)
    assert ended.proposal.state is ProposalState.SUCCEEDED
    assert ended.execution is not None
    assert ended.execution.unasked
    assert await count(database, ApprovalRequest) == 1


async def test_the_same_call_opened_meanwhile_stands_in_the_way(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await expired(database, policy, clock)
    other = await asked(database, policy)
    with pytest.raises(Conflict) as refused:
        await again(database, policy, found)
    assert (refused.value.name, refused.value.details) == ("ALREADY_OPEN", {"proposal_id": other.proposal.id})
    assert (await look(database, found)).proposal.state is ProposalState.EXPIRED


async def test_the_call_is_claimed_again(database: Database, policy: Policy, clock: Clock) -> None:
    found = await expired(database, policy, clock)
    await again(database, policy, found)
    repeated = await submit(database, policy)
    assert repeated.duplicate
    assert repeated.proposal is not None
    assert repeated.proposal.id == found.proposal.id


async def test_clicks_at_the_same_instant_ask_once(database: Database, policy: Policy, clock: Clock) -> None:
    found = await expired(database, policy, clock)
    outcomes = await asyncio.gather(
        *(again(database, policy, found, Asker(person=one)) for one in ("U0BOB", "U0CAROL", "U0ALICE")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyDecided", "AlreadyDecided", "Proposal"]
    assert await count(database, ApprovalRequest) == 2


async def test_the_limit_of_open_requests_holds(
    database: Database, policy: Policy, clock: Clock, tmp_path: Path
) -> None:
    found = await expired(database, policy, clock)
    tight = policy_from(tmp_path, extra="\n[limits]\nmax_open_requests = 1\n")
    await asked(database, tight, arguments={"service": "search"})
    with pytest.raises(TooMany):
        await again(database, tight, found)


async def test_who_edited_it_before_cannot_approve_it_now_either(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    clock.forward(hours=49)
    await attend_due(database)
    await again(database, policy, found)
    now = await look(database, found)
    with pytest.raises(SelfReview):
        await say(database, now, "U0BOB")
    assert (await say(database, now, "U0CAROL")).status is RequestStatus.APPROVED


async def test_secrets_come_along(database: Database, policy: Policy, clock: Clock) -> None:
    call = {"service": "checkout", "token": "tok-1"}
    found = await expired(database, policy, clock, arguments=call)
    await again(database, policy, found)
    await say(database, await look(database, found), "U0BOB")
    done = worker(database, policy)
    await done.work()
    assert [one.arguments for one in done.connector.calls] == [call]


async def test_it_can_expire_and_be_asked_again_once_more(database: Database, policy: Policy, clock: Clock) -> None:
    found = await expired(database, policy, clock, idempotency_key="k1")
    for _ in range(2):
        await again(database, policy, found)
        clock.forward(hours=49)
        await attend_due(database)
        assert (await look(database, found)).proposal.state is ProposalState.EXPIRED
    told = [line["event"] for line in await lines(database)]
    assert told.count("reasked_by_agent") == 2
    repeated = await submit(database, policy, idempotency_key="k1")
    assert repeated.duplicate


@pytest.mark.parametrize(("author", "runs"), [("U0BOB", False), ("U0CAROL", True)], ids=["the editor's", "another's"])
async def test_an_edited_call_does_not_run_on_its_editor_s_own_rule(
    database: Database, policy: Policy, clock: Clock, author: str, runs: bool
) -> None:
    """Else one reviewer could run what they like: remember, edit, let it expire, ask again."""
    found = await asked(database, policy)
    await edit(database, policy, found)
    clock.forward(hours=49)
    await attend_due(database)
    draft = Draft("deployer", "deploy.production", Effect.ALLOW, Scope.FOREVER, {"any": True}, (author,))
    await database.write(TENANT, lambda tx: add_rule(tx, draft))
    if runs:
        assert (await again(database, policy, found)).state is ProposalState.ALLOWED
        return
    for asker in (AGENT, Asker(person="U0BOB")):
        with pytest.raises(Forbidden, match="nobody but its editor"):
            await again(database, policy, found, asker)
    assert await count(database, Execution) == 0


async def test_nor_on_a_tier_that_runs_by_now(database: Database, policy: Policy, tmp_path: Path, clock: Clock) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    clock.forward(hours=49)
    await attend_due(database)
    looser = policy_from(tmp_path, replace={'"note.write" = "L1"': '"note.write" = "L1"\n"deploy" = "L1"'})
    with pytest.raises(Forbidden, match="nobody but its editor"):
        await again(database, looser, found)


async def test_what_came_in_as_a_secret_stays_one_when_the_policy_no_longer_says_so(
    database: Database, policy: Policy, tmp_path: Path, clock: Clock
) -> None:
    found = await expired(database, policy, clock, arguments={"service": "checkout", "token": "tok-12345"})
    open_policy = policy_from(tmp_path, replace={'secret_fields = ["token"]': "secret_fields = []"})
    await again(database, open_policy, found)
    now = await look(database, found)
    assert "tok-12345" not in now.proposal.arguments
    await say(database, now, "U0BOB")
    done = worker(database, open_policy)
    await done.work()
    assert [call.arguments["token"] for call in done.connector.calls] == ["tok-12345"]
