"""Short forms of the Agent Approval Protocol's verbs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from governance.policy import Connector, Policy
from operations import aap, aap_instances
from operations.aap import Asked, Filed, Holder
from operations.aap_instances import Delivery, Draft
from storage.database import Database
from storage.tables import AapInstance, AapProvisioner
from tests.integration.verbs import TENANT

DEPLOYER = Holder("deployer")
INSTANCE = "0198c0de-0000-7000-8000-000000000001"
DELIVERY = Delivery(
    "https://example.com/x",
    "0198c0de-0000-7000-8000-000000000002",
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
)


def own(policy: Policy) -> Policy:
    """The same policy, but agents run every call themselves."""
    connector = Connector("agent", timeout=timedelta(minutes=15))
    tools = {name: replace(tool, connector=connector) for name, tool in policy.tools.items() if not tool.is_internal}
    return replace(policy, tools={**policy.tools, **tools})


def filing(policy: Policy, tool: str = "deploy.production", key: str = "k", **more: Any) -> Any:
    """The verb that asks."""
    holder, timeout = more.pop("holder", DEPLOYER), more.pop("timeout", timedelta(hours=1))
    body = {"tool": tool, "timeout": "1h", "arguments": {"service": "checkout"}, **more}
    asked = Asked(holder, key, body, tool, timeout)
    return lambda tx: aap.file(tx, policy, policy.agents["deployer"], asked)


async def asked(database: Database, policy: Policy, tool: str = "deploy.production", **more: Any) -> Filed:
    found: Filed = await database.write(TENANT, filing(policy, tool, **more))
    return found


async def provisioner(database: Database, agent: str = "deployer") -> AapProvisioner:
    made, _ = await database.write(TENANT, lambda tx: aap_instances.create_provisioner(tx, agent))
    return made


def creating(by: AapProvisioner, key: str = "i", **submission: Any) -> Any:
    """The verb that makes the instance INSTANCE, notified."""
    return lambda tx: aap_instances.create_instance(tx, by, Draft(INSTANCE, key, submission, "one", DELIVERY))


async def instance(database: Database) -> tuple[AapProvisioner, AapInstance]:
    by = await provisioner(database)
    made, _ = await database.write(TENANT, creating(by))
    return by, made
