"""What people decide about an agent while it runs: pausing and resuming it, and the tier it may act at."""

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from governance.canonical import Json
from governance.errors import Conflict, NotFound, Unprocessable
from governance.policy import INTERNAL, SET_TIER, Agent, Policy
from governance.promotion import is_target, would_loosen, written_tier
from governance.text import storable
from governance.tiers import Tier
from operations.notify import say
from operations.propose import Proposed, propose
from operations.submission import Submission
from storage import audit, homes, standing
from storage.database import Tx
from storage.facts import facts_about
from storage.tables import Standing, StandingKind
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class TierChange:
    """A tier for an agent, or for one tool, class or prefix of it."""

    agent: Agent
    target: str
    tier: Tier
    reason: str


async def pause(tx: Tx, agent: Agent, by: str, reason: str, *, outranks: Container[str] = ()) -> Standing:
    """Stop an agent: from now on its calls are denied, and what is queued does not start. Again is fine.

    A pause by somebody in `outranks` is replaced, so that whoever made it cannot take this one back with it.
    """
    for one in await standing.live(tx, agent.id):
        if one.kind is StandingKind.PAUSE and one.by not in outranks:
            return one
    await standing.end(tx, agent.id, StandingKind.PAUSE, "", by)
    row = await tx.add(_row(tx, agent, StandingKind.PAUSE, by=by, reason=reason))
    await _note_down(tx, agent, "agent.paused", by, {"reason": row.reason})
    await say(tx, "agent_paused", [agent.creator], {"agent": agent.id, "by": by, "reason": row.reason})
    return row


async def resume(tx: Tx, agent: Agent, by: str, reason: str) -> None:
    """Let a paused agent go on. Raises Conflict where it is not paused."""
    if not await standing.end(tx, agent.id, StandingKind.PAUSE, "", by):
        raise Conflict(f"Agent {agent.id} is not paused.", code="NOT_PAUSED")
    await _note_down(tx, agent, "agent.resumed", by, {"reason": reason})
    await say(tx, "agent_resumed", [agent.creator], {"agent": agent.id, "by": by, "reason": reason})


async def change_tier(tx: Tx, policy: Policy, change: TierChange, by: str) -> Standing | Proposed:
    """Tighten at once; ask the admins to countersign what loosens. Raises Unprocessable for a target that is none.

    Returns the recorded tier, or the proposal that waits for another admin.
    """
    if not is_target(policy, change.target):
        raise Unprocessable(f"target: {change.target!r} is neither a tool, an action class nor a prefix of one.")
    facts = await facts_about(tx, change.agent, "", "")
    if not would_loosen(policy, change.agent, facts, change.target, change.tier):
        return await record_tier(tx, change, by)
    return await _ask_to_promote(tx, policy, change, by)


async def promote(tx: Tx, change: TierChange, by: str, proposal_id: str, since: datetime) -> Standing:
    """Record a tier that was countersigned at `since`. Raises Conflict where somebody set another one after that."""
    before = await _recorded(tx, change.agent, change.target)
    if before is not None and before.at > since and before.proposal_id != proposal_id:
        raise Conflict(f"{before.by} has set this tier to {before.tier} after it was countersigned")
    return await record_tier(tx, change, by, proposal_id)


async def record_tier(tx: Tx, change: TierChange, by: str, proposal_id: str | None = None) -> Standing:
    """Record a tier; it stands in for the file's value until that value changes or another tier is recorded."""
    agent, target = change.agent, change.target
    before = await _recorded(tx, agent, target)
    if before is not None and proposal_id is not None and before.proposal_id == proposal_id:
        return before  # the same countersigned call again
    await standing.end(tx, agent.id, StandingKind.TIER, target, by)
    row = _row(tx, agent, StandingKind.TIER, by=by, reason=change.reason)
    row.target, row.tier, row.replaces = target, change.tier, written_tier(agent, target)
    row.proposal_id = proposal_id
    await tx.add(row)
    former = before.tier if before is not None and before.replaces is row.replaces else row.replaces
    await _note_down(
        tx, agent, "tier.changed", by,
        {"agent": agent.id, "target": target, "tier": row.tier, "from": former, "by": by, "reason": row.reason},
        proposal_id,
    )  # fmt: skip
    told = {"agent": agent.id, "by": by, "reason": row.reason, "tier": change.tier.value, "target": target}
    await say(tx, "tier_changed", [agent.creator], told)
    return row


async def _ask_to_promote(tx: Tx, policy: Policy, change: TierChange, by: str) -> Proposed:
    """Propose the promotion in the name of the person who wants it; they cannot countersign it themselves."""
    own = policy.agents.get(INTERNAL)
    if own is None:
        raise NotFound("Nobody can countersign a promotion: name admins under [roles] in countersign.toml.")
    arguments: dict[str, Any] = {
        "agent": change.agent.id, "target": change.target, "tier": change.tier.value,
        "replaces": written_tier(change.agent, change.target), "reason": change.reason,
    }  # fmt: skip
    submission = Submission(SET_TIER, arguments, rationale=change.reason, on_behalf_of=by)
    return await propose(tx, policy, replace(own, creator=by), submission)


async def _recorded(tx: Tx, agent: Agent, target: str) -> Standing | None:
    found = await standing.live(tx, agent.id)
    return next((one for one in found if one.kind is StandingKind.TIER and one.target == target), None)


def _row(tx: Tx, agent: Agent, kind: StandingKind, *, by: str, reason: str) -> Standing:
    return Standing(
        id=new_id("stg"), tenant=tx.tenant, agent_id=agent.id, kind=kind, by=by, reason=storable(reason.strip()),
        at=tx.now,
    )  # fmt: skip


async def _note_down(
    tx: Tx, agent: Agent, kind: str, by: str, detail: dict[str, Json], proposal_id: str | None = None
) -> None:
    await audit.record(tx, kind, f"person:{by}", agent_id=agent.id, proposal_id=proposal_id, detail=detail)
    homes.changed(tx)
