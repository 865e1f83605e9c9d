"""Two workspaces on one database share nothing: neither ids, nor keys, nor what people decided about an agent."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from governance.errors import Conflict, NotFound
from governance.facts import Facts
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from governance.reviewers import ReviewVerdict
from governance.rules import Remember
from governance.tiers import Tier
from operations.propose import Proposed, Submission, propose
from operations.remember import Wish
from operations.review import Answer, review
from operations.stand import TierChange, pause, record_tier, resume
from operations.withdraw import withdraw
from storage import audit, requests, rules
from storage.database import Database, Tx
from storage.dossier import Dossier, dossier
from storage.facts import facts_about
from storage.tables import ApprovalRequest, AuditEntry, Door, Execution, Proposal, Surface
from tests.integration.running import approved, execution_of, worker
from tests.integration.verbs import TENANT, count, rows

THEIRS = "T0OTHER"


async def submitted(
    database: Database, policy: Policy, tenant: str, tool: str = "deploy.production", **more: Any
) -> Dossier:
    """The agent `deployer` of one workspace proposes; both workspaces have one of that name."""
    submission = Submission(tool, more.pop("arguments", {"service": "checkout"}), **more)
    caller = policy.agents["deployer"]
    proposed: Proposed = await database.write(tenant, lambda tx: propose(tx, policy, caller, submission))
    assert proposed.proposal is not None
    async with database.read(tenant) as tx:
        found = await dossier(tx, proposed.proposal.id)
    assert found is not None
    return found


async def answered(database: Database, tenant: str, found: Dossier, **more: Any) -> ApprovalRequest:
    assert found.request is not None
    given, request_id = Answer("U0BOB", ReviewVerdict.APPROVE, Door.API, **more), found.request.id
    return await database.write(tenant, lambda tx: review(tx, request_id, given, {}))


@pytest.mark.parametrize("key", ["k1", None], ids=["keyed", "unkeyed"])
async def test_the_same_call_of_agents_of_the_same_name_is_two_calls(
    database: Database, policy: Policy, key: str | None
) -> None:
    """closes autonomy-and-trust 26"""
    mine = await submitted(database, policy, TENANT, idempotency_key=key)
    theirs = await submitted(database, policy, THEIRS, idempotency_key=key)
    assert mine.proposal.id != theirs.proposal.id
    assert await count(database, Proposal) == 2
    assert [one.tenant for one in await rows(database, Surface)] == [TENANT, THEIRS]


async def test_what_one_workspace_asks_the_other_can_neither_see_nor_answer_nor_take_back(
    database: Database, policy: Policy
) -> None:
    """closes autonomy-and-trust 26; l1-l2-l3-enforcement 16"""
    mine = await submitted(database, policy, TENANT)
    with pytest.raises(NotFound):
        await answered(database, THEIRS, mine)
    with pytest.raises(NotFound):
        await database.write(THEIRS, lambda tx: withdraw(tx, mine.proposal.id, "deployer", None))
    async with database.read(THEIRS) as tx:
        assert await dossier(tx, mine.proposal.id) is None
        assert await requests.of_proposal(tx, mine.proposal.id) is None
        assert await requests.page(tx, limit=10) == []
        assert await audit.entries_of(tx, mine.proposal.id) == []
    assert (await answered(database, TENANT, mine)).status == "approved"


async def test_what_happens_in_a_workspace_is_written_down_and_read_there(database: Database, policy: Policy) -> None:
    """closes l1-l2-l3-enforcement 17"""
    found = {tenant: await submitted(database, policy, tenant) for tenant in (TENANT, THEIRS)}
    for tenant, one in found.items():
        await answered(database, tenant, one)
    await worker(database, policy).work()
    for tenant, one in found.items():
        async with database.read(tenant) as tx:
            entries = await audit.entries_of(tx, one.proposal.id)
            after = await dossier(tx, one.proposal.id)
        assert [entry.kind for entry in entries] == [
            "proposal.pending", "approval.decided", "execution.started", "execution.finished",
        ]  # fmt: skip
        assert {entry.tenant for entry in entries} == {tenant}
        assert after is not None
        assert after.execution is not None
        assert (after.proposal.state, after.execution.tenant) == (ProposalState.SUCCEEDED, tenant)
    assert await count(database, Execution, status=ExecutionStatus.SUCCEEDED) == 2
    assert await count(database, AuditEntry) == 8


async def test_what_people_decide_about_an_agent_holds_for_the_agent_of_their_workspace(
    database: Database, policy: Policy
) -> None:
    """closes autonomy-and-trust 26"""
    agent = policy.agents["deployer"]
    await database.write(TENANT, lambda tx: pause(tx, agent, "U0ADMIN", "it loops"))
    await database.write(TENANT, lambda tx: record_tier(tx, TierChange(agent, "", Tier.SHADOW, "x"), "U0ADMIN"))
    with pytest.raises(Conflict, match="not paused"):
        await database.write(THEIRS, lambda tx: resume(tx, agent, "U0ADMIN", "mine to resume"))
    assert (await submitted(database, policy, TENANT, "note.auto")).proposal.code == "AGENT_PAUSED"
    assert (await submitted(database, policy, THEIRS, "note.auto")).proposal.state is ProposalState.ALLOWED
    assert (await facts(database, THEIRS, policy)).tiers == {}


async def test_a_rule_remembered_in_one_workspace_answers_nothing_in_the_other(
    database: Database, policy: Policy
) -> None:
    """closes autonomy-and-trust 26"""
    await answered(database, TENANT, await submitted(database, policy, TENANT), wish=Wish(Remember.FOREVER))
    (rule,) = (await facts(database, TENANT, policy)).rules
    assert (await facts(database, THEIRS, policy)).rules == ()
    theirs = await submitted(database, policy, THEIRS)
    assert (theirs.proposal.state, theirs.proposal.rule_id) == (ProposalState.PENDING, None)
    mine = await submitted(database, policy, TENANT, session_id="another")
    assert mine.proposal.rule_id == rule.id
    assert not await in_tenant(database, THEIRS, lambda tx: rules.use(tx, rule.id))


async def facts(database: Database, tenant: str, policy: Policy) -> Facts:
    async with database.read(tenant) as tx:
        return await facts_about(tx, policy.agents["deployer"], "deploy.production", "")


async def in_tenant(database: Database, tenant: str, operation: Callable[[Tx], Awaitable[object]]) -> object:
    return await database.write(tenant, operation)


async def test_calls_of_a_workspace_that_the_policy_names_no_more_do_not_run(
    database: Database, policy: Policy
) -> None:
    found = await approved(database, policy)
    hands = worker(database, Policy.empty())
    await hands.work()
    execution = await execution_of(database, found)
    assert (execution.status, hands.connector.calls) == (ExecutionStatus.INVALIDATED, [])
    assert "deployer" in str(execution.error)
