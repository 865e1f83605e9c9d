"""Money and limits at every door: who may report, see and change, then one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cards.spend import Budget
from bot.office.governing import Actor, agent_named
from bot.office.office import Office
from governance import automations
from governance.automations import ActorKind, SpendSpan
from governance.errors import Forbidden, NotFound
from governance.policy import Agent, Limits, Policy
from governance.roles import Role, check_role
from governance.spend import cap_of
from operations.limits import change_limits
from operations.spend import Reported, Spent, report
from storage import spend
from storage.database import Tx
from storage.limits import limits_in_force
from storage.spend import holds
from storage.tables import SpendStop, SpendWindow


@dataclass(frozen=True, slots=True)
class Spending:
    """What one agent has spent in the windows of now, its cap in micro-dollars, and its stop while it has not ended."""

    agent_id: str
    windows: tuple[SpendWindow, ...]
    cap: int | None
    ratio: float
    stop: SpendStop | None
    is_held: bool  #: whether the stop holds now, or an override lifts it

    @property
    def has_spent(self) -> bool:
        """Whether anything was ever charged to it."""
        return bool(self.windows)


@dataclass(frozen=True, slots=True)
class LimitChange:
    """What an admin wants changed, in the names and values of `Limits`; see `operations.limits`."""

    values: Mapping[str, Any]
    reset: tuple[str, ...] = ()
    reset_agents: tuple[str, ...] = ()
    reason: str | None = None


async def report_by_agent(office: Office, caller: Agent, agent_id: str, spent: Spent) -> Reported:
    """Charge an agent by its own key, where the policy lets it report. Raises Forbidden, NotFound."""
    if caller.id != agent_id:
        raise NotFound("There is no such agent for this key.")
    if not caller.report_spend:
        raise Forbidden(
            f"Agent {caller.id} may not report spend; set report_spend = true for it in countersign.toml.",
            code="SPEND_REPORT_FORBIDDEN",
        )
    return await _report(office, caller, spent, automations.Actor(ActorKind.AGENT, caller.id))


async def report_by_admin(office: Office, actor: Actor, agent_id: str, spent: Spent) -> Reported:
    """Charge any agent, as an admin."""
    check_role(actor.role, Role.ADMIN, "report what an agent spent")
    agent = agent_named(office, agent_id)
    return await _report(office, agent, spent, automations.Actor(ActorKind.HUMAN, actor.person))


async def _report(office: Office, agent: Agent, spent: Spent, by: automations.Actor) -> Reported:
    policy = office.policy.current
    return await office.database.write(office.tenant, lambda tx: report(tx, policy, agent, spent, by))


async def spendings(tx: Tx, policy: Policy, agents: Sequence[str]) -> list[Spending]:
    """Return what some agents have spent, in the order they are named. Four statements, however many they are."""
    limits = await limits_in_force(tx, policy)
    windows = await spend.current_windows(tx, agents)
    stops = {one.agent_id: one for one in await spend.live_stops(tx)}
    return [
        Spending(
            agent_id, tuple(one for one in windows if one.agent_id == agent_id), cap_of(limits, agent_id),
            limits.spend_warning_threshold_ratio, stops.get(agent_id),
            agent_id in stops and holds(stops[agent_id], tx.now),
        )
        for agent_id in agents
    ]  # fmt: skip


async def budgets(tx: Tx, policy: Policy, agents: Sequence[str]) -> dict[str, Budget]:
    """Return what those of some agents that have a cap spent this week. Where none has one, that is one statement."""
    limits = await limits_in_force(tx, policy)
    named = [one for one in agents if one in policy.agents and not policy.agents[one].is_internal]
    caps = {one: cap for one in named if (cap := cap_of(limits, one)) is not None}
    windows = await spend.current_windows(tx, list(caps), [SpendSpan.WEEKLY]) if caps else []
    costs = {one.agent_id: one.cost for one in windows}
    return {one: Budget(costs.get(one, 0), cap) for one, cap in caps.items()}


async def limits_now(office: Office) -> Limits:
    """Return the limits in force."""
    async with office.database.read(office.tenant) as tx:
        return await limits_in_force(tx, office.policy.current)


async def change(office: Office, actor: Actor, wanted: LimitChange) -> Limits:
    """Change limits at once; admins may. Raises Forbidden, Unprocessable."""
    check_role(actor.role, Role.ADMIN, "change limits")
    policy, by = office.policy.current, automations.Actor(ActorKind.HUMAN, actor.person)
    return await office.database.write(
        office.tenant,
        lambda tx: change_limits(
            tx, policy, wanted.values, by, reset=wanted.reset, reset_agents=wanted.reset_agents, reason=wanted.reason
        ),
    )
