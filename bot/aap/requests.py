"""`/v1/requests`: agents ask, wait, cancel, consume an approval and say what came of it."""

import asyncio
import re

from aiohttp import web

from bot.aap import wire
from bot.aap.bodies import Length, OutcomeBody, RequestBody, key_of, read_body, session_in, wait_of
from bot.aap.callers import AapCallers
from bot.api import bodies
from bot.api.endpoints import Endpoint, Query, Who
from bot.api.errors import answer
from bot.api.waiting import Waiters
from bot.office import Office
from governance.aap import WAITING, AapStatus, length_of, tool_name
from governance.errors import NotFound, Unprocessable
from governance.gates import find_problems
from governance.lifecycle import ExecutionStatus
from governance.policy import Problem
from governance.verdict import Call
from operations import aap as operation
from operations.aap import Asked, Filed, Holder
from operations.propose import Proposed
from storage.dossier import dossier
from storage.tables import AapRequest, Execution

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEYED = ("Idempotency-Key",)
_WAIT: Query[str | None] = Query(
    "wait", Length, "How long to wait for a terminal state, such as 25s; at most 30 seconds."
)


class Requests:
    """Handlers of `/v1/requests`."""

    def __init__(self, office: Office, callers: AapCallers) -> None:
        self._office, self._callers, self._waiters = office, callers, Waiters(office)

    def endpoints(self) -> list[Endpoint]:
        """Return the addresses that are answered here."""
        one, told = "/v1/requests/{id}", {200: wire.RequestJson}
        return [
            Endpoint("POST", "/v1/requests", self.create, Who.AGENT, {201: wire.RequestJson, **told},
                     RequestBody, refuses=(409, 422), needs=_KEYED),
            Endpoint("GET", one, self.read, Who.AGENT, told, query=(_WAIT,), refuses=(404,)),
            Endpoint("DELETE", one, self.cancel, Who.AGENT, told, refuses=(404, 409)),
            Endpoint("POST", f"{one}/consume", self.consume, Who.AGENT, told, refuses=(404, 409), needs=_KEYED),
            Endpoint("POST", f"{one}/outcome", self.conclude, Who.AGENT, told, OutcomeBody, refuses=(404, 409)),
        ]  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v1/requests`: ask whether one call may run; the same again under its key is answered with the same."""
        agent, holder = await self._callers.agent(request)
        key = key_of(request)
        body, size = await read_body(request, RequestBody)
        asked = _asked(holder, key, body)
        checked = await self._problems(asked, size)
        policy = self._office.policy.current
        filed = await self._office.database.write(
            self._office.tenant, lambda tx: operation.file(tx, policy, agent, asked, checked)
        )
        if filed.request is None:
            raise _needs_input(filed)
        told = await self._told(filed.request.id, holder)
        return answer(told, 201 if filed.proposed is not None else 200)

    async def _problems(self, asked: Asked, size: int) -> tuple[Problem, ...] | None:
        policy, call = self._office.policy.current, Call(asked.tool, asked.body["arguments"])
        if size > bodies.OFF_THE_LOOP:
            return await asyncio.to_thread(find_problems, policy, call)
        return find_problems(policy, call)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /v1/requests/{id}?wait=25s`: the request as it stands, or as it stands once it is resolved."""
        _, holder = await self._callers.agent(request)
        wait, found = wait_of(request), await self._own(request, holder)
        if found.proposal_id is not None:
            caller = holder.instance_id or holder.agent_id
            await self._waiters.wait(request, caller, found.proposal_id, wait, WAITING)
        return answer(await self._told(found.id, holder))

    async def cancel(self, request: web.Request) -> web.Response:
        """`DELETE /v1/requests/{id}`: take back what waits; again is fine."""
        _, holder = await self._callers.agent(request)
        id = _id_of(request)
        await self._office.database.write(self._office.tenant, lambda tx: operation.cancel(tx, holder, id))
        return answer(await self._told(id, holder))

    async def consume(self, request: web.Request) -> web.Response:
        """`POST /v1/requests/{id}/consume`: start an approved call, once."""
        _, holder = await self._callers.agent(request)
        key, id, policy = key_of(request), _id_of(request), self._office.policy.current
        await bodies.read_body(request, bodies.NothingBody)
        has_started = await self._office.database.write(
            self._office.tenant, lambda tx: operation.consume(tx, policy, holder, id, key)
        )
        if not has_started:
            raise operation.too_late()
        return answer(await self._told(id, holder))

    async def conclude(self, request: web.Request) -> web.Response:
        """`POST /v1/requests/{id}/outcome`: say what came of a call that was consumed."""
        _, holder = await self._callers.agent(request)
        body, _ = await read_body(request, OutcomeBody)
        id, policy, status = _id_of(request), self._office.policy.current, ExecutionStatus(body.status)
        await self._office.database.write(
            self._office.tenant, lambda tx: operation.conclude(tx, policy, holder, id, status, body.note)
        )
        return answer(await self._told(id, holder))

    async def _own(self, request: web.Request, holder: Holder) -> AapRequest:
        async with self._office.database.read(self._office.tenant) as tx:
            return operation.check_holder(await tx.get(AapRequest, _id_of(request)), holder)

    async def _told(self, id: str, holder: Holder) -> dict[str, object]:
        """Return a request as it stands. An agent that hears for the first time that it may run has been told so."""
        async with self._office.database.read(self._office.tenant) as tx:
            found = operation.check_holder(await tx.get(AapRequest, id), holder)
            about = await dossier(tx, found.proposal_id) if found.proposal_id is not None else None
            told = wire.request_json(found, operation.submission_of(tx, found), about)
        execution = about.execution if about is not None else None
        if told["status"] == AapStatus.APPROVED and execution is not None and _is_news(execution):
            await self._office.database.write(self._office.tenant, lambda tx: operation.tell_approved(tx, holder, id))
        return told


def _is_news(execution: Execution) -> bool:
    """Whether an agent that reads that it may run this reads so for the first time."""
    return execution.status is ExecutionStatus.QUEUED and not execution.maybe_ran


def _asked(holder: Holder, key: str, body: RequestBody) -> Asked:
    return Asked(
        holder, key, body.model_dump(exclude_unset=True), tool_name(body.tool, body.server), length_of(body.timeout),
        session_in(body.context),
    )  # fmt: skip


def _needs_input(filed: Filed) -> Unprocessable:
    proposed: Proposed | None = filed.proposed
    assert proposed is not None  # what was not kept was judged
    problems = [{"field": f"/arguments{one.field}"} for one in proposed.verdict.problems]
    return Unprocessable(f"{proposed.verdict.reason}.", code="needs_input", details={"problems": problems})


def _id_of(request: web.Request) -> str:
    """Return the id in the address. Raises NotFound for what is none."""
    found = request.match_info["id"].lower()
    if not _UUID.fullmatch(found):
        raise NotFound("There is no request of yours under this id.", code="not_found")
    return found
