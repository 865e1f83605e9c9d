"""What a hostile agent, an unlucky moment or odd words could do to automations, questions and money, and may not."""

from datetime import timedelta
from typing import Any

import pytest

from governance.automations import Actor, ActorKind, RunStatus
from governance.errors import Conflict, TooMany, Unprocessable
from governance.policy import Policy
from operations import automations as verbs
from operations import ending, grants, stand
from operations.filing import Filing, file_request
from operations.receipts import spend_receipt
from operations.runs import Step, change
from storage.database import Database
from storage.tables import (
    ApprovalRequest,
    Automation,
    Grant,
    RequestType,
    RunEvent,
)
from tests.conftest import Clock
from tests.integration.asking import answer
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, limited, made, started
from tests.integration.spending import capped, spent
from tests.integration.test_automations import codes, replicas
from tests.integration.verbs import TENANT, rows

MOST = 2**63 - 1  # micro-dollars that a window can hold
BY_DEPLOYER = Actor(ActorKind.AGENT, "deployer")


async def filed(database: Database, policy: Policy, kind: RequestType, **context: Any) -> ApprovalRequest:
    """Agent deployer asks for something for itself."""
    filing = Filing(kind, ("agent", "deployer"), "because\x00", context, BY_DEPLOYER)
    return (await database.write(TENANT, lambda tx: file_request(tx, policy, filing)))[0]


# words


async def test_words_that_a_database_cannot_hold_are_kept_without_what_it_cannot(
    database: Database, policy: Policy
) -> None:
    row = await made(database, policy, name="n\x00", schedule="s\x00", about={"a": "\x00"})
    run = await started(database, policy, row.id)
    step = Step(RunStatus.RUNNING, detail="d\x00")
    await database.write(TENANT, lambda tx: change(tx, policy, DEPLOYER, run.id, step))
    await database.write(TENANT, lambda tx: verbs.pause(tx, policy, DEPLOYER, row.id, "p\x00"))
    assert [one.reason for one in await rows(database, RunEvent) if one.reason] == ["d\ufffd", "p\ufffd"]
    await database.write(TENANT, lambda tx: ending.retire_by(tx, policy, ADMIN, row.id, "r\x00"))
    (row,) = await rows(database, Automation)
    assert (row.name, row.schedule, row.retire_reason) == ("n\ufffd", "s\ufffd", "r\ufffd")


@pytest.mark.parametrize("named", ["a\x00b", "a\nb", " \u202e", "x" * 256])
async def test_a_capability_is_named_on_one_visible_line(database: Database, policy: Policy, named: str) -> None:
    with pytest.raises(Unprocessable, match="capability_key"):
        await filed(database, policy, RequestType.CAPABILITY_REQUEST, capability_key=named)
    assert not await rows(database, ApprovalRequest)


# what can be asked for can be given


async def test_nobody_asks_for_what_lasts_no_time(database: Database, policy: Policy) -> None:
    with pytest.raises(Unprocessable, match="hours"):
        await filed(database, policy, RequestType.CAPABILITY_REQUEST, capability_key="deploy", hours=1e-11)
    assert not await rows(database, ApprovalRequest)


@pytest.mark.parametrize(("ttl", "lasts"), [({"days": 60}, {"days": 30}), ({"seconds": 1}, {"seconds": 1})])
async def test_what_is_asked_for_without_hours_can_be_given_whatever_the_limits_say(
    database: Database, policy: Policy, ttl: dict[str, int], lasts: dict[str, int]
) -> None:
    limits = limited(policy, approval_ttl=timedelta(**ttl))
    request = await filed(database, limits, RequestType.CAPABILITY_REQUEST, capability_key="memo.archive")
    await answer(database, limits, request)
    (grant,) = await rows(database, Grant)
    assert grant.expires_at == database.clock() + timedelta(**lasts)


# nothing starts through an agent that is held


async def test_an_agent_that_is_paused_or_stopped_starts_nothing_in_others_automations(
    database: Database, policy: Policy
) -> None:
    row = await made(database, policy, ALICE)
    await database.write(TENANT, lambda tx: grants.give(tx, policy, ADMIN, row.id, "deployer", None))
    run = await started(database, policy, row.id)
    agent = policy.agents["deployer"]
    await database.write(TENANT, lambda tx: stand.pause(tx, agent, "U0ADMIN", "look first"))
    with pytest.raises(Conflict, match="deployer is paused"):
        await started(database, policy, row.id)
    go_on = Step(RunStatus.RUNNING)
    with pytest.raises(Conflict, match="deployer is paused"):
        await database.write(TENANT, lambda tx: change(tx, policy, DEPLOYER, run.id, go_on))
    await database.write(TENANT, lambda tx: stand.resume(tx, agent, "U0ADMIN", "looked"))
    await spent(database, capped(policy), "10", "deployer")
    with pytest.raises(TooMany, match="deployer reached"):
        await started(database, policy, row.id)
    assert (await started(database, policy, row.id, ALICE)).status is RunStatus.QUEUED


async def test_a_spend_stop_holds_no_automation_of_agents_below(database: Database, policy: Policy) -> None:
    family = capped(policy)
    row = await made(database, family)
    assert row.chain == ["planner"]
    await spent(database, family, "10", "planner")
    assert (await started(database, family, row.id)).status is RunStatus.QUEUED


async def test_a_paused_agent_uses_up_no_receipt_until_it_is_resumed(database: Database, policy: Policy) -> None:
    request = await filed(database, policy, RequestType.EXTERNAL_POST, text="hello")
    await answer(database, policy, request)
    agent = policy.agents["deployer"]
    await database.write(TENANT, lambda tx: stand.pause(tx, agent, "U0ADMIN", "look first"))
    with pytest.raises(Conflict, match="paused"):
        await database.write(TENANT, lambda tx: spend_receipt(tx, request.id, request.digest))
    await database.write(TENANT, lambda tx: stand.resume(tx, agent, "U0ADMIN", "looked"))
    used = await database.write(TENANT, lambda tx: spend_receipt(tx, request.id, request.digest))
    assert used.consumed_at is not None


# many at once


async def test_answers_and_verbs_about_the_same_automation_never_wait_in_a_circle(
    url: str, clock: Clock, policy: Policy
) -> None:
    async with replicas(url, clock) as servers:
        row = await made(servers[0], policy, ALICE, tools=("a", "b"))
        narrow = {"tools": ["a"]}
        await servers[0].write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, row.id, narrow))
        (request,) = await rows(servers[0], ApprovalRequest)
        went = await codes([
            answer(servers[n % 4], policy, request) if n % 2
            else servers[n % 4].write(TENANT, lambda tx: ending.extend_by(tx, policy, ADMIN, row.id, None, None))
            for n in range(20)
        ])  # fmt: skip
        assert went["ok"] >= 10
        assert set(went) <= {"ok", "APPROVAL_EXPIRED"}
