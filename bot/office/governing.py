"""What people may decide about agents and rules, the same at every door: check the role, then one transaction."""

from dataclasses import dataclass

from bot.office import Office
from governance.errors import Forbidden, NotFound
from governance.policy import Agent
from governance.roles import Role, check_role
from operations import remember, stand
from operations.propose import Proposed
from operations.stand import TierChange
from storage import rules, standing
from storage.tables import Rule, Standing, StandingKind


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who decides, with the role they have at this door."""

    person: str
    role: Role


def agent_named(office: Office, agent_id: str) -> Agent:
    """Return an agent of the policy. Raises NotFound."""
    agent = office.policy.current.agents.get(agent_id)
    if agent is None or agent.is_internal:
        raise NotFound(f"There is no agent {agent_id[:80]!r} in the policy.")
    return agent


async def pause(office: Office, actor: Actor, agent_id: str, reason: str) -> Standing:
    """Pause an agent: operators and admins may, and its creator, whose own pause is not in the way of theirs."""
    agent = agent_named(office, agent_id)
    has_role = actor.role.covers(Role.OPERATOR)
    if not has_role and actor.person != agent.creator:
        check_role(actor.role, Role.OPERATOR, "pause an agent that is not theirs")
    outranks = {agent.creator} - {actor.person} if has_role else set[str]()
    return await office.database.write(
        office.tenant, lambda tx: stand.pause(tx, agent, actor.person, reason, outranks=outranks)
    )


async def resume(office: Office, actor: Actor, agent_id: str, reason: str) -> None:
    """Resume an agent: operators and admins may, and whoever paused it."""
    agent = agent_named(office, agent_id)
    paused = [one for one in await standings(office, agent.id) if one.kind is StandingKind.PAUSE]
    if not any(one.by == actor.person for one in paused):
        check_role(actor.role, Role.OPERATOR, "resume an agent that somebody else paused")
    await office.database.write(office.tenant, lambda tx: stand.resume(tx, agent, actor.person, reason))


async def change_tier(office: Office, actor: Actor, change: TierChange) -> Standing | Proposed:
    """Tighten an agent's tier at once, or ask another admin to countersign a promotion. Operators and admins may."""
    check_role(actor.role, Role.OPERATOR, "change the tier of an agent")
    policy = office.policy.current
    return await office.database.write(office.tenant, lambda tx: stand.change_tier(tx, policy, change, actor.person))


async def revoke_rule(office: Office, actor: Actor, rule_id: str) -> Rule:
    """Revoke a rule: its authors may, operators and admins."""
    async with office.database.read(office.tenant) as tx:
        rule = await tx.get(Rule, rule_id)
    if rule is None:
        raise NotFound("There is no rule under this id.")
    if actor.role is Role.REVIEWER and actor.person not in rule.authors:
        raise Forbidden("Only its authors, operators and admins may revoke a rule.")
    return await office.database.write(office.tenant, lambda tx: remember.revoke_rule(tx, rule_id, actor.person))


async def standings(office: Office, agent_id: str) -> list[Standing]:
    """Return the pauses and recorded tiers of an agent that are in force."""
    async with office.database.read(office.tenant) as tx:
        return await standing.live(tx, agent_id)


async def live_rules(office: Office, limit: int) -> list[Rule]:
    """Return the newest rules in force."""
    async with office.database.read(office.tenant) as tx:
        return list(await rules.page(tx, agent_id=None, live_only=True, before=None, limit=limit))
