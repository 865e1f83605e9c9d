"""What agents report that they spent: counted once, warned of, and stopped at the cap. Stops: operations/spend_stop."""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.automations import Actor, ActorKind
from governance.canonical import content_hash
from governance.errors import Conflict, NotFound
from governance.money import format_usd
from governance.policy import Agent, Policy
from governance.spend import cap_of, lineage_of, reaches, warns
from operations.notify import say
from operations.spend_stop import Cause, stop_at_cap
from storage import audit, spend
from storage.database import Tx
from storage.limits import policy_in_force
from storage.spend import Week
from storage.tables import Automation, SpendReport


@dataclass(frozen=True, slots=True)
class Spent:
    """One report: its id, made up by who reports; the cost in micro-dollars; tokens; the run it was for."""

    report_id: str
    cost: int
    run_id: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a report. `stopped` are the agents that it stopped."""

    report: SpendReport
    duplicate: bool = False
    stopped: tuple[str, ...] = ()


async def report(tx: Tx, policy: Policy, agent: Agent, spent: Spent, by: Actor) -> Reported:
    """Charge an agent and all above it, and stop who reaches a cap; the same report again changes nothing.

    With a run, the agents that made its automation are charged, too. Raises Conflict (SPEND_REPORT_CONFLICT) where
    the id was used for another report, NotFound (RUN_NOT_FOUND) for a run in which the agent has no part.
    """
    row = _row(tx, agent, spent)
    earlier = await spend.note_report(tx, row)
    if earlier is not None:
        if earlier.content != row.content:
            raise Conflict("This report_id was used for another report; use a new one.", code="SPEND_REPORT_CONFLICT")
        return Reported(earlier, duplicate=True)
    automation = await _automation_of(tx, agent, spent.run_id)
    policy = await policy_in_force(tx, policy)
    charged = dict.fromkeys((*lineage_of(policy, agent.id), *_makers(automation)))
    weeks = await spend.charge(tx, charged, _usage(spent))
    await _note_down(tx, agent, spent, by, list(charged))
    cause = Cause(automation.id if automation else None, spent.run_id)
    return Reported(row, stopped=await _watch(tx, policy, weeks, cause))


async def hold_to_caps(tx: Tx, policy: Policy) -> tuple[str, ...]:
    """Warn of and stop agents whose week is at a cap that was lowered meanwhile; returns who was stopped."""
    return await _watch(tx, await policy_in_force(tx, policy), await spend.weeks(tx), Cause())


async def _watch(tx: Tx, policy: Policy, weeks: Sequence[Week], cause: Cause) -> tuple[str, ...]:
    """Warn of weeks near their cap and stop those at it; return who was stopped."""
    stopped = []
    for week in weeks:
        if week.agent_id not in policy.agents:  # it made the automation and has left since: there is nobody to stop
            continue
        cap = cap_of(policy.limits, week.agent_id)
        at_cap = reaches(week.cost, cap)
        near = warns(week.cost, cap, policy.limits.spend_warning_threshold_ratio)
        if cap is not None and week.warned_at is None and near:
            await _warn(tx, policy, week, cap, cause, quietly=at_cap)
        if cap is not None and at_cap and await stop_at_cap(tx, policy, week, cap, cause):
            stopped.append(week.agent_id)
    return tuple(stopped)


async def _warn(tx: Tx, policy: Policy, week: Week, cap: int, cause: Cause, *, quietly: bool) -> None:
    """Say once a week that an agent nears its cap; where it is stopped in the same breath, that is said instead."""
    await spend.mark_week(tx, week.agent_id, warned_at=tx.now)
    detail = {**cause.told(), "weekly_cost_usd": format_usd(week.cost), "weekly_spend_cap_usd": format_usd(cap)}
    await audit.record(tx, "spend.warning", "system", agent_id=week.agent_id, detail=detail)
    agent = policy.agents.get(week.agent_id)
    if agent is not None and not quietly:
        told = {"agent": agent.id, "cost": format_usd(week.cost), "cap": format_usd(cap)}
        await say(tx, "spend_warning", [agent.creator], told)


def _row(tx: Tx, agent: Agent, spent: Spent) -> SpendReport:
    content = content_hash({
        "cost": spent.cost, "run": spent.run_id, "prompt": spent.prompt_tokens,
        "completion": spent.completion_tokens, "total": spent.total_tokens,
    })  # fmt: skip
    return SpendReport(
        tenant=tx.tenant, agent_id=agent.id, report_id=spent.report_id, run_id=spent.run_id, cost=spent.cost,
        content=content, at=tx.now,
    )  # fmt: skip


def _usage(spent: Spent) -> dict[str, int | str | None]:
    return {
        "cost": spent.cost, "prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.total_tokens, "last_run_id": spent.run_id,
    }  # fmt: skip


async def _automation_of(tx: Tx, agent: Agent, run_id: str | None) -> Automation | None:
    """Return the automation of a run. Raises NotFound where the agent has no part in it."""
    if run_id is None:
        return None
    found = await spend.run_with_automation(tx, run_id)
    if found is None or agent.id not in {*_makers(found[1]), *found[1].agents}:
        raise NotFound(f"There is no run under this id in which {agent.id} has a part.", code="RUN_NOT_FOUND")
    return found[1]


def _makers(automation: Automation | None) -> tuple[str, ...]:
    """Return the agents that made an automation, nearest first; none where a person did."""
    if automation is None or automation.creator_kind is not ActorKind.AGENT or automation.creator_id is None:
        return ()
    return (automation.creator_id, *automation.chain)


async def _note_down(tx: Tx, agent: Agent, spent: Spent, by: Actor, charged: list[str]) -> None:
    detail = {
        "report": spent.report_id, "run": spent.run_id, "cost_usd": format_usd(spent.cost), "charged": [*charged],
        "total_tokens": spent.total_tokens,
    }  # fmt: skip
    await audit.record(tx, "spend.reported", str(by), agent_id=agent.id, detail=detail)
