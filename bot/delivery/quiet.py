"""Quiet hours, as delivery keeps them."""

from operations.hold import hold
from scheduler.ports import Held
from storage import people
from storage.database import Database
from storage.tables import OutboxMessage


async def hold_in_quiet_hours(database: Database, message: OutboxMessage, person: str) -> None:
    """Put a message to somebody back while they are in quiet hours. Raises Held where that was done."""
    async with database.read(message.tenant) as tx:
        if people.quiet_now(await people.preference(tx, person), tx.now) is None:
            return
    if await database.write(message.tenant, lambda tx: hold(tx, message.id, person)):
        raise Held()
