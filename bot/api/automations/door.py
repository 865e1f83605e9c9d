"""`/automations`: registered, listed, changed, paused, ended and brought back. Agents act by key, people sign."""

from typing import Any

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.automations import bodies as automation_bodies
from bot.api.automations.wire import (
    AgentReviewJson,
    AutomationJson,
    GovernanceJson,
    LifecycleJson,
    agent_review_json,
    automation_json,
    governance_json,
    lifecycle_json,
)
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.governing.spend_wire import SpendingJson, spending_json
from bot.api.principals import Callers, Operator
from bot.api.queries import CURSOR, LIMIT, PAGING, Query
from bot.api.shapes import Page
from bot.office import Office, spending
from bot.office.automations import Verb, as_agent, as_person, carry_out, visible
from governance.authorising import Caller
from governance.automations import ActorKind, AutomationStatus, Right
from operations import automations as operation
from operations import ending
from operations.automations import Draft
from storage import automations
from storage.automation_facts import agents_of
from storage.tables import Automation

STATUS: Query[AutomationStatus | None] = Query("status", AutomationStatus, "Only automations in this status.")
_CONTESTED = (409, 503)


class AutomationTold(TypedDict):
    """One automation."""

    automation: AutomationJson


class SpendOfAgents(TypedDict):
    """What the agents of an automation spent."""

    agents: list[SpendingJson]


class AutomationGovernance(TypedDict):
    """Where an automation comes from, what is owed about it, what was found, and what its agents spent."""

    governance: GovernanceJson
    lifecycle: LifecycleJson
    agent_review: AgentReviewJson | None
    spend: SpendOfAgents


class Automations:
    """Handlers of `/automations`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        every, told = "/automations", {200: AutomationTold}
        one = f"{every}/{{id}}"
        return [
            Endpoint("GET", every, self.index, Who.EITHER, {200: Page[AutomationJson]}, query=(STATUS, *PAGING),
                     leads=(("items/0/id", one),)),
            Endpoint("POST", every, self.create, Who.EITHER, {201: AutomationTold}, automation_bodies.AutomationBody,
                     refuses=_CONTESTED, leads=(("automation/id", one),)),
            Endpoint("GET", one, self.read, Who.EITHER, told),
            Endpoint("PATCH", one, self.change, Who.EITHER, told, automation_bodies.AutomationChangeBody,
                     refuses=_CONTESTED),
            Endpoint("DELETE", one, self.delete, Who.EITHER, told, bodies.NothingBody, refuses=_CONTESTED),
            Endpoint("GET", f"{one}/governance", self.governance, Who.EITHER, {200: AutomationGovernance}),
            *(
                Endpoint("POST", f"{one}/{handle.__name__}", handle, Who.EITHER, told, body, refuses=_CONTESTED)
                for handle, body in (
                    (self.pause, bodies.WithdrawBody), (self.resume, bodies.NothingBody),
                    (self.restore, bodies.NothingBody), (self.retire, bodies.WithdrawBody),
                    (self.extend, automation_bodies.ExtendBody),
                )
            ),
        ]  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """`POST /automations`: register an automation; nothing but a name is needed."""
        caller = await acting(self._callers, request)
        body, _ = await bodies.read_body(request, automation_bodies.AutomationBody)
        draft = Draft(
            body.name, body.schedule, tuple(body.tools) if body.tools is not None else None, tuple(body.agents),
            _rights(body.capabilities), body.metadata, body.expires_at,
        )  # fmt: skip
        row = await carry_out(self._office, caller, lambda tx, policy, by: operation.create(tx, policy, by, draft))
        return _told(row, 201)

    async def index(self, request: web.Request) -> web.Response:
        """`GET /automations`: automations, newest first; agents see what they made or may change."""
        caller = await looking(self._callers, request)
        limit, status = LIMIT.read(request), STATUS.read(request)
        async with self._office.database.read(self._office.tenant) as tx:
            page = await automations.page(
                tx, agent_id=None if caller.is_human else caller.actor.id, status=status, before=CURSOR.read(request),
                limit=limit + 1,
            )  # fmt: skip
        more = next_after(page, limit)
        shown: Page[AutomationJson] = {"items": [automation_json(one) for one in page[:limit]], "next_cursor": more}
        return answer(shown)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}`: one automation."""
        caller = await looking(self._callers, request)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
        return _told(row)

    async def governance(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}/governance`: where an automation comes from, what is owed about it, what was found."""
        caller = await looking(self._callers, request)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
            found = await automations.findings(tx, row.id)
            made_by_agent = row.creator_kind is ActorKind.AGENT and row.creator_id is not None
            review = await automations.agent_review(tx, row.creator_id or "") if made_by_agent else None
            asking = [caller.actor.id or ""]  # an agent may name any other in what it makes; their money is not its own
            spent = await spending.spendings(
                tx, self._office.policy.current, list(agents_of(row)) if caller.is_human else asking
            )
        told: AutomationGovernance = {
            "governance": governance_json(row, found), "lifecycle": lifecycle_json(row),
            "agent_review": agent_review_json(review) if review else None,
            "spend": {"agents": [spending_json(one, self._office) for one in spent]},
        }  # fmt: skip
        return answer(told)

    async def change(self, request: web.Request) -> web.Response:
        """`PATCH /automations/{id}`: change the fields that are sent."""
        caller = await acting(self._callers, request)
        body, _ = await bodies.read_body(request, automation_bodies.AutomationChangeBody)
        changes: dict[str, Any] = {key: getattr(body, key) for key in body.model_fields_set}
        if "capabilities" in changes:
            changes["rights"] = _rights(changes.pop("capabilities"))
        if "metadata" in changes:
            changes["about"] = changes.pop("metadata")
        id = request.match_info["id"]
        return await self._done(caller, lambda tx, policy, by: operation.update(tx, policy, by, id, changes))

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE /automations/{id}`: delete an automation; for a week it can be restored."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        await bodies.read_body(request, bodies.NothingBody)
        return await self._done(caller, lambda tx, policy, by: ending.delete(tx, policy, by, id))

    async def restore(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/restore`: bring back what was deleted."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        await bodies.read_body(request, bodies.NothingBody)
        return await self._done(caller, lambda tx, policy, by: ending.restore(tx, policy, by, id))

    async def pause(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/pause`: let nothing of it start until it is resumed."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        reason = (await bodies.read_body(request, bodies.WithdrawBody))[0].reason
        return await self._done(caller, lambda tx, policy, by: operation.pause(tx, policy, by, id, reason))

    async def resume(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/resume`: let it go on."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        await bodies.read_body(request, bodies.NothingBody)
        return await self._done(caller, lambda tx, policy, by: operation.resume(tx, policy, by, id))

    async def retire(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/retire`: end it for good."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        reason = (await bodies.read_body(request, bodies.WithdrawBody))[0].reason
        return await self._done(caller, lambda tx, policy, by: ending.retire_by(tx, policy, by, id, reason))

    async def extend(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/extend`: let it expire later."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        body, _ = await bodies.read_body(request, automation_bodies.ExtendBody)
        return await self._done(
            caller, lambda tx, policy, by: ending.extend_by(tx, policy, by, id, body.expires_at, body.reason)
        )

    async def _done(self, caller: Caller, verb: Verb[Automation]) -> web.Response:
        return _told(await carry_out(self._office, caller, verb))


def _told(row: Automation, status: int = 200) -> web.Response:
    told: AutomationTold = {"automation": automation_json(row)}
    return answer(told, status)


async def acting(callers: Callers, request: web.Request) -> Caller:
    """Return whoever wants to change something: an agent by its key, a person by a signed call, as a full member.

    Nothing that the call says about who it comes from counts.
    """
    if "Authorization" in request.headers:
        return as_agent(await callers.agent(request))
    operator = await callers.governor(request)
    return as_person(operator.person, operator.role)


async def looking(callers: Callers, request: web.Request) -> Caller:
    """Return whoever wants to read."""
    caller = await callers.either(request)
    return as_person(caller.person, caller.role) if isinstance(caller, Operator) else as_agent(caller)


def _rights(names: dict[Any, bool]) -> frozenset[Right]:
    return frozenset(Right(name) for name, wanted in names.items() if wanted)
