"""Every address of the Agent Approval Protocol."""

from aiohttp import web

from bot.aap.callers import AapCallers
from bot.aap.desk import BASE
from bot.aap.instances import Instances
from bot.aap.requests import Requests
from bot.api.endpoints import Endpoint, as_routes
from bot.office import Office


def aap_endpoints(office: Office) -> list[Endpoint]:
    """Return what the protocol answers below BASE, for one workspace; always the same in the same order."""
    callers = AapCallers(office)
    return [*Requests(office, callers).endpoints(), *Instances(office, callers).endpoints()]


def aap_routes(office: Office) -> list[web.RouteDef]:
    """Return the routes that answer it."""
    return as_routes(aap_endpoints(office), BASE)
