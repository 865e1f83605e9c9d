"""Short forms for automations: callers, drafts, runs, and the loop's look at what is due."""

from dataclasses import replace
from typing import Any

from governance.authorising import Caller
from governance.automations import Actor, ActorKind, RunStatus
from governance.policy import Policy
from governance.roles import Role
from operations.automations import Draft, create
from operations.runs import Step, change, start
from scheduler import expiry
from scheduler.lifecycle import attend_due
from storage.database import Database
from storage.tables import Automation, AutomationRun
from tests.integration.verbs import TENANT, Held

DEPLOYER = Caller(Actor(ActorKind.AGENT, "deployer"))
STRANGER = Caller(Actor(ActorKind.AGENT, "stranger"))
ALICE = Caller(Actor(ActorKind.HUMAN, "U0ALICE"), Role.REVIEWER)
ADMIN = Caller(Actor(ActorKind.HUMAN, "U0ADMIN"), Role.ADMIN)

ENDED = (RunStatus.RUNNING, RunStatus.COMPLETED)


def limited(policy: Policy, **limits: Any) -> Policy:
    """The policy with other limits."""
    return replace(policy, limits=replace(policy.limits, **limits))


async def made(database: Database, policy: Policy, caller: Caller = DEPLOYER, **draft: Any) -> Automation:
    """Register an automation."""
    wanted = Draft(draft.pop("name", "Nightly"), **draft)
    return await database.write(TENANT, lambda tx: create(tx, policy, caller, wanted))


async def started(database: Database, policy: Policy, automation_id: str, caller: Caller = DEPLOYER) -> AutomationRun:
    """Admit a run."""
    return await database.write(TENANT, lambda tx: start(tx, policy, caller, automation_id))


async def ran(database: Database, policy: Policy, automation_id: str, *steps: RunStatus, **last: Any) -> AutomationRun:
    """Admit a run and move it along, by default to its end."""
    run = await started(database, policy, automation_id)
    for n, status in enumerate(steps or ENDED, 1):
        more = {"outputs": {"n": 1}, **last} if n == len(steps or ENDED) else {}
        step = Step(status, **more)
        run = await database.write(TENANT, lambda tx, id=run.id, step=step: change(tx, policy, DEPLOYER, id, step))
    return run


async def tick(database: Database, policy: Policy) -> int:
    """Let the loop look at what is due; returns how many rows that were, questions left out."""
    await expiry.attend_due(database, Held(policy))
    return await attend_due(database, lambda _tenant: policy)
