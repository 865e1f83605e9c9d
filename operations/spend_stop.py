"""Lifting a spend stop: what it paused goes on until the lift lapses."""

from datetime import datetime

from governance.automations import Actor, ActorKind
from storage import audit, governing
from storage.database import Tx
from storage.tables import RunEvent, SpendStop
from storage.tables.base import new_id

_SYSTEM = Actor(ActorKind.SYSTEM)


async def lift(tx: Tx, stop: SpendStop, until: datetime, by: Actor = _SYSTEM) -> bool:
    """Lift a spend stop until a moment and queue what it paused again; False where it ended by itself."""
    if not await governing.lift_stop(tx, stop, lifted_until=until):
        return False
    resumed = await governing.resume_stopped_runs(tx, stop.agent_id)
    for run_id in resumed:
        tx.session.add(
            RunEvent(
                id=new_id("rev"), tenant=tx.tenant, run_id=run_id, kind="run_resumed", reason="spend stop lifted",
                at=tx.now,
            )
        )  # fmt: skip
    await audit.record(
        tx, "spend.lifted", str(by), agent_id=stop.agent_id, request_id=stop.request_id,
        detail={"until": until.isoformat(), "resumed_runs": resumed},
    )  # fmt: skip
    return True
