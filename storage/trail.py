"""Trail lines: those that wait for the same thread are collected in one message, so that a flurry is said at once.

A message takes lines only while it is queued and certainly not posted. Claimed, it is closed: what happens to it from
then on happens to all its lines, under one key by which it can be found again.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage import outbox
from storage.database import Tx
from storage.outbox import OPEN_TRAIL, Owed, Priority
from storage.tables import OutboxMessage, OutboxStatus
from storage.tables.base import new_id

MOST = 15  #: lines of one message

Line = Mapping[str, str]


def lines_of(message: OutboxMessage) -> list[Line]:
    """Return the lines of a message, in the order in which things happened."""
    first = {name: value for name, value in message.payload.items() if name != "more"}
    return [first, *json.loads(message.payload.get("more", "[]"))]


def is_trail(message: OutboxMessage) -> bool:
    """Whether a message holds trail lines. Warnings and outcomes stay by themselves: they call people."""
    return message.kind == Owed.NOTE and message.priority == Priority.TRAIL


async def add(tx: Tx, surface_id: str, line: Line) -> None:
    """Owe one line in the thread of a surface, together with those that wait already."""
    waiting = await _waiting(tx, surface_id)
    if waiting is not None and len(lines_of(waiting)) < MOST:
        waiting.payload = _payload([*lines_of(waiting), line])
        await tx.session.flush()
        return
    if waiting is not None:
        waiting.subject = waiting.id
        await tx.session.flush()
    message = OutboxMessage(
        id=new_id("out"), tenant=tx.tenant, kind=Owed.NOTE, subject=OPEN_TRAIL + surface_id, payload=dict(line),
        priority=Priority.TRAIL, status=OutboxStatus.QUEUED, created_at=tx.now, next_attempt_at=tx.now,
    )  # fmt: skip
    await tx.add(message)
    tx.announce("outbox")


async def again(tx: Tx, message: OutboxMessage, at: datetime, error: str, *, blameless: bool = False) -> None:
    """Put back until `at` lines that certainly were not posted, together with newer ones of the same thread.

    `blameless` is that of `outbox.again`.
    """
    waits = {"held_until": tx.now} if blameless else {}
    try:
        async with tx.session.begin_nested():  # newer ones may be a commit away, so only the index can tell
            lines = await _absorb(tx, message)
            subject = OPEN_TRAIL + message.payload["surface_id"] if lines else message.id
            await outbox.change(
                tx, message.id, status=OutboxStatus.QUEUED, next_attempt_at=at, lease_until=None, last_error=error,
                certain=True, subject=subject, payload=_payload(lines or lines_of(message)), **waits,
            )  # fmt: skip
    except IntegrityError:
        await outbox.again(tx, message, at, error, certain=True, blameless=blameless)


async def _absorb(tx: Tx, message: OutboxMessage) -> list[Line]:
    """Return the lines of a message and of the newer one that waits, which is settled; none where both are too many."""
    newer = await _waiting(tx, message.payload["surface_id"])
    if newer is None:
        return lines_of(message)
    lines = [*lines_of(message), *lines_of(newer)]
    if len(lines) > MOST:
        return []
    newer.status, newer.sent_at, newer.last_error = OutboxStatus.SENT, tx.now, f"said by {message.id}"
    await tx.session.flush()
    return lines


async def _waiting(tx: Tx, surface_id: str) -> OutboxMessage | None:
    """Return the message of a thread that still takes lines, locked so that nobody claims it meanwhile."""
    query = select(OutboxMessage).where(
        col(OutboxMessage.kind) == Owed.NOTE, col(OutboxMessage.subject) == OPEN_TRAIL + surface_id,
        col(OutboxMessage.tenant) == tx.tenant, outbox.QUEUED,
    )  # fmt: skip
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


def _payload(lines: list[Line]) -> dict[str, str]:
    more = {"more": json.dumps(lines[1:])} if len(lines) > 1 else {}
    return {**lines[0], **more}
