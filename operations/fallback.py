"""Where a channel takes no cards, those who may decide get theirs as direct messages, and the admins hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from operations import show
from operations.notify import say
from operations.show import Drawing
from storage import alerts, audit, surfaces
from storage.database import Tx
from storage.tables import SurfaceStatus

_EVERY = timedelta(days=1)
CLOSED, THREAD_CLOSED = "channel_closed", "thread_closed"


@dataclass(frozen=True, slots=True)
class Closed:
    """A channel that takes no messages: why, in Slack's word, and what an admin can do about it."""

    channel: str
    error: str
    remedy: str


async def fall_back(tx: Tx, drawing: Drawing, closed: Closed, people: Sequence[str], admins: Sequence[str]) -> None:
    """Release a surface whose channel takes no cards, and open one for each of these people who has none yet."""
    proposal = drawing.dossier.proposal
    shown = await surfaces.of_proposal(tx, proposal.id)
    have = {one.person for one in shown if one.status is not SurfaceStatus.GONE}
    lacking = [person for person in people if person not in have]
    for person in lacking:
        await surfaces.open_one(tx, proposal.id, person, person=person)
    if lacking:
        detail = {"surface": drawing.surface.id, "channel": closed.channel, "why": closed.error, "people": lacking}
        await audit.record(tx, "surface.fell_back", "system", proposal_id=proposal.id, detail=detail)
    await _tell_admins(tx, CLOSED if drawing.surface.thread_ts is None else THREAD_CLOSED, closed, admins)
    await show.let_go(tx, drawing, certain=True)


async def leave_thread(tx: Tx, drawing: Drawing, closed: Closed, admins: Sequence[str]) -> None:
    """Give up the copy in the thread of an agent's work; the one in the approvals channel stands for it."""
    await show.refuse(tx, drawing, closed.error)
    await _tell_admins(tx, THREAD_CLOSED, closed, admins)


async def _tell_admins(tx: Tx, event: str, closed: Closed, admins: Sequence[str]) -> None:
    """Tell them once a day what is wrong with a channel, however many cards it concerns."""
    if await alerts.is_news(tx, f"{event}:{closed.channel}:{closed.error}", _EVERY):
        await say(tx, event, admins, {"channel": closed.channel, "why": closed.error, "remedy": closed.remedy})
