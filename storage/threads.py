"""Where people talk about requests: the surfaces in a thread, and what they showed at a moment."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, text, update
from sqlmodel import col

from storage.database import Tx
from storage.requests import OPEN
from storage.tables import ApprovalRequest, Rendering, Surface, SurfaceStatus

#: Written out, because no database matches a partial index against a bound value.
_POSTING = text(f"surfaces.status = '{SurfaceStatus.POSTING.value}'")
_LOOKED_AT = 50  # of one thread


async def is_ours(tx: Tx, channel: str, ts: str) -> bool:
    """Whether a message is one of our cards, or heads a thread with some. So may be one whose posting is under way."""
    posting = (col(Surface.channel) == channel) & _POSTING
    query = select(exists().where(col(Surface.tenant) == tx.tenant, or_(_under(channel, ts), posting)))
    return bool(await tx.session.scalar(query))


async def cards_in(tx: Tx, channel: str, ts: str) -> list[Surface]:
    """Return the cards that head a thread or stand in it: those that wait first, however old, then the newest."""
    is_open = (col(ApprovalRequest.proposal_id) == col(Surface.proposal_id)) & col(ApprovalRequest.status).in_(OPEN)
    query = select(Surface).outerjoin(ApprovalRequest, is_open)
    query = query.where(col(Surface.tenant) == tx.tenant, _under(channel, ts), _is_up())
    newest = query.order_by(col(ApprovalRequest.id).is_(None), col(Surface.id).desc())
    return list(await tx.session.scalars(newest.limit(_LOOKED_AT)))


async def card_at(tx: Tx, channel: str, ts: str) -> list[Surface]:
    """Return the card that is this very message, an empty list where it is none."""
    query = select(Surface).where(
        col(Surface.tenant) == tx.tenant, col(Surface.channel) == channel, col(Surface.ts) == ts, _is_up()
    )
    return list(await tx.session.scalars(query.limit(1)))


async def note_shown(tx: Tx, rendering_id: str) -> None:
    """Note that Slack shows a drawing from now on."""
    statement = update(Rendering).where(col(Rendering.id) == rendering_id, col(Rendering.tenant) == tx.tenant)
    await tx.session.execute(statement.values(shown_at=tx.now).execution_options(synchronize_session=False))


async def seen_at(tx: Tx, surface_id: str, moment: datetime) -> Rendering | None:
    """Return the drawing that a surface certainly showed at a moment; before the first answer from Slack, the first."""
    mine = select(Rendering).where(col(Rendering.surface_id) == surface_id, col(Rendering.tenant) == tx.tenant)
    shown = mine.where(col(Rendering.shown_at) <= moment).order_by(col(Rendering.shown_at).desc()).limit(1)
    found = (await tx.session.scalars(shown)).first()
    return found or (await tx.session.scalars(mine.order_by(col(Rendering.id)).limit(1))).first()


def _is_up() -> ColumnElement[bool]:
    return col(Surface.ts).is_not(None) & (col(Surface.status) != SurfaceStatus.GONE)


def _under(channel: str, ts: str) -> ColumnElement[bool]:
    return (col(Surface.channel) == channel) & ((col(Surface.ts) == ts) | (col(Surface.thread_ts) == ts))
