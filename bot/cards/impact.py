"""What a decision costs or uses up, as far as the policy says: pure."""

from collections.abc import Mapping

from governance.policy import Agent
from storage.tables import Budget, Proposal

_WORDS = {Budget.HOUR: "this hour", Budget.DAY: "today"}


def budget_line(agent: Agent | None, used: Mapping[Budget, int]) -> str:
    """Return how many calls of an agent ran unasked, of how many; empty where the policy sets no such budget."""
    most = {Budget.HOUR: agent.budget_per_hour, Budget.DAY: agent.budget_per_day} if agent else {}
    return ", ".join(_span(span, used.get(span, 0), limit) for span, limit in most.items() if limit is not None)


def _span(span: Budget, used: int, limit: int) -> str:
    return f"{used:,} of {limit:,} {_WORDS[span]} ({max(0, limit - used):,} left)"


def declared_risk(proposal: Proposal) -> str:
    """Return the risk a tool is declared to have, in words."""
    return (proposal.risk or "not declared").replace("_", " ")
