"""Countersign's own calls: what people countersigned about Countersign itself, applied in one transaction."""

import json
from typing import Any

from governance.attempts import Answer, Result
from governance.errors import Conflict
from governance.policy import SET_TIER, Policy
from governance.promotion import written_tier
from governance.tiers import Tier
from operations.execute import Started
from operations.stand import TierChange, promote
from scheduler.ports import HasPolicy
from storage.database import Database


class OwnConnector:
    """Applies countersigned changes; the proposal's id makes applying one again harmless."""

    def __init__(self, database: Database, policy: HasPolicy) -> None:
        self._database, self._policy = database, policy

    async def __call__(self, started: Started) -> Result:
        """Apply one change."""
        change = _tier_change(self._policy.of(started.proposal.tenant), started.arguments)
        if started.tool.name != SET_TIER or change is None:
            return Result(Answer.FAILED, error="the agent this is about is no longer in the policy")
        proposal, since = started.proposal, started.execution.queued_at
        if written_tier(change.agent, change.target) != started.arguments["replaces"]:
            return Result(Answer.FAILED, error="countersign.toml says something else since this was asked; ask again")
        by = proposal.on_behalf_of or proposal.creator
        try:
            await self._database.write(proposal.tenant, lambda tx: promote(tx, change, by, proposal.id, since))
        except Conflict as newer:
            return Result(Answer.FAILED, error=newer.sentence)
        return Result(Answer.SUCCEEDED, result=json.dumps(f"{change.agent.id} acts at {change.tier}"))


def _tier_change(policy: Policy, arguments: Any) -> TierChange | None:
    agent = policy.agents.get(arguments["agent"])
    if agent is None:
        return None
    return TierChange(agent, arguments["target"], Tier(arguments["tier"]), arguments["reason"])
