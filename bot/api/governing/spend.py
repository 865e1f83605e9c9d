"""`/agents/{id}/spend/reports`, `/governance/spend` and `/governance/limits`."""

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.governing.money import LimitsBody, SpendReportBody
from bot.api.governing.spend_wire import ReportJson, SpendingJson, report_json, spending_json
from bot.api.principals import Callers
from bot.office import Office, spending
from bot.office.governing import Actor
from bot.office.spending import LimitChange, Spending
from bot.policy.limits import LimitsJson, told_limits
from governance.errors import NotFound
from governance.policy import Agent, Limits
from operations.spend import Spent


class SpendTold(TypedDict):
    """What one agent spent."""

    spend: SpendingJson


class SpendsTold(TypedDict):
    """What every agent spent that ever did."""

    spend: list[SpendingJson]
    count: int


class LimitsTold(TypedDict):
    """The limits in force."""

    limits: LimitsJson


class Spend:
    """Handlers of what agents cost, and of the limits in force."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        reported, limits = {200: ReportJson, 201: ReportJson}, {200: LimitsTold}
        return [
            Endpoint("POST", "/agents/{id}/spend/reports", self.report, Who.EITHER, reported, SpendReportBody,
                     refuses=(409,)),
            Endpoint("GET", "/governance/spend", self.index, Who.EITHER, {200: SpendsTold}),
            Endpoint("GET", "/governance/agents/{id}/spend", self.read, Who.EITHER, {200: SpendTold}),
            Endpoint("GET", "/governance/limits", self.limits, Who.OPERATOR, limits),
            Endpoint("PATCH", "/governance/limits", self.change_limits, Who.OPERATOR, limits, LimitsBody,
                     refuses=(503,)),
        ]  # fmt: skip

    async def report(self, request: web.Request) -> web.Response:
        """`POST /agents/{id}/spend/reports`: charge an agent, by its key or by admins; 200: charged before."""
        agent_id = request.match_info["id"]
        if "Authorization" in request.headers:
            caller = await self._callers.agent(request)
            spent = await _spent(request)
            reported = await spending.report_by_agent(self._office, caller, agent_id, spent)
        else:
            operator = await self._callers.governor(request, tightens=True)
            spent = await _spent(request)
            actor = Actor(operator.person, operator.role)
            reported = await spending.report_by_admin(self._office, actor, agent_id, spent)
        told = spending_json(await self._of(agent_id), self._office)
        return answer(report_json(reported, told), 200 if reported.duplicate else 201)

    async def index(self, request: web.Request) -> web.Response:
        """`GET /governance/spend`: what every agent spent that ever did; an agent sees its own."""
        caller = await self._callers.either(request)
        agents = [caller.id] if isinstance(caller, Agent) else list(self._office.policy.current.agents)
        async with self._office.database.read(self._office.tenant) as tx:
            found = await spending.spendings(tx, self._office.policy.current, agents)
        shown = [spending_json(one, self._office) for one in found if one.has_spent]
        told: SpendsTold = {"spend": shown, "count": len(shown)}
        return answer(told)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /governance/agents/{id}/spend`: what one agent spent in the windows of now."""
        caller, agent_id = await self._callers.either(request), request.match_info["id"]
        is_others = isinstance(caller, Agent) and caller.id != agent_id
        known = agent_id in self._office.policy.current.agents
        found = await self._of(agent_id) if known and not is_others else None
        if found is None or not found.has_spent:
            raise NotFound("No spend of such an agent is known.", code="AGENT_SPEND_NOT_FOUND")
        told: SpendTold = {"spend": spending_json(found, self._office)}
        return answer(told)

    async def limits(self, request: web.Request) -> web.Response:
        """`GET /governance/limits`: the limits in force; signed."""
        await self._callers.governor(request, tightens=True)
        return _limits(await spending.limits_now(self._office))

    async def change_limits(self, request: web.Request) -> web.Response:
        """`PATCH /governance/limits`: change or reset some limits at once; signed by an admin."""
        operator = await self._callers.governor(request)
        body, _ = await bodies.read_body(request, LimitsBody)
        wanted = LimitChange(body.values, body.reset_names, body.reset_agents, body.reason)
        limits = await spending.change(self._office, Actor(operator.person, operator.role), wanted)
        return _limits(limits)

    async def _of(self, agent_id: str) -> Spending:
        async with self._office.database.read(self._office.tenant) as tx:
            return (await spending.spendings(tx, self._office.policy.current, [agent_id]))[0]


def _limits(limits: Limits) -> web.Response:
    told: LimitsTold = {"limits": told_limits(limits)}
    return answer(told)


async def _spent(request: web.Request) -> Spent:
    body, _ = await bodies.read_body(request, SpendReportBody)
    return Spent(
        body.report_id, body.cost_usd, body.run_id, body.prompt_tokens, body.completion_tokens, body.tokens
    )  # fmt: skip
