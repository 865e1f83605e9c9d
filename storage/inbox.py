"""What people said without a button: taking it in once, claiming it, settling it, forgetting it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from governance.replies import Meant, Way
from governance.text import storable
from storage.database import Tx
from storage.tables import InboxEvent, InboxStatus

LEASE = timedelta(seconds=30)
#: Slack delivers an event again for some hours at most.
LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply or reaction as one event told of it."""

    event_id: str
    said: str
    way: Way
    meant: Meant
    person: str
    channel: str
    ts: str
    said_at: datetime


async def receive(tx: Tx, heard: Heard) -> None:
    """Keep what was said; what is known already, under this event id or another, is absorbed."""
    reason = heard.meant.reason
    values = {
        "id": heard.event_id, "tenant": tx.tenant, "said": heard.said, "way": heard.way, "meaning": heard.meant.meaning,
        "reason": storable(reason) if reason else None, "person": heard.person, "channel": heard.channel,
        "ts": heard.ts, "said_at": heard.said_at, "status": InboxStatus.QUEUED, "attempts": 0, "received_at": tx.now,
        "next_attempt_at": tx.now,
    }  # fmt: skip
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    await tx.session.execute(dialect.insert(InboxEvent).values(**values).on_conflict_do_nothing())
    tx.announce("inbox")


async def claim(tx: Tx, limit: int) -> list[InboxEvent]:
    """Claim what is due in every tenant, the oldest first, and what was claimed by a process that died."""
    due = ((col(InboxEvent.status) == InboxStatus.QUEUED) & (col(InboxEvent.next_attempt_at) <= tx.now)) | (
        (col(InboxEvent.status) == InboxStatus.WORKING) & (col(InboxEvent.lease_until) < tx.now)
    )
    query = select(InboxEvent).where(due).order_by(col(InboxEvent.received_at)).limit(limit)
    claimed = list(await tx.session.scalars(query.with_for_update(skip_locked=True)))
    for event in claimed:
        event.status, event.attempts = InboxStatus.WORKING, event.attempts + 1
        event.lease_until = tx.now + LEASE
    await tx.session.flush()
    return claimed


async def done(tx: Tx, event_id: str) -> None:
    """Settle what has been answered; in the transaction of the review where there is one, so that it counts once."""
    await _change(tx, event_id, status=InboxStatus.DONE, done_at=tx.now, lease_until=None, last_error=None)


async def dead(tx: Tx, event_id: str, error: str) -> None:
    """Give up what cannot be answered, visibly."""
    await _change(tx, event_id, status=InboxStatus.DEAD, done_at=tx.now, lease_until=None, last_error=error)


async def again(tx: Tx, event_id: str, at: datetime, error: str) -> None:
    """Put back until `at` what could not be answered now."""
    await _change(tx, event_id, status=InboxStatus.QUEUED, next_attempt_at=at, lease_until=None, last_error=error)


async def forget(tx: Tx) -> None:
    """Drop what was settled long ago; the reviews stay, with their reasons."""
    settled = col(InboxEvent.status).in_([InboxStatus.DONE, InboxStatus.DEAD])
    await tx.session.execute(delete(InboxEvent).where(settled, col(InboxEvent.received_at) < tx.now - LIFETIME))


async def _change(tx: Tx, event_id: str, **values: Any) -> bool:
    statement = (
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_id, col(InboxEvent.status) == InboxStatus.WORKING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
