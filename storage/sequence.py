"""The sequencer: which audit entries have not been numbered yet.

Ids are handed out before commit, so a smaller id may appear after a larger one. The sequencer remembers the ids
it has not seen below its cursor and looks for them again, until no transaction can still hold them.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlmodel import col

from storage.database import Tx
from storage.tables import AuditEntry, Sequencer

#: No transaction lives longer than this, so an id still missing then was rolled back.
GAP_LIFETIME = timedelta(minutes=10)
_ADVISORY_LOCK = 0x436F756E


async def take_turn(tx: Tx, *, wait: bool = False) -> Sequencer | None:
    """Return the sequencer's row if no other replica is at it, or once none is; the first time it is made."""
    is_postgresql = tx.session.get_bind().dialect.name == "postgresql"
    if is_postgresql and wait:
        await tx.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    elif is_postgresql:
        free = await tx.session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        if not free:
            return None
    found = await tx.session.get(Sequencer, 1)
    return found or await tx.add(Sequencer(id=1, cursor=0, gaps={}))


async def is_behind(tx: Tx) -> bool:
    """Whether there are committed entries without a number, or may be."""
    place = await tx.session.get(Sequencer, 1)
    return place is None or bool(place.gaps) or bool(await unnumbered(tx, place, 1))


async def unnumbered(tx: Tx, place: Sequencer, limit: int) -> list[AuditEntry]:
    """Return committed entries without a number, by id."""
    newer = select(AuditEntry).where(col(AuditEntry.id) > place.cursor).order_by(col(AuditEntry.id)).limit(limit)
    late = select(AuditEntry).where(col(AuditEntry.id).in_([int(gap) for gap in place.gaps]))
    found = list(await tx.session.scalars(late)) if place.gaps else []
    return [*found, *await tx.session.scalars(newer)]


def advance(place: Sequencer, entries: list[AuditEntry], now: datetime) -> None:
    """Move the cursor past `entries`, remembering the ids that were skipped and forgetting those that are lost."""
    seen = {entry.id for entry in entries if entry.id is not None}
    top = max(seen | {place.cursor})
    skipped = {str(id): now.isoformat() for id in range(place.cursor + 1, top) if id not in seen}
    kept = {
        id: since
        for id, since in place.gaps.items()
        if int(id) not in seen and datetime.fromisoformat(since) > now - GAP_LIFETIME
    }
    place.cursor, place.gaps = top, {**kept, **skipped}
