"""What cannot be known is not allowed: a store that cannot be read, and decisions that outlive the process."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from governance.lifecycle import ProposalState
from governance.policy import Policy
from governance.tiers import Tier
from operations.stand import TierChange, pause, record_tier
from storage.database import Database
from storage.tables import AuditEntry, Execution, OutboxMessage, Proposal
from tests.conftest import Clock
from tests.integration.running import another, approved, worker
from tests.integration.verbs import TENANT, asked, count, look, sql, submit


@pytest.mark.parametrize("table", ["standings", "rules", "audit_entries"])
@pytest.mark.parametrize("tool", ["note.auto", "deploy.production"])
async def test_where_a_store_cannot_be_read_nothing_is_allowed_and_nothing_is_half_recorded(
    database: Database, policy: Policy, table: str, tool: str
) -> None:
    """closes governed-proposals 4; autonomy-and-trust 2; l1-l2-l3-enforcement 9; approval-api 9"""
    await sql(database, f"ALTER TABLE {table} RENAME TO hidden")
    with pytest.raises(DBAPIError):
        await submit(database, policy, tool)
    await sql(database, f"ALTER TABLE hidden RENAME TO {table}")
    for kind in (Proposal, Execution, OutboxMessage, AuditEntry):
        assert await count(database, kind) == 0
    assert (await submit(database, policy, tool)).proposal is not None


async def test_a_call_waits_while_it_cannot_be_known_whether_it_may_still_run(
    database: Database, policy: Policy
) -> None:
    """closes autonomy-and-trust 2"""
    found = await asked(database, policy, "note.auto")
    await sql(database, "ALTER TABLE standings RENAME TO hidden")
    hands = worker(database, policy)
    with pytest.raises(DBAPIError):
        await hands.work()
    await sql(database, "ALTER TABLE hidden RENAME TO standings")
    assert hands.connector.calls == []
    await hands.work()
    assert (await look(database, found)).proposal.state is ProposalState.SUCCEEDED


async def test_a_demotion_and_a_pause_hold_in_every_process_and_after_a_restart(
    url: str, database: Database, policy: Policy, clock: Clock
) -> None:
    """closes autonomy-and-trust 2"""
    agent = policy.agents["deployer"]
    async with another(url, clock) as second:
        change = TierChange(agent, "note.write", Tier.SHADOW, "too many notes")
        await database.write(TENANT, lambda tx: record_tier(tx, change, "U0ADMIN"))
        assert (await asked(second, policy, "note.auto")).proposal.state is ProposalState.SHADOWED
        await database.write(TENANT, lambda tx: pause(tx, agent, "U0ADMIN", "it loops"))
    async with another(url, clock) as restarted:
        assert (await asked(restarted, policy, "note.auto")).proposal.code == "AGENT_PAUSED"


async def test_a_demotion_stands_although_an_earlier_promotion_bears_a_later_time(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes autonomy-and-trust 23"""
    agent = policy.agents["deployer"]

    async def record(tier: Tier) -> None:
        await database.write(TENANT, lambda tx: record_tier(tx, TierChange(agent, "deploy", tier, "x"), "U0ADMIN"))

    clock.forward(days=1)  # the clock of the replica that promoted went ahead
    await record(Tier.ACT_AUTO)
    clock.forward(days=-1)
    await record(Tier.SHADOW)
    assert (await asked(database, policy)).proposal.state is ProposalState.SHADOWED
    clock.forward(days=2)
    assert (await asked(database, policy)).proposal.state is ProposalState.SHADOWED


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE proposals SET state = 'approved'",
        "UPDATE proposals SET tier = 'L1'",
        "UPDATE approval_requests SET status = 'yes'",
        "UPDATE approval_requests SET quorum = 0",
        "UPDATE executions SET status = 'done'",
    ],
)
async def test_the_database_knows_no_word_that_the_program_does_not_know(
    database: Database, policy: Policy, statement: str
) -> None:
    await approved(database, policy)
    with pytest.raises(IntegrityError):
        await sql(database, statement)
