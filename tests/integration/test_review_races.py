"""Many people answering at the same instant: one decision, one execution, and losers who know who won.

closes governed-proposals 6
closes autonomy-and-trust 18
closes l1-l2-l3-enforcement 8

Four kinds of race, fifty rounds each; two hundred each in a thorough run.
"""

import asyncio
from pathlib import Path

import pytest

from governance.attempts import Answer, Result
from governance.errors import AlreadyDecided
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from operations.withdraw import withdraw
from scheduler.execution import Executor
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Execution, Review
from tests.integration.verbs import (
    APPROVE,
    REJECT,
    TENANT,
    Held,
    asked,
    count,
    look,
    policy_from,
    rows,
    say,
)
from tests.policies import tool
from tests.profiles import is_thorough

EIGHT = [f"U0R{n}" for n in range(8)]
ROUNDS = 200 if is_thorough() else 50


@pytest.fixture
def eight(tmp_path: Path) -> Policy:
    reviewers = "[" + ", ".join(f'"{one}"' for one in EIGHT) + "]"
    return policy_from(
        tmp_path,
        extra=tool("deploy.eight", reviewers=reviewers) + tool("deploy.pair", reviewers=reviewers, quorum=2),
    )


async def race(database: Database, found: Dossier, verdicts: list[object]) -> tuple[list[object], list[object]]:
    """Everybody answers at once; returns what the winners and the losers got."""
    answers = (say(database, found, who, verdict, "because") for who, verdict in zip(EIGHT, verdicts, strict=True))
    got = await asyncio.gather(*answers, return_exceptions=True)
    won = [one for one in got if isinstance(one, ApprovalRequest)]
    return won, [one for one in got if not isinstance(one, ApprovalRequest)]


@pytest.mark.parametrize("verdicts", [[APPROVE] * 8, [APPROVE, REJECT] * 4], ids=["all approve", "half of them reject"])
async def test_eight_reviewers_at_once_make_one_decision_and_at_most_one_execution(
    database: Database, eight: Policy, verdicts: list[object]
) -> None:
    """closes governed-proposals 6; autonomy-and-trust 18; l1-l2-l3-enforcement 1, 2"""
    approved = 0
    for n in range(ROUNDS):
        found = await asked(database, eight, "deploy.eight", arguments={"service": f"s{n}"})
        won, lost = await race(database, found, verdicts)
        assert len(won) == 1
        settled = await look(database, found)
        assert settled.request is not None
        winners = {one.details["winner"]["by"] for one in lost if isinstance(one, AlreadyDecided)}
        assert (len(lost), winners) == (7, {settled.request.decided_by})
        assert (settled.execution is not None) == (settled.request.status is RequestStatus.APPROVED)
        approved += settled.execution is not None
    assert await count(database, Execution) == approved
    assert await count(database, Review) == ROUNDS
    assert await count(database, AuditEntry, kind="approval.decided") == ROUNDS
    assert await runs(database, eight) == approved


async def runs(database: Database, policy: Policy) -> int:
    """Run everything that is due; returns how many calls the connector was handed."""
    handed: list[str] = []

    async def connector(started: object) -> Result:
        handed.append(started.execution.id)  # type: ignore[attr-defined]
        return Result(Answer.SUCCEEDED)

    executor = Executor(database, Held(policy), {"http": connector})
    while await count(database, Execution, status="queued"):
        await executor.drain()
        await executor.stop()
    assert len(handed) == len(set(handed))
    return len(handed)


async def test_a_quorum_of_two_among_eight_at_once_takes_exactly_two(database: Database, eight: Policy) -> None:
    """closes autonomy-and-trust 18"""
    for n in range(ROUNDS):
        found = await asked(database, eight, "deploy.pair", arguments={"service": f"s{n}"})
        won, lost = await race(database, found, [APPROVE] * 8)
        assert (len(won), len(lost)) == (2, 6)
        assert all(isinstance(one, AlreadyDecided) for one in lost)
        settled = await look(database, found)
        assert len({one.reviewer for one in settled.reviews}) == 2
    assert await count(database, Execution) == ROUNDS


async def test_a_quorum_of_two_and_rejections_at_once_make_one_decision_that_every_loser_is_told(
    database: Database, eight: Policy
) -> None:
    """Two may agree before somebody rejects, or one; never both decisions, and never one of a single approval."""
    approved = 0
    for n in range(ROUNDS):
        found = await asked(database, eight, "deploy.pair", arguments={"service": f"s{n}"})
        won, lost = await race(
            database, found, [APPROVE, REJECT] * 4 if n % 2 else [APPROVE, APPROVE, REJECT, REJECT] * 2
        )
        settled = await look(database, found)
        assert settled.request is not None
        is_approved = settled.request.status is RequestStatus.APPROVED
        assert settled.request.status in (RequestStatus.APPROVED, RequestStatus.REJECTED)
        assert len(won) == len(settled.reviews)
        assert not is_approved or [one.verdict for one in settled.reviews] == [APPROVE, APPROVE]
        winners = {one.details["winner"]["by"] for one in lost if isinstance(one, AlreadyDecided)}
        assert (len(won) + len(lost), winners) == (8, {settled.request.decided_by})
        assert (settled.execution is not None) == is_approved
        approved += is_approved
    assert await count(database, Execution) == approved
    assert await count(database, AuditEntry, kind="approval.decided") == ROUNDS


async def test_one_person_clicking_eight_times_at_once_has_answered_once(database: Database, eight: Policy) -> None:
    found = await asked(database, eight, "deploy.pair")
    await asyncio.gather(*(say(database, found, EIGHT[0]) for _ in range(8)))
    assert (await look(database, found)).request.status is RequestStatus.PENDING
    assert await count(database, Review) == 1


async def test_withdrawing_and_approving_at_the_same_instant_have_one_outcome(
    database: Database, eight: Policy
) -> None:
    for n in range(20):
        found = await asked(database, eight, "deploy.eight", arguments={"service": f"s{n}"})
        outcomes = await asyncio.gather(
            say(database, found, EIGHT[0]),
            database.write(TENANT, lambda tx, id=found.proposal.id: withdraw(tx, id, "deployer", None)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, AlreadyDecided) for one in outcomes) == 1
        (request,) = await rows(database, ApprovalRequest, proposal_id=found.proposal.id)
        approved = request.status is RequestStatus.APPROVED
        assert approved == (not isinstance(outcomes[0], Exception))
        assert await count(database, Execution, proposal_id=found.proposal.id) == approved
