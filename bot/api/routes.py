"""Every address the API answers."""

from collections.abc import Callable

from aiohttp import web

from bot.api.agents import Agents
from bot.api.approvals import Approvals
from bot.api.automations import Automations
from bot.api.changes import Changes
from bot.api.endpoints import BASE, Endpoint, as_routes
from bot.api.errors import desk
from bot.api.governance import Governance
from bot.api.grants import Grants
from bot.api.health import Health
from bot.api.openapi import Document
from bot.api.outcomes import Outcomes
from bot.api.policy_decisions import PolicyDecisions
from bot.api.principals import Callers
from bot.api.proposals import Proposals
from bot.api.rules import Rules
from bot.api.runs import Runs
from bot.api.spend import Spend
from bot.api.trust import Trust
from bot.api.whoami import WhoAmI
from bot.office import Office

__all__ = ["BASE", "MAX_BODY", "api_routes", "new_web_app"]

MAX_BODY = 1024 * 1024


def new_web_app(routes: list[web.RouteDef], offices: Callable[[], list[Office]]) -> web.Application:
    """Return the web application that answers these routes, and tells how the offices are; doors.py adds Slack's."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[desk])
    app.add_routes([*routes, *as_routes(Health(offices).endpoints())])
    return app


def api_routes(office: Office) -> list[web.RouteDef]:
    """Return every address of the API, answered for one workspace; always the same ones in the same order."""
    endpoints = _endpoints(office)
    at_the_root = Health(lambda: [office]).endpoints()
    return as_routes([*endpoints, *Document([*endpoints, *at_the_root]).endpoints()])


def _endpoints(office: Office) -> list[Endpoint]:
    callers = Callers(office)
    rooms = (
        Proposals(office, callers), Outcomes(office, callers), Approvals(office, callers), Changes(office, callers),
        Rules(office, callers), Agents(office, callers), Spend(office, callers), Governance(office, callers),
        PolicyDecisions(office, callers), Automations(office, callers), Runs(office, callers),
        Grants(office, callers), Trust(office, callers), WhoAmI(callers),
    )  # fmt: skip
    return [endpoint for room in rooms for endpoint in room.endpoints()]
