"""Who calls: instances by their credentials, agents by their own keys, and provisioners, who may do nothing else."""

from aiohttp import web

from bot.api.principals import Callers
from bot.api.rate import RateLimiter
from bot.office import Office
from governance.errors import Forbidden, Unauthenticated
from governance.policy import Agent
from operations.aap import Holder
from operations.keys import hash_of
from storage import aap
from storage.database import Database
from storage.tables import AapProvisioner


class AapCallers:
    """Finds out who calls, and counts the call against that caller's rate."""

    def __init__(self, office: Office) -> None:
        self._office, self._callers, self._rates = office, Callers(office), RateLimiter()

    async def agent(self, request: web.Request) -> tuple[Agent, Holder]:
        """Return the agent behind a credential, and whose requests that credential may see.

        Raises Unauthenticated, Forbidden where the policy dropped the agent, TooMany.
        """
        agent, key = await self._callers.agent_by_key(request)
        async with self._office.database.read(self._office.tenant) as tx:
            instance_id = await aap.instance_of_key(tx, key.id)
        return agent, Holder(agent.id, instance_id)

    async def provisioner(self, request: web.Request) -> AapProvisioner:
        """Return the provisioner behind a token. Raises Unauthenticated, Forbidden, TooMany."""
        found = await find_provisioner(self._office.database, request)
        if found is None or found.tenant != self._office.tenant:
            raise Unauthenticated("Send a provisioner's token as `Authorization: Bearer <token>`.")
        limits = self._office.policy.current.limits
        self._rates.take(found.id, limits.rate_per_second, limits.rate_burst)
        if found.agent_id not in self._office.policy.current.agents:
            raise Forbidden(f"Agent {found.agent_id} is not in the policy.", code="UNKNOWN_AGENT")
        return found


async def find_provisioner(database: Database, request: web.Request) -> AapProvisioner | None:
    """Return the live provisioner of whatever tenant whose token a call bears."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.isascii():
        return None
    async with database.read("") as tx:
        return await aap.provisioner(tx, hash_of(secret.strip()))
