"""`/agents/{id}/spend/reports`, `/governance/spend` and `/governance/limits`."""

from typing import Any

from aiohttp import web

from bot.api import bodies
from bot.api.bodies import moment
from bot.api.errors import answer
from bot.api.money import LimitsBody, SpendReportBody
from bot.api.principals import Callers
from bot.office import Office, spending
from bot.office.governing import Actor
from bot.office.spending import LimitChange, Spending
from bot.policy.limits import told_limits
from governance.automations import SpendSpan
from governance.errors import NotFound
from governance.money import format_usd
from governance.policy import Agent
from governance.spend import window_of
from operations.spend import Reported, Spent
from storage.tables import SpendWindow


class Spend:
    """Handlers of what agents cost, and of the limits in force."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def report(self, request: web.Request) -> web.Response:
        """`POST /agents/{id}/spend/reports`: 201 charged, 200 reported before. By the agent's key, or by admins."""
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
        told = {**_report_json(reported), "spend": spending_json(await self._of(agent_id), self._office)}
        return answer(told, 200 if reported.duplicate else 201)

    async def index(self, request: web.Request) -> web.Response:
        """`GET /governance/spend`: of every agent that ever spent; an agent sees its own."""
        caller = await self._callers.either(request)
        agents = [caller.id] if isinstance(caller, Agent) else list(self._office.policy.current.agents)
        async with self._office.database.read(self._office.tenant) as tx:
            found = await spending.spendings(tx, self._office.policy.current, agents)
        told = [spending_json(one, self._office) for one in found if one.has_spent]
        return answer({"spend": told, "count": len(told)})

    async def read(self, request: web.Request) -> web.Response:
        """`GET /governance/agents/{id}/spend`: what one agent spent in the windows of now."""
        caller, agent_id = await self._callers.either(request), request.match_info["id"]
        is_others = isinstance(caller, Agent) and caller.id != agent_id
        known = agent_id in self._office.policy.current.agents
        found = await self._of(agent_id) if known and not is_others else None
        if found is None or not found.has_spent:
            raise NotFound("No spend of such an agent is known.", code="AGENT_SPEND_NOT_FOUND")
        return answer({"spend": spending_json(found, self._office)})

    async def limits(self, request: web.Request) -> web.Response:
        """`GET /governance/limits`: the limits in force. Signed."""
        await self._callers.governor(request, tightens=True)
        return answer({"limits": told_limits(await spending.limits_now(self._office))})

    async def change_limits(self, request: web.Request) -> web.Response:
        """`PATCH /governance/limits`: change or reset some, at once. Signed, by admins."""
        operator = await self._callers.governor(request)
        body, _ = await bodies.read_body(request, LimitsBody)
        wanted = LimitChange(body.values, body.reset_names, body.reset_agents, body.reason)
        limits = await spending.change(self._office, Actor(operator.person, operator.role), wanted)
        return answer({"limits": told_limits(limits)})

    async def _of(self, agent_id: str) -> Spending:
        async with self._office.database.read(self._office.tenant) as tx:
            return (await spending.spendings(tx, self._office.policy.current, [agent_id]))[0]


async def _spent(request: web.Request) -> Spent:
    body, _ = await bodies.read_body(request, SpendReportBody)
    return Spent(
        body.report_id, body.cost_usd, body.run_id, body.prompt_tokens, body.completion_tokens, body.tokens
    )  # fmt: skip


def _report_json(reported: Reported) -> dict[str, Any]:
    report = reported.report
    return {
        "report_id": report.report_id, "agent_id": report.agent_id, "run_id": report.run_id,
        "cost_usd": format_usd(report.cost), "at": moment(report.at), "duplicate": reported.duplicate,
    }  # fmt: skip


def spending_json(found: Spending, office: Office) -> dict[str, Any]:
    """Return what an agent spent in the windows of now, under which cap, and whether it is stopped."""
    now, stop = office.database.clock(), found.stop if found.is_held else None
    windows = {one.span: one for one in found.windows}
    weekly = windows.get(SpendSpan.WEEKLY)
    left = None if found.cap is None else max(0, found.cap - (weekly.cost if weekly else 0))
    return {
        "agent_id": found.agent_id,
        **{span.value: _window_json(span, windows.get(span), now) for span in SpendSpan},
        "weekly_spend_cap_usd": None if found.cap is None else format_usd(found.cap),
        "weekly_remaining_usd": None if left is None else format_usd(left),
        "warning_threshold_ratio": found.ratio,
        "paused_at": moment(stop.at) if stop else None, "pause_reason": stop.reason if stop else None,
        "override_until": moment(found.stop.lifted_until) if found.stop and found.stop.lifted_until else None,
        "updated_at": moment(max(one.updated_at for one in found.windows)) if found.windows else None,
    }  # fmt: skip


def _window_json(span: SpendSpan, found: SpendWindow | None, now: Any) -> dict[str, Any]:
    window = window_of(span, now)
    counted = found or SpendWindow(tenant="", agent_id="", span=span, start=window.start, updated_at=now)
    return {
        "kind": span, "window_start": moment(window.start), "window_end": moment(window.end) if window.end else None,
        "cost_usd": format_usd(counted.cost), "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens, "total_tokens": counted.total_tokens,
        "last_run_id": counted.last_run_id,
        "soft_warning_at": moment(counted.warned_at) if counted.warned_at else None,
        "hard_stop_at": moment(counted.stopped_at) if counted.stopped_at else None,
    }  # fmt: skip
