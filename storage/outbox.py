"""What a commit owes the outside world: queueing, claiming and settling outbox messages."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.database import Tx
from storage.tables import OutboxMessage, OutboxStatus
from storage.tables.base import new_id

LEASE = timedelta(seconds=30)

#: The subject of a message that still takes trail lines of a surface, before the surface's id.
OPEN_TRAIL = "trail:"

#: Written out, because PostgreSQL's generic plans do not match a partial index against a bound value.
QUEUED = text(f"status = '{OutboxStatus.QUEUED.value}'")


class Owed(StrEnum):
    """The kinds of outbox messages; each has one handler."""

    SHOW = "show"  #: bring one surface up to date (subject: surface id)
    NOTE = "note"  #: add a line to a card's thread, or trail lines that waited together (subject: unique once claimed)
    TELL = "tell"  #: send one person a direct message (subject: unique)
    COVER = "cover"  #: see who is there to decide, and who stands in for whom (subject: request id)
    SAY = "say"  #: tell one person about something that is no call (subject: unique)
    HOMES = "homes"  #: bring the Home tabs that people look at up to date (subject: tenant)
    WARN = "warn"  #: ask everybody who has not answered a last time (subject: request id)
    DIGEST = "digest"  #: send one person the digest of their day (subject: tenant and person)
    AAP = "aap"  #: notify an instance that its request is resolved (subject: the event's id, unique)
    WEBHOOK = "webhook"  #: tell an endpoint what it is to be told, in a lane of its own (subject: endpoint id)
    FOLD = "fold"  #: bring the message that counts a noisy agent's calls up to date (subject: folding id)


_LANES = {Owed.WEBHOOK: "webhooks", Owed.AAP: "aap"}
_IN_LANE = {lane: text(f"kind = '{kind}'") for kind, lane in _LANES.items()}
_IN_LANE["outbox"] = text(" AND ".join(f"kind <> '{kind}'" for kind in _LANES))


class Priority(IntEnum):
    """Queue order: what removes buttons first, chatter last."""

    ANSWER = 0
    CARD = 10
    OUTCOME = 20
    WARNING = 30
    TRAIL = 40


async def owe(
    tx: Tx, kind: Owed, subject: str, priority: Priority, payload: Mapping[str, str] | None = None,
    *, after: timedelta = timedelta(0),
) -> None:  # fmt: skip
    """Queue one message with this transaction; the same kind and subject still queued absorbs it.

    It is delivered `after` so much time at the earliest, so that what follows shortly can be absorbed.
    """
    values = {
        "id": new_id("out"), "tenant": tx.tenant, "kind": kind.value, "subject": subject,
        "payload": dict(payload or {}),
        "priority": int(priority), "status": OutboxStatus.QUEUED, "attempts": 0, "certain": True,
        "created_at": tx.now, "next_attempt_at": tx.now + after,
    }  # fmt: skip
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(OutboxMessage).values(**values)
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=QUEUED,
            set_={"priority": _least(dialect)(OutboxMessage.priority, int(priority))},
        )
    )
    tx.announce(lane_of(kind))


def lane_of(kind: str) -> str:
    """Return the topic that wakes whoever delivers this kind: receivers and Slack never wait for each other."""
    return _LANES.get(Owed(kind), "outbox")


async def hurry(tx: Tx, kind: Owed, subject: str) -> None:
    """Make a queued message due now: what it is to deliver is new, whatever it waited for."""
    await tx.session.execute(
        update(OutboxMessage)
        .where(
            QUEUED, col(OutboxMessage.kind) == kind.value, col(OutboxMessage.subject) == subject,
            col(OutboxMessage.next_attempt_at) > tx.now,
        )
        .values(next_attempt_at=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    tx.announce(lane_of(kind))


def _least(dialect: Any) -> Any:
    return func.min if dialect is sqlite else func.least


async def claim(tx: Tx, limit: int, lane: str = "outbox") -> list[OutboxMessage]:
    """Claim due messages of a lane and of every tenant, most urgent first, and messages whose claimant died."""
    due = ((col(OutboxMessage.status) == OutboxStatus.QUEUED) & (col(OutboxMessage.next_attempt_at) <= tx.now)) | (
        (col(OutboxMessage.status) == OutboxStatus.SENDING) & (col(OutboxMessage.lease_until) < tx.now)
    )
    query = (
        select(OutboxMessage)
        .where(due, _IN_LANE[lane])
        .order_by(col(OutboxMessage.priority), col(OutboxMessage.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = list(await tx.session.scalars(query))
    for message in claimed:
        message.status, message.attempts = OutboxStatus.SENDING, message.attempts + 1
        message.lease_until = tx.now + LEASE
        if message.subject.startswith(OPEN_TRAIL):
            message.subject = message.id  # from here on it takes no more lines
    await tx.session.flush()
    return claimed


async def begin_sending(tx: Tx, message_id: str) -> None:
    """Remember, before the first byte, that from here on the outcome is uncertain."""
    await change(tx, message_id, certain=False)


async def sent(tx: Tx, message_id: str) -> bool:
    """Settle a message that was delivered; False where that has been done before."""
    return await change(tx, message_id, status=OutboxStatus.SENT, sent_at=tx.now, lease_until=None, last_error=None)


async def dead(tx: Tx, message_id: str, error: str) -> None:
    """Give a message up, visibly."""
    await change(tx, message_id, status=OutboxStatus.DEAD, lease_until=None, last_error=error)


async def again(
    tx: Tx, message: OutboxMessage, at: datetime, error: str, *, certain: bool, blameless: bool = False
) -> None:
    """Put a message back until `at`; a newer queued one for the same subject takes its place instead.

    `blameless` says that it waits for what concerns every message, until which none is given up.
    """
    waits = {"held_until": tx.now} if blameless else {}
    await _back(tx, message.id, at, last_error=error, certain=certain, **waits)


async def wake(tx: Tx) -> None:
    """Make due what waited for what concerned every message: Slack can be reached again."""
    await tx.session.execute(
        update(OutboxMessage)
        .where(
            QUEUED, col(OutboxMessage.tenant) == tx.tenant, col(OutboxMessage.held_for).is_(None),
            col(OutboxMessage.held_until).is_not(None), col(OutboxMessage.next_attempt_at) > tx.now,
        )
        .values(next_attempt_at=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    tx.announce("outbox")


async def hold(tx: Tx, message_id: str, person: str, until: datetime) -> None:
    """Put a message back until somebody's quiet hours end; that was no try."""
    await _back(
        tx, message_id, until, last_error="quiet hours", held_for=person, held_until=until,
        attempts=OutboxMessage.attempts - 1,
    )  # fmt: skip


async def release(tx: Tx, person: str) -> None:
    """Make what is held for somebody due now: their quiet hours may have changed."""
    await tx.session.execute(
        update(OutboxMessage)
        .where(
            QUEUED, col(OutboxMessage.tenant) == tx.tenant, col(OutboxMessage.held_for) == person,
            col(OutboxMessage.held_until) > tx.now,
        )
        .values(next_attempt_at=tx.now, held_until=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    tx.announce("outbox")


async def _back(tx: Tx, message_id: str, at: datetime, **values: Any) -> None:
    try:
        async with tx.session.begin_nested():  # the newer one may be a commit away, so only the index can tell
            await change(
                tx, message_id, status=OutboxStatus.QUEUED, next_attempt_at=at, lease_until=None, **values
            )  # fmt: skip
    except IntegrityError:
        await sent(tx, message_id)


async def change(tx: Tx, message_id: str, **values: Any) -> bool:
    """Change a message that is being sent; False where it is not, any more."""
    statement = (
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message_id, col(OutboxMessage.status) == OutboxStatus.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
