"""Registering automations, changing, pausing and resuming them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.authorising import (
    Caller,
    Facts,
    Maker,
    check_change,
    check_creation,
    check_escalation,
    check_joining,
    check_lasting,
    check_resume,
)
from governance.automations import ActorKind, AutomationStatus, Right, StopKind
from governance.canonical import Json, canonical
from governance.errors import NotFound, Unprocessable
from governance.policy import Limits, Policy
from governance.spend import lineage_of
from governance.text import storable
from operations.dependency import revoke_dependency
from operations.lifecycle import pause_runs, set_expiry
from operations.owing import demand_look
from operations.telling import note_down, tell_owner
from storage import automations, grants, spend, standing
from storage.automation_facts import facts_of
from storage.database import Tx
from storage.limits import limits_in_force
from storage.tables import Automation, StandingKind
from storage.tables.base import new_id

NARROWED = "what its agents may use was narrowed"


@dataclass(frozen=True, slots=True)
class Draft:
    """An automation as somebody wants to register it."""

    name: str
    schedule: str | None = None
    tools: tuple[str, ...] | None = None  #: None: whatever its agents may
    agents: tuple[str, ...] = ()
    rights: frozenset[Right] = frozenset()
    about: Mapping[str, Json] = field(default_factory=dict)
    expires_at: datetime | None = None


async def create(tx: Tx, policy: Policy, caller: Caller, draft: Draft) -> Automation:
    """Register an automation. The limits are checked and used up in this one transaction, so that they hold however
    many try at once. Raises Forbidden, TooMany or Unprocessable; then nothing is written.
    """
    limits = await limits_in_force(tx, policy)
    _check_words(policy, draft.agents, draft.expires_at, tx.now)
    check_lasting(caller, limits, draft.expires_at - tx.now if draft.expires_at else None)
    agent_id = caller.actor.id if caller.actor.kind is ActorKind.AGENT else None
    if agent_id is not None:
        await automations.hold_creations(tx)
    maker = await _maker(tx, policy, agent_id) if agent_id is not None else Maker()
    check_creation(caller, limits, draft.rights, maker)
    row = await tx.add(_row(tx, policy, caller, draft, limits))
    await note_down(tx, row, caller.actor, "automation.created", _told(row))
    if agent_id is not None:
        await _count_towards_review(tx, policy, limits, agent_id, row)
    await tell_owner(tx, row, caller.actor, "automation_created")
    return row


async def _maker(tx: Tx, policy: Policy, agent_id: str) -> Maker:
    lineage = lineage_of(policy, agent_id)
    review = await automations.agent_review(tx, agent_id)
    return Maker(
        is_paused=any(one.kind is StandingKind.PAUSE for one in await standing.live(tx, agent_id)),
        is_spend_stopped=bool(await spend.holding(tx, [agent_id])),
        owes_review=review is not None and review.review_required,
        rights=await grants.rights(tx, agent_id), depth=len(lineage),
        created_today=await automations.count_created(tx, agent_id), active=await automations.count_active(tx),
    )  # fmt: skip


def _row(tx: Tx, policy: Policy, caller: Caller, draft: Draft, limits: Limits) -> Automation:
    actor = caller.actor
    assert actor.id is not None  # the rules let nobody else through
    maker = policy.agents.get(actor.id) if actor.kind is ActorKind.AGENT else None
    above = lineage_of(policy, actor.id)[1:] if maker else ()
    row = Automation(
        id=new_id("aut"), tenant=tx.tenant, name=storable(draft.name), status=AutomationStatus.ACTIVE,
        schedule=storable(draft.schedule) if draft.schedule else None,
        tools=list(draft.tools) if draft.tools is not None else None,
        agents=list(draft.agents), creates_agents=Right.CREATES_AGENTS in draft.rights,
        modifies_grants=Right.MODIFIES_GRANTS in draft.rights, about=canonical(dict(draft.about)).decode(),
        creator_kind=actor.kind, creator_id=actor.id, chain=list(above), depth=len(above) + 1 if maker else 0,
        owner=maker.creator if maker else actor.id, created_at=tx.now, updated_at=tx.now,
    )  # fmt: skip
    lasts = limits.default_expires_after if maker else None
    set_expiry(row, draft.expires_at or (tx.now + lasts if lasts else None), limits, tx.now)
    return row


def _check_words(policy: Policy, agents: tuple[str, ...], expires_at: datetime | None, now: datetime) -> None:
    unknown = next((one for one in agents if one not in policy.agents or policy.agents[one].is_internal), None)
    if unknown is not None:
        raise Unprocessable(f"agents: there is no agent {unknown!r} in the policy.")
    if expires_at is not None and expires_at <= now:
        raise Unprocessable("expires_at: name a moment from now on.")


async def _count_towards_review(tx: Tx, policy: Policy, limits: Limits, agent_id: str, row: Automation) -> None:
    """Count a creation, never a change; what reaches the threshold is the last before somebody looks."""
    review, threshold = await automations.count_creation(tx, agent_id), limits.per_agent_creation_review_threshold
    if 0 < threshold <= review.created_since_review and not review.review_required:
        await demand_look(tx, policy, review, row.owner, threshold, {"automation": row.id})


def rights_of(row: Automation) -> frozenset[Right]:
    """Return the capabilities an automation declares."""
    declared = {Right.CREATES_AGENTS: row.creates_agents, Right.MODIFIES_GRANTS: row.modifies_grants}
    return frozenset(right for right, is_declared in declared.items() if is_declared)


async def found_for_change(
    tx: Tx, caller: Caller, automation_id: str, *, destructive: bool = False
) -> tuple[Automation, Facts]:
    """Return an automation with its row locked, and what decides about it. Raises NotFound, or Forbidden where the
    caller may not change it."""
    row = await found_locked(tx, automation_id)
    facts = await facts_of(tx, row, caller.actor)
    check_change(caller, facts, destructive=destructive)
    return row, facts


async def found_locked(tx: Tx, automation_id: str) -> Automation:
    """Return an automation with its row locked. Raises NotFound."""
    row = await automations.locked(tx, automation_id)
    if row is None:
        raise unknown_automation()
    return row


def unknown_automation() -> NotFound:
    """Return the refusal of an id that this caller cannot have."""
    return NotFound("There is no automation under this id.", code="AUTOMATION_GOVERNANCE_NOT_FOUND")


async def update(tx: Tx, policy: Policy, caller: Caller, automation_id: str, changes: Mapping[str, Any]) -> Automation:
    """Change fields of an automation: those of Draft except `expires_at`, which is extended, not changed.

    What narrows its agents or tools pauses it until people have looked. Raises NotFound, Forbidden, Unprocessable.
    """
    row, facts = await found_for_change(tx, caller, automation_id)
    check_joining(caller, facts, changes.get("agents", ()))
    wanted, recorded = frozenset(changes.get("rights", rights_of(row))), rights_of(row)
    held = await grants.rights(tx, caller.actor.id or "") if wanted - recorded and not caller.is_human else frozenset()
    check_escalation(caller, wanted, recorded, held)
    _check_words(policy, tuple(changes.get("agents", ())), None, tx.now)
    lost = _lost(row, changes)
    _apply(row, changes, wanted)
    row.updated_at = tx.now
    await note_down(tx, row, caller.actor, "automation.updated", {"changed": sorted(changes), **_told(row)})
    if lost:
        evidence: dict[str, Json] = {"trigger": "narrowed", **lost}
        await revoke_dependency(tx, policy, row, caller.actor, NARROWED, evidence)
    return row


def _lost(row: Automation, changes: Mapping[str, Any]) -> dict[str, Json]:
    """Return which agents and tools a change takes away. To lift a restriction takes nothing away."""
    found: dict[str, Json] = {}
    if gone := sorted(set(row.agents) - set(changes.get("agents", row.agents))):
        found["removed_agents"] = list[Json](gone)
    tools = changes.get("tools", row.tools)
    if tools is not None and row.tools is None:
        found["tools_from_unrestricted"] = list[Json](tools)
    elif tools is not None and (gone := sorted(set(row.tools or ()) - set(tools))):
        found["removed_tools"] = list[Json](gone)
    return found


def _apply(row: Automation, changes: Mapping[str, Any], rights: frozenset[Right]) -> None:
    for key in ("name", "schedule"):
        if key in changes:
            setattr(row, key, storable(changes[key]) if changes[key] is not None else None)
    for key in ("agents", "tools"):
        if key in changes:
            setattr(row, key, list(changes[key]) if changes[key] is not None else None)
    if "about" in changes:
        row.about = canonical(dict(changes["about"])).decode()
    row.creates_agents, row.modifies_grants = Right.CREATES_AGENTS in rights, Right.MODIFIES_GRANTS in rights


async def pause(tx: Tx, policy: Policy, caller: Caller, automation_id: str, reason: str | None) -> Automation:
    """Pause an automation with every run of it. Again is fine. Raises NotFound or Forbidden."""
    row, _ = await found_for_change(tx, caller, automation_id)
    if row.status is AutomationStatus.PAUSED and (row.paused_by == str(caller.actor) or not caller.is_human):
        return row
    said = storable(reason) if reason else "paused"
    row.status, row.paused_reason, row.updated_at = AutomationStatus.PAUSED, said, tx.now
    row.paused_by = str(caller.actor)
    paused = await pause_runs(tx, row, StopKind.OPERATOR_STOPPED, said)
    detail: dict[str, Json] = {"reason": reason, "paused_runs": list[Json](paused)}
    await note_down(tx, row, caller.actor, "automation.paused", detail)
    await tell_owner(tx, row, caller.actor, "automation_paused", reason=reason)
    return row


async def resume(tx: Tx, policy: Policy, caller: Caller, automation_id: str) -> Automation:
    """Let a paused automation go on, once no review, retirement or expiry stands against it. Again is fine.

    Its paused runs stay paused; each can be queued again. Raises NotFound, Forbidden, Conflict.
    """
    row, facts = await found_for_change(tx, caller, automation_id)
    check_resume(caller, facts)
    if row.status is AutomationStatus.ACTIVE and not row.paused_for_lifecycle:
        return row
    row.status, row.paused_reason, row.updated_at = AutomationStatus.ACTIVE, None, tx.now
    row.paused_for_lifecycle, row.paused_by = False, None
    await note_down(tx, row, caller.actor, "automation.resumed")
    await tell_owner(tx, row, caller.actor, "automation_resumed")
    return row


def _told(row: Automation) -> dict[str, Json]:
    return {
        "creator": str(row.creator_id), "depth": row.depth, "agents": list[Json](row.agents),
        "tools": list[Json](row.tools) if row.tools is not None else None, "schedule": row.schedule,
        "capabilities": list[Json](sorted(rights_of(row))),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }  # fmt: skip
