"""Bookkeeping of one surface while it is drawn: claimed, begun, posted, brought up to date, or lost."""

from dataclasses import dataclass

from governance.lifecycle import RequestStatus
from storage import audit, surfaces, threads
from storage.database import Tx
from storage.dossier import Dossier, dossier
from storage.outbox import Owed, Priority, owe
from storage.tables import Rendering, Surface, SurfaceStatus
from storage.tables.base import new_id

MAX_REPOSTS = 1
#: A loop that proposes and withdraws must not fill a channel with cards nobody can use any more.
_UNANSWERED = frozenset({RequestStatus.WITHDRAWN, RequestStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Drawing:
    """What to draw on which surface: the state as of `revision`, under a rendering id for its buttons."""

    surface: Surface
    dossier: Dossier
    revision: int
    rendering_id: str
    maybe_posted: bool  #: an earlier post may have arrived without our knowing

    @property
    def is_moot(self) -> bool:
        """Whether its request ended before anybody saw it or answered it, so that there is nothing to tell."""
        return _is_moot(self.surface, self.dossier)


class SurfaceBusy(Exception):
    """Another hand is drawing this surface at the moment."""


async def begin(tx: Tx, surface_id: str) -> Drawing | None:
    """Claim a surface and note what is about to be drawn; None where there is nothing to draw on any more.

    The rendering row and the mark `posting` are committed before the call to Slack, so that neither a click on the
    new buttons nor a lost answer finds us ignorant. Raises SurfaceBusy.
    """
    if not await surfaces.seize(tx, surface_id):
        raise SurfaceBusy(surface_id)
    surface = await tx.get(Surface, surface_id)
    if surface is None or surface.status is SurfaceStatus.GONE:
        return None
    found = await dossier(tx, surface.proposal_id)
    assert found is not None  # the foreign key says so
    if surface.status is SurfaceStatus.NEW and _is_moot(surface, found):
        await surfaces.change(tx, surface_id, busy_until=None, status=SurfaceStatus.GONE)
        return None
    rendering_id = await note_rendering(tx, found, surface.id)
    maybe_posted = surface.status is SurfaceStatus.POSTING
    if surface.ts is None:
        await surfaces.change(tx, surface_id, status=SurfaceStatus.POSTING)
    return Drawing(surface, found, surface.desired, rendering_id, maybe_posted)


def _is_moot(surface: Surface, found: Dossier) -> bool:
    return surface.ts is None and found.request is not None and found.request.status in _UNANSWERED


async def note_rendering(tx: Tx, found: Dossier, surface_id: str | None = None) -> str:
    """Write down what is about to be shown with buttons on it; return the id that they carry, and nothing else."""
    rendering_id = new_id("rnd")
    if found.request is not None or found.execution is not None:
        request, execution = found.request, found.execution
        await tx.add(
            Rendering(
                id=rendering_id,
                tenant=tx.tenant,
                surface_id=surface_id,
                proposal_id=found.proposal.id,
                request_id=request.id if request else None,
                request_version=request.version if request else 0,
                execution_id=execution.id if execution else None,
                attempt=execution.attempt if execution else 0,
                digest=found.proposal.digest,
                created_at=tx.now,
            )
        )
    return rendering_id


async def finish(tx: Tx, drawing: Drawing, ts: str, channel: str) -> None:
    """Note that the surface shows `drawing`; where the truth has moved on meanwhile, owe the next drawing."""
    surface_id = drawing.surface.id
    await surfaces.change(
        tx, surface_id, ts=ts, channel=channel, status=SurfaceStatus.POSTED, rendered=drawing.revision, busy_until=None
    )
    await threads.note_shown(tx, drawing.rendering_id)
    surface = await tx.get(Surface, surface_id)
    if surface is not None and surface.desired > drawing.revision:
        await owe(tx, Owed.SHOW, surface_id, Priority.ANSWER)


async def let_go(tx: Tx, drawing: Drawing, *, certain: bool) -> None:
    """Release a surface that could not be drawn; `certain` says that nothing reached Slack."""
    never_posted = certain and drawing.surface.ts is None
    changes = {"status": SurfaceStatus.NEW} if never_posted and not drawing.maybe_posted else {}
    await surfaces.change(tx, drawing.surface.id, busy_until=None, **changes)


async def lost(tx: Tx, drawing: Drawing, why: str) -> None:
    """Note that the message is gone: posted once more while the request waits, given up otherwise."""
    surface, request = drawing.surface, drawing.dossier.request
    again = request is not None and request.decided_at is None and surface.reposts < MAX_REPOSTS
    changes = {"ts": None, "status": SurfaceStatus.NEW} if again else {"status": SurfaceStatus.GONE}
    await surfaces.change(tx, surface.id, busy_until=None, reposts=surface.reposts + 1, **changes)
    detail = {"surface": surface.id, "channel": surface.channel, "why": why, "again": again}
    await audit.record(tx, "surface.lost", "system", proposal_id=surface.proposal_id, detail=detail)
    if again:
        await owe(tx, Owed.SHOW, surface.id, Priority.CARD)


async def drop(tx: Tx, drawing: Drawing) -> None:
    """Give a surface up that was never posted and is not worth posting any more."""
    await surfaces.change(tx, drawing.surface.id, busy_until=None, status=SurfaceStatus.GONE)


async def refuse(tx: Tx, drawing: Drawing, why: str) -> None:
    """Give a surface up before anything was posted on it."""
    await surfaces.change(tx, drawing.surface.id, busy_until=None, status=SurfaceStatus.GONE)
    detail = {"surface": drawing.surface.id, "channel": drawing.surface.channel, "why": why}
    await audit.record(tx, "surface.refused", "system", proposal_id=drawing.surface.proposal_id, detail=detail)
