"""`/proposals`: agents propose, wait, look and withdraw."""

from aiohttp import web

from bot.api import bodies, wire
from bot.api.calls import Calls, submission_of
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer, problem
from bot.api.principals import Callers, Operator
from bot.api.queries import DRY_RUN, WAIT
from bot.api.shapes import Page
from bot.api.waiting import Waiters
from bot.api.wire import EventJson, ProposalJson
from bot.office import Office
from bot.office.explaining import ExplainedJson, explain
from governance.lifecycle import ProposalState
from governance.verdict import Outcome, Verdict
from operations.propose import Proposed
from storage import audit
from storage.dossier import Dossier

_LEADS = (("proposal_id", "/proposals/{id}"), ("approval/id", "/approvals/{id}"))
_BLOCKED_STATUS = {Outcome.NEEDS_INPUT: 422, Outcome.SCOPE_INVALID: 403, Outcome.POLICY_DENIED: 403}


class Proposals:
    """Handlers of `/proposals`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers, self.calls, self.waiters = office, callers, Calls(office), Waiters(office)

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        created = {200: ProposalJson | ExplainedJson, 201: ProposalJson, 202: ProposalJson}
        told, one = {200: ProposalJson}, "/proposals/{id}"
        return [
            Endpoint("POST", "/proposals", self.create, Who.AGENT, created, bodies.ProposalBody, (WAIT, DRY_RUN),
                     (404, 409), leads=_LEADS),
            Endpoint("GET", one, self.read, Who.EITHER, told, query=(WAIT,)),
            Endpoint("DELETE", one, self.withdraw, Who.AGENT, told, bodies.WithdrawBody, refuses=(409,)),
            Endpoint("GET", f"{one}/events", self.events, Who.EITHER, {200: Page[EventJson]}),
        ]  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """`POST /proposals`: propose a call.

        202 while people are asked, 201 where it is settled, 200 where the same call was proposed before, or for a dry
        run. A refused call is recorded too: 403 and 422 name it in `details`.
        """
        agent = await self._callers.agent(request)
        wait = WAIT.read(request)
        body, size = await bodies.read_body(request, bodies.ProposalBody)
        if DRY_RUN.read(request):
            return answer(await explain(self._office, agent, submission_of(body)))
        proposed = await self.calls.propose(agent, body, size)
        if proposed.proposal is None:
            return problem(404, "UNSUPPORTED", f"{_sentence(proposed.verdict)}.", {"tool": body.tool})
        if proposed.proposal.state is ProposalState.DENIED:
            return _blocked(proposed)
        await self.waiters.wait(request, agent.id, proposed.proposal.id, wait)
        found = await self.calls.dossier(proposed.proposal.id)
        return answer(wire.proposal_json(found, duplicate=proposed.duplicate), _created_status(found, proposed))

    async def read(self, request: web.Request) -> web.Response:
        """`GET /proposals/{id}`: what became of a proposal; with `wait`, as soon as it is settled."""
        caller, proposal_id = await self._own(request)
        await self.waiters.wait(request, caller, proposal_id, WAIT.read(request))
        return answer(wire.proposal_json(await self.calls.dossier(proposal_id)))

    async def events(self, request: web.Request) -> web.Response:
        """`GET /proposals/{id}/events`: what happened to a proposal, in order."""
        _, proposal_id = await self._own(request)
        async with self._office.database.read(self._office.tenant) as tx:
            entries = await audit.entries_of(tx, proposal_id)
        page: Page[EventJson] = {"items": [wire.event_json(entry) for entry in entries], "next_cursor": None}
        return answer(page)

    async def withdraw(self, request: web.Request) -> web.Response:
        """`DELETE /proposals/{id}`: take back a proposal that waits for people."""
        agent = await self._callers.agent(request)
        body, _ = await bodies.read_body(request, bodies.WithdrawBody)
        return answer(wire.proposal_json(await self.calls.withdraw(agent, request.match_info["id"], body.reason)))

    async def _own(self, request: web.Request) -> tuple[str, str]:
        """Return who calls and the id asked for, if the caller may see it; another's answers like an unknown one."""
        caller = await self._callers.either(request)
        proposal_id = request.match_info["id"]
        await self.calls.check_own(proposal_id, None if isinstance(caller, Operator) else caller.id)
        return caller.key_id if isinstance(caller, Operator) else caller.id, proposal_id


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
