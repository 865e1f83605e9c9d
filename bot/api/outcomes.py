"""What became of a call: reported by the agent that ran it itself, or found out by a person where nobody knew."""

from aiohttp import web

from bot.api import bodies, wire
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.wire import ProposalJson
from bot.office import Office
from bot.office.reconciling import Reconciling, reconcile
from governance.attempts import MAX_RESULT
from governance.canonical import canonical
from governance.errors import Conflict, Unprocessable
from governance.lifecycle import ExecutionStatus
from governance.reconciling import Finding
from operations import report as reporting
from operations.report import Report
from storage.dossier import dossier
from storage.tables import Door


class Outcomes:
    """Handlers of `/proposals/{id}/outcome` and `/proposals/{id}/reconcile`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        told, one = {200: ProposalJson}, "/proposals/{id}"
        return [
            Endpoint("POST", f"{one}/outcome", self.report, Who.AGENT, told, bodies.OutcomeBody, refuses=(409,)),
            Endpoint("POST", f"{one}/reconcile", self.reconcile, Who.OPERATOR, told, bodies.ReconcileBody,
                     refuses=(409, 503)),
        ]  # fmt: skip

    async def report(self, request: web.Request) -> web.Response:
        """`POST /proposals/{id}/outcome`: report what became of an allowed call that the agent ran itself."""
        agent = await self._callers.agent(request)
        body, _ = await bodies.read_body(request, bodies.OutcomeBody)
        said, proposal_id = _report(body), request.match_info["id"]
        policy = self._office.policy.current
        execution = await self._office.database.write(
            self._office.tenant, lambda tx: reporting.report(tx, policy, proposal_id, agent.id, said)
        )
        if execution.status is ExecutionStatus.INVALIDATED:
            why = f"This call may not run any more: {execution.error}."
            raise Conflict(why, code="INVALIDATED", details={"status": execution.status})
        return await self._answer(proposal_id)

    async def reconcile(self, request: web.Request) -> web.Response:
        """`POST /proposals/{id}/reconcile`: answer for a call whose outcome is unknown, signed."""
        operator = await self._callers.operator(request)
        body, _ = await bodies.read_body(request, bodies.ReconcileBody)
        proposal_id = request.match_info["id"]
        given = Reconciling(operator.person, Finding(body.outcome), Door.API, body.reason)
        await reconcile(self._office, proposal_id, given)
        return await self._answer(proposal_id)

    async def _answer(self, proposal_id: str) -> web.Response:
        async with self._office.database.read(self._office.tenant) as tx:
            found = await dossier(tx, proposal_id)
        assert found is not None
        return answer(wire.proposal_json(found))


def _report(body: bodies.OutcomeBody) -> Report:
    result = canonical(body.result).decode() if body.result is not None else None
    if result is not None and len(result.encode()) > MAX_RESULT:
        raise Unprocessable(f"result: send at most {MAX_RESULT // 1024} KiB of JSON; store more elsewhere and link it.")
    return Report(ExecutionStatus(body.status), result, body.error)
