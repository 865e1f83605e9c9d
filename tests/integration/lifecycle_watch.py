"""Looking at everything stored after every step, and saying which promise the step broke."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from governance.lifecycle import (
    EXECUTION_MOVES,
    OPEN_REQUESTS,
    OPEN_STATES,
    REQUEST_MOVES,
    ExecutionStatus,
    ProposalState,
    RequestStatus,
    state_of_execution,
    state_of_request,
)
from governance.reviewers import ReviewVerdict
from governance.tiers import Tier
from storage.database import Database
from storage.tables import ApprovalRequest, AuditEntry, Execution, Proposal, Review, Surface
from tests.integration.verbs import TENANT

_RUNNABLE = frozenset({ExecutionStatus.QUEUED, ExecutionStatus.RUNNING})


@dataclass(frozen=True)
class Seen:
    """What is stored at one moment."""

    proposals: Mapping[str, Proposal]
    requests: Mapping[str, ApprovalRequest]
    executions: Mapping[str, Execution]
    reviews: tuple[Review, ...]
    desired: Mapping[str, int]  #: by proposal, how often its cards had to change

    @property
    def words(self) -> list[tuple[str, str]]:
        """Where everything stands, in one word each."""
        requests = [(one.id, f"{one.status} {one.version} {one.warned}") for one in self.requests.values()]
        runs = [(one.id, f"{one.status} {one.attempt} {one.lease_until}") for one in self.executions.values()]
        reviews = [(one.id, f"{one.verdict} {one.voided_at}") for one in self.reviews]
        return sorted([*((one.id, one.state.value) for one in self.proposals.values()), *requests, *runs, *reviews])

    def requests_of(self, proposal_id: str) -> list[ApprovalRequest]:
        return [one for _, one in sorted(self.requests.items()) if one.proposal_id == proposal_id]

    def executions_of(self, proposal_id: str) -> list[Execution]:
        return [one for _, one in sorted(self.executions.items()) if one.proposal_id == proposal_id]


NOTHING = Seen({}, {}, {}, (), {})


async def look_at_everything(database: Database, after: int) -> tuple[Seen, list[AuditEntry]]:
    """Read every row of the lifecycles, and the audit entries above one id."""
    async with database.read(TENANT) as tx:

        async def every(table: Any) -> dict[str, Any]:
            return {row.id: row for row in await tx.session.scalars(select(table))}

        surfaces = await every(Surface)
        desired = Counter({one.proposal_id: 0 for one in surfaces.values()})
        for one in surfaces.values():
            desired[one.proposal_id] += one.desired
        seen = Seen(
            await every(Proposal), await every(ApprovalRequest), await every(Execution),
            tuple((await every(Review)).values()), desired,
        )  # fmt: skip
        written = select(AuditEntry).where(col(AuditEntry.id) > after).order_by(col(AuditEntry.id))
        return seen, list(await tx.session.scalars(written))


def check_step(before: Seen, now: Seen, written: list[AuditEntry]) -> None:
    """Assert every promise about one step; `written` are the audit entries it added."""
    _check_request_moves(before, now)
    _check_execution_moves(before, now)
    for proposal in now.proposals.values():
        _check_one_of_each(now, proposal)
        _check_word(now, proposal)
    _check_record(before, now, written)
    _check_cards(before, now)


def _check_request_moves(before: Seen, now: Seen) -> None:
    for id, request in now.requests.items():
        was, status = before.requests.get(id), request.status
        if was is None:
            assert status is RequestStatus.PENDING, f"{id} was born {status}"
        elif was.status is not status:
            assert status in REQUEST_MOVES.get(was.status, ()), f"{id} moved from {was.status} to {status}"
        if status is RequestStatus.APPROVED:
            assert request.decided_at is not None
            assert request.decided_at < request.expires_at, f"{id} was approved after it had expired"
            _check_quorum(now, request)


def _check_quorum(now: Seen, request: ApprovalRequest) -> None:
    """Of the answers that stand, as many different people as needed approved, and none of them asked for it."""
    approving = [
        one.reviewer
        for one in now.reviews
        if one.request_id == request.id and one.voided_at is None and one.verdict is ReviewVerdict.APPROVE
    ]
    assert len(approving) == len(set(approving))
    assert request.requester not in approving
    assert request.decided_by in approving
    assert len(approving) >= request.quorum


def _check_execution_moves(before: Seen, now: Seen) -> None:
    for id, execution in now.executions.items():
        was, status = before.executions.get(id), execution.status
        if was is None:
            assert status is ExecutionStatus.QUEUED, f"{id} was born {status}"
        elif was.status is not status:
            legal = EXECUTION_MOVES.get(was.status, frozenset())
            # What may have run and may not start again passes through `running` within one transaction.
            gave_up = (was.status, status) == (ExecutionStatus.QUEUED, ExecutionStatus.UNKNOWN) and was.maybe_ran
            assert status in legal or gave_up, f"{id} moved from {was.status} to {status}"


def _check_one_of_each(now: Seen, proposal: Proposal) -> None:
    requests, executions = now.requests_of(proposal.id), now.executions_of(proposal.id)
    assert sum(one.status in OPEN_REQUESTS for one in requests) <= 1
    assert sum(one.status in _RUNNABLE for one in executions) <= 1
    assert sum(one.status is ExecutionStatus.SUCCEEDED for one in executions) <= 1
    allowed = any(one.status is RequestStatus.APPROVED for one in requests) or not requests
    assert allowed or not executions, f"{proposal.id} runs although nobody approved it"


def _check_word(now: Seen, proposal: Proposal) -> None:
    """The agent reads what its newest execution says, else its newest request, else the verdict."""
    requests, executions = now.requests_of(proposal.id), now.executions_of(proposal.id)
    expected = proposal.state
    if executions:
        expected = state_of_execution(executions[-1].status)
    elif requests:
        expected = state_of_request(requests[-1].status, proposal.tier is Tier.SUGGEST)
    else:
        assert proposal.state in (ProposalState.DENIED, ProposalState.SHADOWED)
    assert proposal.state is expected, f"{proposal.id} says {proposal.state}, not {expected}"
    assert (proposal.closed_at is None) == (proposal.state in OPEN_STATES)
    if proposal.closed_at is not None and proposal.idempotency_key is None:
        assert proposal.claim_key is None, f"{proposal.id} is closed and still absorbs repetitions"


def _check_record(before: Seen, now: Seen, written: list[AuditEntry]) -> None:
    """One entry for each move, and none without one, but votes, warnings and deferring again."""
    born = [id for id in now.proposals if id not in before.proposals]
    assert sorted(one.proposal_id or "" for one in _entries(written, "proposal.") if one.proposal_id) == sorted(born)
    asked = Counter(one.request_id for one in _entries(written, "approval.", "review."))
    moved = {
        id for id, one in now.requests.items() if id in before.requests and before.requests[id].status != one.status
    }
    assert all(asked[id] == 1 for id in moved), f"{moved} moved, {asked} was written down"
    for entry in _entries(written, "approval.", "review."):
        assert entry.request_id is not None
        told = json.loads(entry.detail).get("status")
        assert told in (None, now.requests[entry.request_id].status)
        is_move = entry.kind in ("approval.decided", "approval.expired", "approval.withdrawn", "approval.reopened")
        assert not is_move or entry.request_id in moved
    ran = Counter(one.execution_id for one in _entries(written, "execution."))
    assert ran == Counter(
        id
        for id, one in now.executions.items()
        if id in before.executions and before.executions[id].status != one.status
    )


def _entries(written: list[AuditEntry], *kinds: str) -> list[AuditEntry]:
    return [one for one in written if one.kind.startswith(kinds)]


def _check_cards(before: Seen, now: Seen) -> None:
    """Whatever moved owes its cards a change."""
    moved = [
        one.proposal_id
        for was, rows in ((before.requests, now.requests), (before.executions, now.executions))
        for id, one in rows.items()  # type: ignore[attr-defined]
        if id in was and was[id].status != one.status  # type: ignore[attr-defined]
    ]
    for id in moved:
        assert id not in before.desired or now.desired[id] > before.desired[id], f"the cards of {id} stay as they were"
