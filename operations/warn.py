"""The last call before a request expires: everybody who may answer and has not is asked once, by name."""

from collections.abc import Iterable

from storage import outbox
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import OutboxMessage

LAST_CALL = "last_call"


async def ask_each(tx: Tx, message: OutboxMessage, people: Iterable[str]) -> None:
    """Owe each of these people a direct message in place of `message`; not again where that has been done."""
    if not await outbox.sent(tx, message.id):
        return
    for person in people:
        payload = {"proposal_id": message.payload["proposal_id"], "person": person, "event": LAST_CALL}
        await owe(tx, Owed.TELL, f"{message.subject}:{LAST_CALL}:{person}", Priority.WARNING, payload)
