"""Reading what the gates are told about an agent besides the policy."""

from governance.facts import Facts, Pause, RecordedTier
from governance.policy import Agent
from storage import grants, rules, standing
from storage.database import Tx
from storage.tables import Budget, Standing, StandingKind


async def facts_about(
    tx: Tx, agent: Agent, tool: str, call_hash: str, *, capability: str | None = None, holding: bool = False
) -> Facts:
    """Read the facts of this moment; with the tool's capability also the grants of it, which answer as rules do.

    `holding` keeps an agent's budget from being counted twice at once.
    """
    found = await standing.live(tx, agent.id)
    known = await rules.about(tx, agent.id, tool)
    granted = await grants.answering(tx, agent.id, tool, capability) if capability else []
    budgets = await _budgets(tx, agent, holding)
    return Facts(
        now=tx.now, call_hash=call_hash, pause=_pause(found), spend_stop=_spend_stop(found), tiers=_tiers(found),
        rules=(*map(rules.as_remembered, known), *granted),
        used_this_hour=budgets.get(Budget.HOUR, 0), used_today=budgets.get(Budget.DAY, 0),
    )  # fmt: skip


async def _budgets(tx: Tx, agent: Agent, holding: bool) -> dict[Budget, int]:
    if agent.budget_per_hour is None and agent.budget_per_day is None:
        return {}
    return await (standing.hold(tx, agent.id) if holding else standing.used(tx, agent.id))


def _pause(found: list[Standing]) -> Pause | None:
    return next((Pause(one.by, one.reason, one.at) for one in found if one.kind is StandingKind.PAUSE), None)


def _spend_stop(found: list[Standing]) -> str | None:
    return next((one.reason for one in found if one.kind is StandingKind.SPEND), None)


def _tiers(found: list[Standing]) -> dict[str, RecordedTier]:
    return {
        one.target: RecordedTier(one.tier, one.replaces, one.by)
        for one in found
        if one.kind is StandingKind.TIER and one.tier is not None
    }
