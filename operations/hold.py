"""Quiet hours: what was to be said to somebody waits until they end."""

from storage import outbox, people
from storage.database import Tx


async def hold(tx: Tx, message_id: str, person: str) -> bool:
    """Put a claimed message back until the quiet hours of a person end; False where they are in none.

    Their settings stay as they are meanwhile, so whoever changes them finds the message and lets it go.
    """
    until = people.quiet_now(await people.kept_as_is(tx, person), tx.now)
    if until is None:
        return False
    await outbox.hold(tx, message_id, person, until)
    return True
