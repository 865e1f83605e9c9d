"""Stopping an agent at its cap, lifting the stop for a while, and letting it go with a new week or a raised cap."""

from dataclasses import dataclass
from datetime import datetime

from governance.automations import Actor, ActorKind
from governance.canonical import Json
from governance.money import format_usd
from governance.policy import Policy
from governance.spend import cap_of, reaches, release_of, why_paused, why_stopped
from operations.notify import say
from operations.question import Question, raise_question, supersede
from storage import audit, spend, standing, stopped_runs
from storage.database import Tx
from storage.limits import policy_in_force
from storage.spend import Week
from storage.tables import RequestType, SpendStop, Standing, StandingKind
from storage.tables.base import new_id

_SYSTEM = Actor(ActorKind.SYSTEM)
_OVERRIDDEN = "auto_resume_after_guardrail_override"
_RELEASED = "auto_resume_after_spend_release"


@dataclass(frozen=True, slots=True)
class Cause:
    """What cost the money that reached the cap, as far as it was said."""

    automation_id: str | None = None
    run_id: str | None = None

    def told(self) -> dict[str, Json]:
        """Return it as records tell it."""
        return {"automation_id": self.automation_id, "run_id": self.run_id}


async def stop_at_cap(tx: Tx, policy: Policy, week: Week, cap: int, cause: Cause) -> bool:
    """Stop an agent whose week reached its cap; False where it is stopped already, or lifted by an override.

    `policy` carries the limits in force. What still goes on of a stopped agent is paused by the loop.
    """
    stop = await spend.live_stop(tx, week.agent_id)
    if stop is not None and stop.release_at <= tx.now:  # of last week; the loop has not come by yet
        await _end(tx, policy, stop, "a new week began")
        stop = None
    if stop is not None and stop.lifted_until is not None and stop.lifted_until > tx.now:
        return False
    if stop is not None and stop.lifted_until is None:  # its runs are looked through by the loop, not by every report
        stop.due_at = tx.now
        await tx.session.flush()
        return False
    if stop is None:
        stop = await tx.add(_row(tx, week, cap))
        await spend.mark_week(tx, week.agent_id, stopped_at=tx.now)
    stop.cost, stop.cap = week.cost, cap
    await _hold(tx, policy, stop, cause)
    stop.due_at = tx.now  # the loop looks once more: at this very moment a cap may be raised, or a run begun
    await tx.session.flush()
    return True


async def lift(tx: Tx, stop: SpendStop, until: datetime, by: Actor = _SYSTEM) -> bool:
    """Lift a stop until a moment, or longer where it is already, and queue what it paused again; False where it has
    ended by itself."""
    found = await spend.stop_locked(tx, stop.id)
    if found is None or found.ended_at is not None:
        return False
    until = found.lifted_until = max(until, found.lifted_until or until)
    await standing.end(tx, found.agent_id, StandingKind.SPEND, "", by.id or "system")
    resumed = await _resume_runs(tx, found, _OVERRIDDEN)
    detail: dict[str, Json] = {"stop": found.id, "until": until.isoformat(), "resumed_runs": len(resumed)}
    await audit.record(tx, "spend.lifted", str(by), agent_id=found.agent_id, request_id=found.request_id, detail=detail)
    return True


async def look_again(tx: Tx) -> int:
    """Have every stop looked at: caps may have changed. Returns how many."""
    return await spend.make_due(tx)


async def attend(tx: Tx, policy: Policy, stop_id: str) -> None:
    """Do what is due for a stop now: let it go, stop again after a lift, or go on moving runs. Being late is fine."""
    stop = await spend.stop_locked(tx, stop_id)
    if stop is None or stop.due_at is None or stop.due_at > tx.now:
        return
    if stop.ended_at is not None:
        await _resume_runs(tx, stop, _RELEASED)
        return
    policy = await policy_in_force(tx, policy)
    cap, week = cap_of(policy.limits, stop.agent_id), await spend.week_of(tx, stop.agent_id)
    if stop.release_at <= tx.now:
        await _end(tx, policy, stop, "a new week began")
    elif stop.agent_id not in policy.agents:
        await _end(tx, policy, stop, "it is no longer in the policy")
    elif cap is None or not reaches(week.cost, cap):
        await _end(tx, policy, stop, "its cap was raised")
    elif stop.lifted_until is None:
        await _pause_runs(tx, stop)
    elif stop.lifted_until <= tx.now:
        stop.cost, stop.cap = week.cost, cap
        await _hold(tx, policy, stop, Cause())
    else:
        await _resume_runs(tx, stop, _OVERRIDDEN)


async def _hold(tx: Tx, policy: Policy, stop: SpendStop, cause: Cause) -> None:
    """Let a stop hold: the gates see it, runs pause, its creator hears of it, people are asked for an override."""
    stop.lifted_until = None
    await tx.add(_standing(tx, stop))
    request = await raise_question(tx, policy, _question(stop, cause))
    stop.request_id = request.id
    paused = await _pause_runs(tx, stop)
    figures = _figures(stop)
    detail = {**cause.told(), **figures, "stop": stop.id, "paused_runs": len(paused)}
    await audit.record(tx, "spend.stopped", "system", agent_id=stop.agent_id, request_id=stop.request_id, detail=detail)
    await _tell(tx, policy, stop, "spend_stopped", "")


async def _end(tx: Tx, policy: Policy, stop: SpendStop, why: str) -> None:
    stop.ended_at = tx.now
    await standing.end(tx, stop.agent_id, StandingKind.SPEND, "", "system")
    await supersede(tx, RequestType.QUOTA_OVERRIDE, ("agent", stop.agent_id), why)
    resumed = await _resume_runs(tx, stop, _RELEASED)
    detail: dict[str, Json] = {"stop": stop.id, "why": why, "resumed_runs": len(resumed)}
    await audit.record(tx, "spend.released", "system", agent_id=stop.agent_id, detail=detail)
    await _tell(tx, policy, stop, "spend_released", why)


async def _pause_runs(tx: Tx, stop: SpendStop) -> list[str]:
    paused = await stopped_runs.pause_runs(tx, stop.agent_id, why_paused(stop.agent_id, stop.cost, stop.cap))
    await _note_due(tx, stop, more=len(paused) == stopped_runs.BATCH)
    return paused


async def _resume_runs(tx: Tx, stop: SpendStop, reason: str) -> list[str]:
    """Queue again what nobody else's stop holds as well."""
    for other in await spend.holding(tx):
        if other.agent_id != stop.agent_id:
            await stopped_runs.hand_over(tx, stop.agent_id, other.agent_id)
    resumed, more = await stopped_runs.resume_runs(tx, stop.agent_id, reason)
    await _note_due(tx, stop, more=more)
    return resumed


async def _note_due(tx: Tx, stop: SpendStop, *, more: bool) -> None:
    """Note when the loop has to look at a stop next: at once, while runs are left to be moved."""
    lapses = stop.lifted_until or stop.release_at
    later = None if stop.ended_at is not None else min(lapses, stop.release_at)
    stop.due_at = tx.now if more else later
    await tx.session.flush()


async def _tell(tx: Tx, policy: Policy, stop: SpendStop, event: str, why: str) -> None:
    agent = policy.agents.get(stop.agent_id)
    if agent is not None:
        told = {"agent": agent.id, "cost": format_usd(stop.cost), "cap": format_usd(stop.cap), "why": why}
        await say(tx, event, [agent.creator], told)


def _row(tx: Tx, week: Week, cap: int) -> SpendStop:
    return SpendStop(
        id=new_id("stp"), tenant=tx.tenant, agent_id=week.agent_id, reason=why_stopped(cap), at=tx.now, cost=week.cost,
        cap=cap, release_at=release_of(tx.now), due_at=tx.now,
    )  # fmt: skip


def _standing(tx: Tx, stop: SpendStop) -> Standing:
    return Standing(
        id=new_id("stg"), tenant=tx.tenant, agent_id=stop.agent_id, kind=StandingKind.SPEND, by="system",
        reason=stop.reason, at=tx.now,
    )  # fmt: skip


def _question(stop: SpendStop, cause: Cause) -> Question:
    cost, cap = format_usd(stop.cost), format_usd(stop.cap)
    context = {
        **cause.told(), "agent_id": stop.agent_id, "weekly_cost_usd": cost, "weekly_spend_cap_usd": cap,
        "reason": "agent weekly spend cap exceeded",
    }  # fmt: skip
    return Question(
        RequestType.QUOTA_OVERRIDE, ("agent", stop.agent_id), f"Let {stop.agent_id} spend on",
        f"Lifts the spend stop of {stop.agent_id} for this week and queues its paused runs again",
        f"It has spent {cost} of {cap} USD this week, so nothing of it starts.", context, _SYSTEM,
    )  # fmt: skip


def _figures(stop: SpendStop) -> dict[str, Json]:
    return {"weekly_cost_usd": format_usd(stop.cost), "weekly_spend_cap_usd": format_usd(stop.cap)}
