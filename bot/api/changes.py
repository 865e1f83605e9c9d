"""What operators do to a request besides answering it, and asking again about what nobody answered."""

from aiohttp import web

from bot.api import bodies, wire
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
from bot.api.wire import ProposalJson, RequestJson
from bot.office import Office, changing
from governance.errors import NotFound
from governance.lifecycle import ProposalState
from operations.delegate import Handing
from operations.edit import Edit
from operations.reask import Asker
from storage.dossier import Dossier, dossier
from storage.tables import Door


class Changes:
    """Handlers of `/approvals/{id}/delegate`, `/approvals/{id}/edit` and `/proposals/{id}/rerequest`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        told, request, contested = {200: RequestJson}, "/approvals/{id}", (409, 503)
        asked = {200: ProposalJson, 202: ProposalJson}
        return [
            Endpoint("POST", f"{request}/delegate", self.delegate, Who.OPERATOR, told, bodies.DelegateBody,
                     refuses=contested),
            Endpoint("POST", f"{request}/edit", self.edit, Who.OPERATOR, told, bodies.EditBody, refuses=contested),
            Endpoint("POST", "/proposals/{id}/rerequest", self.rerequest, Who.EITHER, asked, bodies.NothingBody,
                     refuses=contested),
        ]  # fmt: skip

    async def delegate(self, request: web.Request) -> web.Response:
        """`POST /approvals/{id}/delegate`: hand one's place as a reviewer to somebody else, signed."""
        operator = await self._callers.operator(request)
        body, _ = await bodies.read_body(request, bodies.DelegateBody)
        handing = Handing(operator.person, body.to, Door.API, body.reason)
        changed = await changing.delegate(self._office, request.match_info["id"], handing)
        return answer(wire.request_json(await self._dossier(changed.proposal_id)))

    async def edit(self, request: web.Request) -> web.Response:
        """`POST /approvals/{id}/edit`: replace the arguments of a call that one has looked at, signed."""
        operator = await self._callers.operator(request)
        body, _ = await bodies.read_body(request, bodies.EditBody)
        wanted = Edit(operator.person, body.arguments, Door.API, body.reason, seen_digest=body.digest)
        changed = await changing.edit_arguments(self._office, request.match_info["id"], wanted)
        return answer(wire.request_json(await self._dossier(changed.proposal_id)))

    async def rerequest(self, request: web.Request) -> web.Response:
        """`POST /proposals/{id}/rerequest`: have people asked again about a call that nobody answered."""
        caller = await self._callers.either(request)
        await bodies.read_body(request, bodies.NothingBody)
        asker = Asker(person=caller.person) if isinstance(caller, Operator) else Asker(agent_id=caller.id)
        proposal = await changing.ask_again(self._office, request.match_info["id"], asker, Door.API)
        found = await self._dossier(proposal.id)
        return answer(wire.proposal_json(found), 202 if found.proposal.state is ProposalState.PENDING else 200)

    async def _dossier(self, proposal_id: str) -> Dossier:
        async with self._office.database.read(self._office.tenant) as tx:
            found = await dossier(tx, proposal_id)
        if found is None:
            raise NotFound("There is no proposal under this id.")
        return found
