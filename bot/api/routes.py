"""Every address the API answers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web

from bot.api.agents import Agents
from bot.api.approvals import Approvals
from bot.api.audit import Audit
from bot.api.automations.door import Automations
from bot.api.automations.grants import Grants
from bot.api.automations.runs import Runs
from bot.api.changes import Changes
from bot.api.endpoints import BASE, Endpoint, as_routes
from bot.api.errors import desk
from bot.api.governing.policy_decisions import PolicyDecisions
from bot.api.governing.questions import Governance
from bot.api.governing.spend import Spend
from bot.api.health import Health
from bot.api.keys import Keys
from bot.api.mcp.door import PATH as MCP
from bot.api.mcp.door import McpDoor
from bot.api.openapi import Document
from bot.api.outcomes import Outcomes
from bot.api.principals import Callers
from bot.api.proposals import Proposals
from bot.api.rules import Rules
from bot.api.stream.door import Stream
from bot.api.trust import Trust
from bot.api.webhooks.door import Webhooks
from bot.api.whoami import WhoAmI
from bot.office import Office

__all__ = ["BASE", "MAX_BODY", "api_routes", "new_web_app"]

MAX_BODY = 1024 * 1024


def new_web_app(routes: list[web.RouteDef], offices: Callable[[], list[Office]]) -> web.Application:
    """Return the web application that answers these routes, and tells how the offices are; doors.py adds Slack's."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[desk])
    app.add_routes([*routes, *as_routes(Health(offices).endpoints())])
    return app


def api_routes(office: Office, beside: Sequence[Endpoint] = ()) -> list[web.RouteDef]:
    """Return every address of the API, answered for one workspace; always the same ones in the same order. `beside` are
    those of other protocols, which the document names as well."""
    callers = Callers(office)
    proposals = Proposals(office, callers)
    endpoints = [*proposals.endpoints(), *_others(office, callers), *beside]
    document = Document([*endpoints, *Health(lambda: [office]).endpoints()])
    mcp = McpDoor(office, callers, proposals.calls, proposals.waiters)
    return [*as_routes([*endpoints, *document.endpoints()]), web.route("*", MCP, mcp.handle)]


def _others(office: Office, callers: Callers) -> list[Endpoint]:
    rooms: tuple[_Room, ...] = (
        Outcomes(office, callers), Stream(office, callers), Approvals(office, callers), Changes(office, callers),
        Rules(office, callers), Agents(office, callers), Spend(office, callers), Governance(office, callers),
        PolicyDecisions(office, callers), Automations(office, callers), Runs(office, callers),
        Grants(office, callers), Audit(office, callers), Trust(office, callers), Webhooks(office, callers),
        Keys(office, callers), WhoAmI(callers),
    )  # fmt: skip
    return [endpoint for room in rooms for endpoint in room.endpoints()]


class _Room(Protocol):
    def endpoints(self) -> list[Endpoint]: ...
