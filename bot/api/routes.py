"""Every address the API answers."""

from collections.abc import Callable

from aiohttp import web

from bot.api.agents import Agents
from bot.api.approvals import Approvals
from bot.api.audit import Audit
from bot.api.automation_routes import automation_routes
from bot.api.changes import Changes
from bot.api.endpoints import BASE, as_routes
from bot.api.errors import answer, desk
from bot.api.governance import Governance
from bot.api.health import Health
from bot.api.keys import Keys
from bot.api.mcp.door import PATH as MCP
from bot.api.mcp.door import McpDoor
from bot.api.outcomes import Outcomes
from bot.api.policy_decisions import PolicyDecisions
from bot.api.principals import Callers, Operator
from bot.api.proposals import Proposals
from bot.api.rules import Rules
from bot.api.spend import Spend
from bot.api.stream import Stream
from bot.api.trust import Trust
from bot.api.webhooks import Webhooks
from bot.office import Office

MAX_BODY = 1024 * 1024


def new_web_app(routes: list[web.RouteDef], offices: Callable[[], list[Office]]) -> web.Application:
    """Return the web application that answers these routes, and tells how the offices are; doors.py adds Slack's."""
    app, health = web.Application(client_max_size=MAX_BODY, middlewares=[desk]), Health(offices)
    app.add_routes([*routes, web.get("/healthz", health.live), web.get("/readyz", health.ready)])
    return app


def api_routes(office: Office) -> list[web.RouteDef]:
    """Return every address of the API, answered for one workspace; always the same ones in the same order."""
    callers = Callers(office)
    proposals, approvals, rules = Proposals(office, callers), Approvals(office, callers), Rules(office, callers)
    changes, outcomes, agents = Changes(office, callers), Outcomes(office, callers), Agents(office, callers)
    trust, governance = Trust(office, callers), Governance(office, callers)
    webhooks, keys = Webhooks(office, callers), Keys(office, callers)
    stream, record = Stream(office, callers), Audit(office, callers)
    mcp = McpDoor(office, callers, proposals.calls, proposals.waiters)
    spend, verdicts = Spend(office, callers), PolicyDecisions(office, callers)

    async def whoami(request: web.Request) -> web.Response:
        """`GET /whoami`: whom this key stands for."""
        caller = await callers.either(request)
        if isinstance(caller, Operator):
            return answer({"kind": "operator", "id": caller.person, "role": caller.role, "key_id": caller.key_id})
        return answer({"kind": "agent", "id": caller.id, "name": caller.name, "scopes": sorted(caller.scopes)})

    return [
        web.post(f"{BASE}/proposals", proposals.create),
        web.get(f"{BASE}/proposals/{{id}}", proposals.read, allow_head=False),
        web.delete(f"{BASE}/proposals/{{id}}", proposals.withdraw),
        web.get(f"{BASE}/proposals/{{id}}/events", proposals.events, allow_head=False),
        web.post(f"{BASE}/proposals/{{id}}/outcome", outcomes.report),
        web.post(f"{BASE}/proposals/{{id}}/reconcile", outcomes.reconcile),
        web.get(f"{BASE}/approvals", approvals.index, allow_head=False),
        *as_routes(stream.endpoints()),
        web.get(f"{BASE}/approvals/{{id}}", approvals.read, allow_head=False),
        web.post(f"{BASE}/approvals/{{id}}", approvals.decide),
        web.post(f"{BASE}/approvals/{{id}}/delegate", changes.delegate),
        web.post(f"{BASE}/approvals/{{id}}/edit", changes.edit),
        web.post(f"{BASE}/proposals/{{id}}/rerequest", changes.rerequest),
        web.get(f"{BASE}/rules", rules.index, allow_head=False),
        web.post(f"{BASE}/rules", rules.create),
        web.get(f"{BASE}/rules/{{id}}", rules.read, allow_head=False),
        web.delete(f"{BASE}/rules/{{id}}", rules.revoke),
        web.get(f"{BASE}/agents/{{id}}", agents.read, allow_head=False),
        web.post(f"{BASE}/agents/{{id}}/pause", agents.pause),
        web.post(f"{BASE}/agents/{{id}}/resume", agents.resume),
        web.post(f"{BASE}/agents/{{id}}/tier", agents.tier),
        web.post(f"{BASE}/agents/{{id}}/spend/reports", spend.report),
        web.get(f"{BASE}/governance/spend", spend.index, allow_head=False),
        web.get(f"{BASE}/governance/agents/{{id}}/spend", spend.read, allow_head=False),
        web.get(f"{BASE}/governance/limits", spend.limits, allow_head=False),
        web.patch(f"{BASE}/governance/limits", spend.change_limits),
        web.get(f"{BASE}/governance/approvals", governance.index, allow_head=False),
        web.post(f"{BASE}/governance/approvals", governance.create),
        web.post(f"{BASE}/governance/approvals/{{id}}/approve", governance.approve),
        web.post(f"{BASE}/governance/approvals/{{id}}/deny", governance.deny),
        web.post(f"{BASE}/governance/approvals/{{id}}/consume", governance.consume),
        web.get(f"{BASE}/governance/policy-decisions", verdicts.index, allow_head=False),
        web.get(f"{BASE}/governance/reviews", governance.reviews, allow_head=False),
        *automation_routes(BASE, office, callers),
        *as_routes(record.endpoints()),
        web.get(f"{BASE}/trust", trust.index, allow_head=False),
        web.get(f"{BASE}/trust/score", trust.score, allow_head=False),
        web.get(f"{BASE}/whoami", whoami, allow_head=False),
        *as_routes(webhooks.endpoints()),
        *as_routes(keys.endpoints()),
        web.route("*", MCP, mcp.handle),
    ]
