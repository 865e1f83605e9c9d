"""A granted capability answers the calls that people would be asked about: for its time, and while enough agreed."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from governance.automations import Actor, ActorKind
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from operations import execute, grants
from operations.filing import Filing, file_request
from scheduler import upkeep
from storage.database import Database
from storage.tables import Execution, Grant, RequestType, TrustRecord
from tests.conftest import Clock
from tests.integration.asking import answer
from tests.integration.automating import ADMIN
from tests.integration.verbs import TENANT, policy_from, rows, submit


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return policy_from(tmp_path, admins='["U0ADMIN", "U0CAROL"]')


async def granted(database: Database, policy: Policy) -> Grant:
    """Both admins let deployer deploy for an hour."""
    context = {"capability_key": "deploy", "hours": 1}
    filing = Filing(
        RequestType.CAPABILITY_REQUEST, ("agent", "deployer"), "a release", context, Actor(ActorKind.AGENT, "deployer")
    )
    request, _ = await database.write(TENANT, lambda tx: file_request(tx, policy, filing))
    for person in ("U0ADMIN", "U0CAROL"):
        await answer(database, policy, request, person=person)
    (grant,) = await rows(database, Grant)
    assert isinstance(grant, Grant)
    return grant


async def state(database: Database, policy: Policy, tool: str, **more: object) -> ProposalState:
    proposed = await submit(database, policy, tool, arguments={"service": f"s{more.pop('n', 0)}"}, **more)
    assert proposed.proposal is not None
    return proposed.proposal.state


async def test_calls_under_a_granted_capability_run_unasked_for_its_time(
    database: Database, policy: Policy, clock: Clock
) -> None:
    assert await state(database, policy, "deploy.production") is ProposalState.PENDING
    await granted(database, policy)
    assert await state(database, policy, "deploy.production", n=1) is ProposalState.ALLOWED
    assert await state(database, policy, "deploy.two", n=2) is ProposalState.ALLOWED
    clock.forward(hours=1)
    assert await state(database, policy, "deploy.production", n=3) is ProposalState.PENDING


async def test_it_answers_for_no_more_than_those_who_agreed_and_opens_nothing_else(
    database: Database, policy: Policy
) -> None:
    await granted(database, policy)
    # Carol agreed, so where the call is hers one voice is left
    assert await state(database, policy, "deploy.two", on_behalf_of="U0CAROL") is ProposalState.PENDING
    assert await state(database, policy, "deploy.production", on_behalf_of="U0CAROL") is ProposalState.ALLOWED
    assert await state(database, policy, "hint.it") is ProposalState.SUGGESTED
    assert await state(database, policy, "drop.database") is ProposalState.DENIED


async def test_what_it_allowed_does_not_start_once_it_is_revoked(database: Database, policy: Policy) -> None:
    grant = await granted(database, policy)
    assert await state(database, policy, "deploy.production") is ProposalState.ALLOWED
    await database.write(TENANT, lambda tx: grants.revoke(tx, policy, ADMIN, grant.id, None))
    await database.write("", lambda tx: execute.start_next(tx, lambda _: policy, "worker"))
    (execution,) = await rows(database, Execution)
    assert execution.status is ExecutionStatus.INVALIDATED
    await upkeep.seal_audit(database)
    async with database.read(TENANT) as tx:
        (told,) = [one for one in await tx.session.scalars(select(col(TrustRecord.record))) if grant.id in one]
    assert "U0CAROL" in told
    assert await state(database, policy, "deploy.production", n=1) is ProposalState.PENDING


async def test_it_answers_no_longer_where_an_admin_who_agreed_is_none_any_more(
    database: Database, policy: Policy
) -> None:
    await granted(database, policy)
    fewer = replace(policy, admins=("U0CAROL",))
    assert await state(database, fewer, "deploy.two") is ProposalState.PENDING
    assert await state(database, fewer, "deploy.production") is ProposalState.ALLOWED
