"""What agents and rules did lately, counted; for digests."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from governance.lifecycle import ProposalState
from storage.database import Tx
from storage.tables import ApprovalRequest, Proposal, Rule


async def calls_since(tx: Tx, agents: Collection[str], since: datetime) -> dict[str, dict[ProposalState, int]]:
    """Return how the calls that some agents proposed since then stand now: agent -> state -> how many."""
    query = (
        select(col(Proposal.agent_id), col(Proposal.state), func.count())
        .where(
            col(Proposal.tenant) == tx.tenant, col(Proposal.created_at) >= since,
            col(Proposal.agent_id).in_(list(agents)),
        )
        .group_by(col(Proposal.agent_id), col(Proposal.state))
    )  # fmt: skip
    found: dict[str, dict[ProposalState, int]] = {}
    for agent_id, state, count in await tx.session.execute(query):
        found.setdefault(agent_id, {})[state] = count
    return found


async def asked_since(tx: Tx, agents: Collection[str], since: datetime) -> dict[str, int]:
    """Return how often people were asked about calls of some agents since then, by agent."""
    query = (
        select(col(Proposal.agent_id), func.count())
        .join(ApprovalRequest, col(ApprovalRequest.proposal_id) == col(Proposal.id))
        .where(
            col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.created_at) >= since,
            col(Proposal.agent_id).in_(list(agents)),
        )
        .group_by(col(Proposal.agent_id))
    )  # fmt: skip
    return {row[0]: row[1] for row in await tx.session.execute(query)}


async def rules_used_since(tx: Tx, author: str, since: datetime) -> list[tuple[Rule, int]]:
    """Return somebody's rules that answered calls since then, ended ones included, with how many; most first."""
    used = select(Rule).where(col(Rule.tenant) == tx.tenant, col(Rule.last_used_at) >= since)
    rules = {rule.id: rule for rule in await tx.session.scalars(used) if author in rule.authors}
    if not rules:
        return []
    query = (
        select(col(Proposal.rule_id), func.count())
        .where(
            col(Proposal.tenant) == tx.tenant, col(Proposal.created_at) >= since,
            col(Proposal.rule_id).in_(list(rules)),
        )
        .group_by(col(Proposal.rule_id))
    )  # fmt: skip
    counts = [(rules[rule_id], count) for rule_id, count in await tx.session.execute(query) if rule_id]
    return sorted(counts, key=lambda one: -one[1])
