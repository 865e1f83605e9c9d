"""Rights given to agents: to change one automation, or a capability; for a time, and taken back at once."""

from datetime import timedelta

from governance.authorising import Caller
from governance.automations import Actor, GrantKind, Right
from governance.errors import Forbidden, NotFound, Unprocessable
from governance.policy import Policy
from governance.roles import Role
from governance.text import storable
from operations.automations import found_locked
from operations.dependency import revoke_dependency
from operations.notify import say
from operations.owing import SYSTEM
from storage import audit, automations, grants
from storage.database import Tx
from storage.tables import Grant
from storage.tables.base import new_id

LASTS = timedelta(hours=8)
_CODE = "AUTOMATION_GOVERNANCE_GRANT_"


async def give(
    tx: Tx, policy: Policy, caller: Caller, automation_id: str, agent_id: str, reason: str | None,
    lasts: timedelta = LASTS,
) -> Grant:  # fmt: skip
    """Let an agent change an automation of somebody else: admins may. What it holds already is made to last longer.

    Raises NotFound, Forbidden, Unprocessable.
    """
    _check_may_grant(caller)
    row = await found_locked(tx, automation_id)
    agent = policy.agents.get(agent_id)
    if agent is None or agent.is_internal:
        raise Unprocessable(f"granted_to_agent_id: there is no agent {agent_id!r} in the policy.")
    grant = await grants.to_modify(tx, agent_id, row.id)
    if grant is None:
        grant = await tx.add(Grant(
            id=new_id("grt"), tenant=tx.tenant, kind=GrantKind.MODIFY, agent_id=agent_id, automation_id=row.id,
            granted_by=caller.actor.id or "", reason=storable(reason) if reason else None, created_at=tx.now,
            expires_at=tx.now + lasts,
        ))  # fmt: skip
    elif grant.expires_at is not None:
        grant.expires_at = max(grant.expires_at, tx.now + lasts)
    await _note_down(tx, grant, caller.actor, "grant.created", grant.reason)
    told = {"agent": agent_id, "automation": row.name, "by_person": caller.actor.id or ""}
    await say(tx, "grant_given", {agent.creator, row.owner} - {caller.actor.id}, told)
    return grant


async def revoke(tx: Tx, policy: Policy, caller: Caller, grant_id: str, reason: str | None) -> Grant:
    """Take a right back: admins may, again is fine. What relied on it is paused until people have looked, unless its
    agent holds the same right by another grant.

    Raises NotFound or Forbidden.
    """
    _check_may_grant(caller)
    grant = await tx.get(Grant, grant_id)
    if grant is None:
        raise unknown_grant()
    said = storable(reason) if reason else None
    was_live = grants.is_live(grant, tx.now)
    relying = [await automations.locked(tx, one) for one in await _relying(tx, grant)] if was_live else []
    if not await grants.revoke(tx, grant, str(caller.actor), said):
        return grant
    await _note_down(tx, grant, caller.actor, "grant.revoked", said)
    if await _is_held(tx, grant):
        return grant
    evidence = {"trigger": "grant_revoked", "grant": grant.id, "agent": grant.agent_id, "capability": grant.capability}
    for row in relying:
        if row is not None:
            await revoke_dependency(tx, policy, row, caller.actor, said or _revoked(grant), evidence)
    return grant


async def _is_held(tx: Tx, grant: Grant) -> bool:
    """Whether the agent of a grant that has ended holds the same right still."""
    if grant.automation_id is not None:
        return await grants.to_modify(tx, grant.agent_id, grant.automation_id) is not None
    return grant.capability in await grants.rights(tx, grant.agent_id)


def _revoked(grant: Grant) -> str:
    return "modify grant revoked" if grant.kind is GrantKind.MODIFY else f"capability {grant.capability} revoked"


def unknown_grant() -> NotFound:
    """Return the refusal of a grant's id that is none."""
    return NotFound("There is no grant under this id.", code=f"{_CODE}NOT_FOUND")


async def _relying(tx: Tx, grant: Grant) -> list[str]:
    """Return the automations that stop without a right: the one it is for, or those that declare it."""
    if grant.automation_id is not None:
        return [grant.automation_id]
    declared = [right.value for right in Right if right == grant.capability]
    return await automations.made_with(tx, grant.agent_id, declared[0]) if declared else []


async def lapse(tx: Tx, policy: Policy, grant_id: str) -> None:
    """End a grant whose time is over and tell who gave it. That was known from the start, so nothing is paused."""
    grant = await tx.get(Grant, grant_id)
    if grant is None or grant.expires_at is None or grant.expires_at > tx.now:
        return
    if not await grants.revoke(tx, grant, str(SYSTEM), "expired"):
        return
    await _note_down(tx, grant, SYSTEM, "grant.expired", None)
    agent = policy.agents.get(grant.agent_id)
    told = {"agent": grant.agent_id, "right": grant.capability or "to change an automation"}
    await say(tx, "grant_expired", {grant.granted_by, *([agent.creator] if agent else [])}, told)


def _check_may_grant(caller: Caller) -> None:
    if not caller.covers(Role.ADMIN):
        raise Forbidden("Only admins may give rights to agents and take them back.", code=f"{_CODE}FORBIDDEN")


async def _note_down(tx: Tx, grant: Grant, actor: Actor, kind: str, reason: str | None) -> None:
    await tx.session.flush()
    detail = {
        "grant": grant.id, "kind": grant.kind, "automation": grant.automation_id, "capability": grant.capability,
        "reason": reason, "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
    }  # fmt: skip
    await audit.record(tx, kind, str(actor), agent_id=grant.agent_id, detail=detail)
