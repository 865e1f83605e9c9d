"""What people are owed when something happened: a line in the thread, a direct message to the owners.

Nobody is told that a call ran before it did, and the message says how it ended.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

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
    surface = await surfaces.talked_about_on(tx, proposal_id)
    if surface is None:
        return
    payload = {"proposal_id": proposal_id, "surface_id": surface.id, "event": event, "at": tx.now.isoformat()}
    payload |= {name: value for name, value in told.items() if value}
    if priority is Priority.TRAIL:
        await trail.add(tx, surface.id, payload)
        return
    await owe(tx, Owed.NOTE, new_id("note"), priority, payload)


def owners_of(proposal: Proposal) -> list[str]:
    """Return the agent's creator and the person it acted for, each once."""
    return [one for one in dict.fromkeys((proposal.creator, proposal.on_behalf_of)) if one is not None]


async def tell_owners(tx: Tx, proposal: Proposal, event: str) -> None:
    """Owe a direct message to the agent's creator and to the person it acted for."""
    for person in owners_of(proposal):
        await tell(tx, proposal, event, person)


async def tell(tx: Tx, proposal: Proposal, event: str, person: str) -> None:
    """Owe one person a direct message about how a call ended."""
    payload = {"proposal_id": proposal.id, "person": person, "event": event}
    await owe(tx, Owed.TELL, f"{proposal.id}:{event}:{person}", Priority.OUTCOME, payload)


#: How long a message waits for others like it, where an agent could cause as many as it likes.
_LULL = timedelta(minutes=5)


async def say(
    tx: Tx, event: str, people: Iterable[str], told: Mapping[str, str], *, once_about: str | None = None
) -> None:
    """Owe some people a direct message about what is no call. `event` names its wording in bot/cards/notices.

    `once_about` an id, each person hears of an event once in five minutes, however often it happens.
    """
    after = _LULL if once_about else timedelta()
    for person in dict.fromkeys(people):
        payload = {"event": event, "person": person, **told}
        subject = f"{event}:{once_about}:{person}" if once_about else new_id("say")
        await owe(tx, Owed.SAY, subject, Priority.WARNING, payload, after=after)
