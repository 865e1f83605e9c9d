"""The daily digest: owed at the hour that each person has chosen, where they are."""

from governance.hours import next_digest
from storage import people
from storage.database import Tx
from storage.outbox import Owed, Priority, owe


async def owe_due(tx: Tx, limit: int = 100) -> int:
    """Owe everybody whose hour has come a digest, and note when the next one is due; returns to how many.

    One that has not been delivered by then absorbs the next: nobody is sent two at once after an outage.
    """
    due = await people.digests_due(tx, limit)
    for row in due:
        assert row.digest_hour is not None  # both are set together
        tx.tenant, row.digest_at = row.tenant, next_digest(row.digest_hour, row.tz, tx.now)
        await owe(tx, Owed.DIGEST, f"{row.tenant}:{row.person}", Priority.WARNING, {"person": row.person})
    await tx.session.flush()
    return len(due)
