"""`/proposals`: agents propose, wait, look and withdraw."""

import asyncio

from aiohttp import web

from bot.api import bodies, wire
from bot.api.errors import answer, problem
from bot.api.principals import Callers, Operator
from bot.office import Office
from governance.errors import NotFound
from governance.gates import find_problems
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Agent
from governance.verdict import Outcome, Verdict
from operations import propose as operation
from operations import withdraw as withdrawing
from operations.execute import AGENT
from operations.propose import Proposed
from operations.submission import Submission
from storage import audit, proposals
from storage.dossier import Dossier, dossier
from storage.tables import Proposal

_OFF_THE_LOOP = 8 * 1024
_WAITING = frozenset({ProposalState.PENDING, ProposalState.ALLOWED})
_RECHECK = 2.0  # seconds; the wake-up of another replica does not reach this one
_BLOCKED_STATUS = {Outcome.NEEDS_INPUT: 422, Outcome.SCOPE_INVALID: 403, Outcome.POLICY_DENIED: 403}


class Proposals:
    """Handlers of `/proposals`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def create(self, request: web.Request) -> web.Response:
        """`POST /proposals`."""
        agent = await self._callers.agent(request)
        wait = bodies.wait_of(request)
        body, size = await bodies.read_body(request, bodies.ProposalBody)
        proposed = await self._propose(agent, _submission(body), size)
        if proposed.proposal is None:
            return problem(404, "UNSUPPORTED", f"{_sentence(proposed.verdict)}.", {"tool": body.tool})
        if proposed.proposal.state is ProposalState.DENIED:
            return _blocked(proposed)
        found = await self._wait(proposed.proposal.id, wait)
        return answer(wire.proposal_json(found, duplicate=proposed.duplicate), _created_status(found, proposed))

    async def _propose(self, agent: Agent, submission: Submission, size: int) -> Proposed:
        policy, call = self._office.policy.current, submission.call
        if size > _OFF_THE_LOOP:
            checked = await asyncio.to_thread(find_problems, policy, call)
        else:
            checked = find_problems(policy, call)
        return await self._office.database.write(
            self._office.tenant, lambda tx: operation.propose(tx, policy, agent, submission, checked)
        )

    async def read(self, request: web.Request) -> web.Response:
        """`GET /proposals/{id}?wait=s`."""
        proposal_id = await self._own(request)
        return answer(wire.proposal_json(await self._wait(proposal_id, bodies.wait_of(request))))

    async def events(self, request: web.Request) -> web.Response:
        """`GET /proposals/{id}/events`: what happened to it, in order."""
        proposal_id = await self._own(request)
        async with self._office.database.read(self._office.tenant) as tx:
            entries = await audit.entries_of(tx, proposal_id)
        return answer({"items": [wire.event_json(entry) for entry in entries], "next_cursor": None})

    async def withdraw(self, request: web.Request) -> web.Response:
        """`DELETE /proposals/{id}`."""
        agent = await self._callers.agent(request)
        body, _ = await bodies.read_body(request, bodies.WithdrawBody)
        proposal_id = request.match_info["id"]
        await self._office.database.write(
            self._office.tenant, lambda tx: withdrawing.withdraw(tx, proposal_id, agent.id, body.reason)
        )
        return answer(wire.proposal_json(await self._dossier(proposal_id)))

    async def _own(self, request: web.Request) -> str:
        """Return the id asked for, if the caller may see it; another's answers like an unknown one."""
        caller = await self._callers.either(request)
        async with self._office.database.read(self._office.tenant) as tx:
            found = await tx.get(Proposal, request.match_info["id"])
        if found is None or (not isinstance(caller, Operator) and found.agent_id != caller.id):
            raise NotFound("There is no proposal of yours under this id.")
        return found.id

    async def _dossier(self, proposal_id: str) -> Dossier:
        async with self._office.database.read(self._office.tenant) as tx:
            found = await dossier(tx, proposal_id)
        assert found is not None
        return found

    async def _wait(self, proposal_id: str, seconds: float) -> Dossier:
        """Return a proposal once its agent need not wait any more, or after so many seconds."""
        deadline = asyncio.get_running_loop().time() + seconds
        with self._office.database.signals.listen(proposals.topic(proposal_id)) as changed:
            while True:
                changed.clear()
                found = await self._dossier(proposal_id)
                left = deadline - asyncio.get_running_loop().time()
                if not _is_waiting(found) or left <= 0 or self._office.database.signals.closed:
                    return found
                await _either(changed, min(left, _RECHECK))


def _is_waiting(found: Dossier) -> bool:
    """Whether an agent has to wait. What it runs itself it need not wait for any longer than until it may."""
    if found.proposal.connector == AGENT and found.execution is not None:
        return found.execution.status is ExecutionStatus.QUEUED
    return found.proposal.state in _WAITING


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _submission(body: bodies.ProposalBody) -> Submission:
    thread = (body.thread.channel, body.thread.thread_ts) if body.thread else None
    fields = body.model_dump(exclude={"thread"})
    return Submission(**fields, thread=thread)


def _created_status(found: Dossier, proposed: Proposed) -> int:
    if proposed.duplicate:
        return 200
    return 202 if found.proposal.state is ProposalState.PENDING else 201


def _blocked(proposed: Proposed) -> web.Response:
    proposal, verdict = proposed.proposal, proposed.verdict
    assert proposal is not None
    details = {
        "proposal_id": proposal.id, "state": proposal.state, "outcome": verdict.outcome,
        "problems": proposal.problems or [], "missing_scopes": list(verdict.missing_scopes),
    }  # fmt: skip
    status = _BLOCKED_STATUS.get(verdict.outcome, 403)
    return problem(
        status, proposal.code or "POLICY_DENIED", f"{proposal.reason[:1].upper()}{proposal.reason[1:]}.", details
    )


def _sentence(verdict: Verdict) -> str:
    return f"{verdict.reason[:1].upper()}{verdict.reason[1:]}"
