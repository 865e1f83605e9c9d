"""Agents of one name in two workspaces: quotas, reviews, caps, rights and limits are each workspace's own."""

from typing import Any

import pytest

from governance.automations import Actor, ActorKind, Right, RunStatus
from governance.errors import Forbidden, TooMany
from governance.policy import Policy
from operations import automations, runs
from operations.automations import Draft
from operations.limits import change_limits
from operations.question import raise_question
from operations.review import Answer, review
from operations.spend import Spent, report
from storage.database import Database
from storage.limits import limits_in_force
from storage.tables import ApprovalRequest, AutomationRun, Door, RequestType
from tests.integration.asking import question
from tests.integration.automating import ADMIN, DEPLOYER, limited
from tests.integration.spending import USD, capped
from tests.integration.verbs import APPROVE, TENANT, rows

THEIRS = "T0OTHER"


async def create(database: Database, policy: Policy, tenant: str, *rights: Right) -> Any:
    draft = Draft("Nightly", rights=frozenset(rights))
    return await database.write(tenant, lambda tx: automations.create(tx, policy, DEPLOYER, draft))


async def test_what_an_agent_uses_up_in_one_workspace_is_left_to_its_namesake(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 23"""
    for limits, code in (
        ({"per_agent_daily_creation_limit": 2}, "AGENT_DAILY_QUOTA_EXCEEDED"),
        ({"active_agent_automation_cap": 2}, "AGENT_CAP_EXCEEDED"),
        ({"per_agent_creation_review_threshold": 2}, "AGENT_REVIEW_REQUIRED"),
    ):
        tight = limited(policy, **{"per_agent_creation_review_threshold": 0, **limits})
        for tenant in (f"{TENANT}{code}", f"{THEIRS}{code}"):
            for _ in range(2):
                await create(database, tight, tenant)
            with pytest.raises(TooMany) as refused:
                await create(database, tight, tenant)
            assert refused.value.name == f"AUTOMATION_V2_{code}"
    assert {one.tenant for one in await rows(database, ApprovalRequest)} == {
        f"{TENANT}AGENT_REVIEW_REQUIRED", f"{THEIRS}AGENT_REVIEW_REQUIRED",
    }  # fmt: skip


async def test_a_stop_a_right_and_a_limit_hold_where_they_were_given(database: Database, policy: Policy) -> None:
    """closes automation-governance 23"""
    tight, by = capped(policy), Actor(ActorKind.AGENT, "deployer")
    started = {}
    for tenant in (TENANT, THEIRS):
        row = await create(database, tight, tenant)
        started[tenant] = await database.write(tenant, lambda tx, id=row.id: runs.start(tx, tight, ADMIN, id))
    await database.write(TENANT, lambda tx: report(tx, tight, tight.agents["deployer"], Spent("r1", 12 * USD), by))
    assert {one.tenant: one.status for one in await rows(database, AutomationRun)} == {
        TENANT: RunStatus.PAUSED, THEIRS: RunStatus.QUEUED,
    }  # fmt: skip
    step = runs.Step(RunStatus.RUNNING)
    await database.write(THEIRS, lambda tx: runs.change(tx, tight, DEPLOYER, started[THEIRS].id, step))

    asked = question(RequestType.CAPABILITY_REQUEST, context={"capability_key": "creates_agents"})
    request = await database.write(THEIRS, lambda tx: raise_question(tx, tight, asked))
    given = Answer("U0ADMIN", APPROVE, Door.API, "fine")
    await database.write(THEIRS, lambda tx: review(tx, request.id, given, {}, policy=tight))
    await create(database, tight, THEIRS, Right.CREATES_AGENTS)
    free = limited(tight, weekly_spend_cap=None)
    await database.write(TENANT, lambda tx: change_limits(tx, free, {"creation_enabled": False}, by))
    with pytest.raises(Forbidden) as refused:
        await create(database, free, TENANT, Right.CREATES_AGENTS)
    assert refused.value.name == "AUTOMATION_V2_CREATION_DISABLED"
    async with database.read(THEIRS) as tx:
        assert (await limits_in_force(tx, free)).creation_enabled
