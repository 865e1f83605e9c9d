"""Verbs about automations, the same at every door: one transaction each, on behalf of whoever calls."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.office import Office
from governance.authorising import Caller
from governance.automations import Actor, ActorKind
from governance.policy import Agent, Policy
from governance.roles import Role
from operations.automations import unknown_automation
from storage import automations
from storage.automation_facts import agents_of
from storage.database import Tx
from storage.grants import to_modify
from storage.tables import Automation

T = TypeVar("T")
Verb = Callable[[Tx, Policy, Caller], Awaitable[T]]


def as_agent(agent: Agent) -> Caller:
    """Return an agent as whoever acts; nothing but its key says so."""
    return Caller(Actor(ActorKind.AGENT, agent.id))


def as_person(person: str, role: Role) -> Caller:
    """Return a person as whoever acts, with the role they have at this door."""
    return Caller(Actor(ActorKind.HUMAN, person), role)


async def carry_out(office: Office, caller: Caller, verb: Verb[T]) -> T:
    """Do something by the policy in force."""
    policy = office.policy.current
    return await office.database.write(office.tenant, lambda tx: verb(tx, policy, caller))


async def visible(tx: Tx, caller: Caller, automation_id: str) -> Automation:
    """Return an automation that the caller may look at: people all of them, agents those they have to do with.

    Raises NotFound, the same for what is somebody else's and for what does not exist.
    """
    row = await automations.found(tx, automation_id)
    if row is None:
        raise unknown_automation()
    if not caller.is_human and not await _concerns(tx, row, caller.actor.id or ""):
        raise unknown_automation()
    return row


async def _concerns(tx: Tx, row: Automation, agent_id: str) -> bool:
    return agent_id in agents_of(row) or await to_modify(tx, agent_id, row.id) is not None
