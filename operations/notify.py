"""What people are owed when something happened: a line in the thread, a direct message to the owners.

Nobody is told that a call ran before it did, and the message says how it ended.
"""

from collections.abc import Iterable, Mapping

from storage import surfaces, trail
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import Proposal
from storage.tables.base import new_id


async def note(
    tx: Tx, proposal_id: str, event: str, *, priority: Priority = Priority.TRAIL, **told: str | None
) -> None:
    """Owe one line in the thread where the request is discussed. `event` names its wording in bot/cards/notes.

    `told` is what the line says besides: `by` whom, `to` whom it is about (a person, or people and groups separated by
    spaces), the `reason`, `until` when (ISO format), and how many `votes` there were.
    """
    shown = await surfaces.of_proposal(tx, proposal_id)
    if not shown:
        return
    payload = {"proposal_id": proposal_id, "surface_id": shown[0].id, "event": event, "at": tx.now.isoformat()}
    payload |= {name: value for name, value in told.items() if value}
    if priority is Priority.TRAIL:
        await trail.add(tx, shown[0].id, payload)
        return
    await owe(tx, Owed.NOTE, new_id("note"), priority, payload)


async def tell_owners(tx: Tx, proposal: Proposal, event: str) -> None:
    """Owe a direct message to the agent's creator and to the person it acted for."""
    for person in dict.fromkeys((proposal.creator, proposal.on_behalf_of)):
        if person is not None:
            payload = {"proposal_id": proposal.id, "person": person, "event": event}
            await owe(tx, Owed.TELL, f"{proposal.id}:{event}:{person}", Priority.OUTCOME, payload)


async def say(tx: Tx, event: str, people: Iterable[str], told: Mapping[str, str]) -> None:
    """Owe some people a direct message about what is no call. `event` names its wording in bot/cards/notices."""
    for person in dict.fromkeys(people):
        payload = {"event": event, "person": person, **told}
        await owe(tx, Owed.SAY, new_id("say"), Priority.WARNING, payload)
