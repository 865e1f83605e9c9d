"""Every address of the Agent Approval Protocol."""

from dataclasses import replace

from bot.aap.callers import AapCallers
from bot.aap.desk import BASE
from bot.aap.instances import Instances
from bot.aap.requests import Requests
from bot.aap.wire import AapProblem
from bot.api.endpoints import Endpoint
from bot.office import Office


def aap_endpoints(office: Office) -> list[Endpoint]:
    """Return what the protocol answers below BASE, for one workspace; always the same in the same order."""
    callers = AapCallers(office)
    found = [*Requests(office, callers).endpoints(), *Instances(office, callers).endpoints()]
    return [replace(one, base=BASE, problem=AapProblem, name=_name(one)) for one in found]


def _name(endpoint: Endpoint) -> str:
    """Return what an operation is called among those of our own API."""
    return "aap_" + endpoint.handle.__qualname__.lower().replace(".", "_")
