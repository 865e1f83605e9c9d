"""What must hold once everything is at rest: every card true, every click answered, nothing doubled, nothing lost."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.cards.card import card
from bot.ids import Action
from bot.office import TENANT
from bot.prove.stage import Stage
from bot.workspace import Message
from bot.workspace.clicks import Click
from governance.lifecycle import ExecutionStatus, RequestStatus
from storage.database import Database, Tx
from storage.dossier import Dossier, dossier
from storage.tables import ApprovalRequest, Execution, OutboxMessage, OutboxStatus, Review, Surface, SurfaceStatus

_LONGEST_REST = 900.0
_SAYING = 10.0  # seconds for which a private sentence is tried
_DECIDING = (Action.APPROVE, Action.REJECT)


@dataclass(frozen=True, slots=True)
class Shown:
    """One message that shows a request, and what is stored about it."""

    surface: Surface
    dossier: Dossier
    message: Message | None


async def rest(stage: Stage) -> float:
    """Wait until nothing is owed and every card shows what it should; return the seconds it took.

    Raises TimeoutError where that does not come about.
    """
    began = time.monotonic()
    async with asyncio.timeout(_LONGEST_REST):
        while True:
            if not await _unrest(stage.database):
                return time.monotonic() - began
            await asyncio.sleep(0.5)


async def _unrest(database: Database) -> int:
    soon = database.clock() + timedelta(hours=1)
    owed = select(func.count()).where(
        col(OutboxMessage.status).in_([OutboxStatus.QUEUED, OutboxStatus.SENDING]),
        col(OutboxMessage.next_attempt_at) < soon,
    )  # fmt: skip
    behind = select(func.count()).where(
        col(Surface.desired) > col(Surface.rendered), col(Surface.status) != SurfaceStatus.GONE
    )  # fmt: skip
    async with database.read(TENANT) as tx:
        return sum([int(await tx.session.scalar(query) or 0) for query in (owed, behind)])


async def shown(stage: Stage) -> list[Shown]:
    """Return every message that shows a request, with what is stored about it now."""
    workspace, found = stage.slack.workspace, []
    async with stage.database.read(TENANT) as tx:
        for surface in await tx.session.scalars(select(Surface).where(col(Surface.status) == SurfaceStatus.POSTED)):
            stored = await dossier(tx, surface.proposal_id)
            assert stored is not None  # the foreign key says so
            found.append(Shown(surface, stored, workspace.find(surface.channel, surface.ts or "")))
    return found


def stale(found: list[Shown]) -> list[str]:
    """Return the ids of surfaces whose message says anything else than what is stored. A message that somebody
    deleted after its request was over says nothing false."""
    return [one.surface.id for one in found if one.message is not None and not _is_true(one.dossier, one.message)]


def _is_true(stored: Dossier, message: Message) -> bool:
    rendering = next((block["block_id"] for block in message.blocks if block["type"] == "actions"), "")
    link = next((part for part in _links(message) if "discussed in its thread" in part), None)
    expected = card(stored, rendering, discussed_at=link.split("|")[0] if link else None)
    return _bare(expected.blocks) == _bare(message.blocks) and expected.text == message.text


def _links(message: Message) -> Iterator[str]:
    for block in message.blocks:
        for element in block.get("elements", []) if block["type"] == "context" else []:
            yield from (part.split(">")[0] for part in str(element.get("text", "")).split("<")[1:])


def _bare(blocks: list[dict[str, Any]]) -> str:
    return json.dumps([{k: v for k, v in block.items() if k != "block_id"} for block in blocks], sort_keys=True)


def posted_twice(stage: Stage) -> list[str]:
    """Return the keys under which more than one message stands that nobody deleted."""
    keys = Counter(
        message.metadata["event_payload"]["key"]
        for message in stage.slack.workspace.messages.values()
        if message.metadata and not message.deleted and "key" in message.metadata.get("event_payload", {})
    )
    return [key for key, count in keys.items() if count > 1]


def unanswered(stage: Stage) -> list[Click]:
    """Return the clicks that the server took and lived to answer, and that nothing visible followed."""
    ends = [id(click) for click in cut_off(stage)]
    return [click for click in _silent(stage) if id(click) not in ends]


def cut_off(stage: Stage) -> list[Click]:
    """Return the clicks that nothing followed because the server was killed before it had said its private sentence.
    What they decided stands on the card; who was refused clicks again."""
    kills = stage.child.killed_at
    return [click for click in _silent(stage) if any(0 <= at - click.started < _SAYING for at in kills)]


def _silent(stage: Stage) -> list[Click]:
    return [click for click in stage.slack.workspace.clicks.unanswered() if click.failure is None]


def too_late(stage: Stage) -> list[Click]:
    """Return the clicks whose acknowledgement came after Slack's three seconds while the server was up."""
    return [click for click in stage.slack.workspace.clicks if click.failure == "http_timeout"]


async def lost_answers(stage: Stage, found: list[Shown]) -> list[str]:
    """Return requests that know nothing of a click of Approve which was taken and not refused."""
    by_place = {(one.surface.channel, one.surface.ts): one.dossier for one in found}
    lost = []
    async with stage.database.read(TENANT) as tx:
        for click in stage.slack.workspace.clicks:
            stored = by_place.get((click.channel or "", click.ts or ""))
            if stored is None or stored.request is None or not _was_taken(click):
                continue
            if not await _is_recorded(tx, stored.request.id, click.user):
                lost.append(stored.request.id)
    return lost


def _was_taken(click: Click) -> bool:
    told = {answer.kind for answer in click.answers}
    return click.what == "Approve" and click.status == 200 and not told & {"ephemeral", "dm", "response_url"}


async def _is_recorded(tx: Tx, request_id: str, person: str) -> bool:
    query = select(col(Review.id)).where(col(Review.request_id) == request_id, col(Review.reviewer) == person)
    return (await tx.session.scalars(query.limit(1))).first() is not None


@dataclass(frozen=True, slots=True)
class Ends:
    """How the requests ended: counts by status, and proposals whose effect is not what their approval says."""

    statuses: dict[str, int]
    doubled: list[str]
    missing: list[str]
    uncalled_for: list[str]


async def ends(stage: Stage) -> Ends:
    """Compare what was approved with what really happened."""
    async with stage.database.read(TENANT) as tx:
        requests = list(await tx.session.scalars(select(ApprovalRequest)))
        done = {one.proposal_id: one for one in await tx.session.scalars(select(Execution))}
    happened = stage.effects.by_proposal
    succeeded = {key for key, one in done.items() if one.status is ExecutionStatus.SUCCEEDED}
    approved = {one.proposal_id for one in requests if one.status is RequestStatus.APPROVED}
    return Ends(
        dict(Counter(one.status.value for one in requests)),
        [proposal_id for proposal_id, keys in happened.items() if len(keys) > 1],
        sorted(succeeded - set(happened)),
        sorted(set(happened) - approved),
    )


def staleness(found: list[Shown]) -> list[float]:
    """Return, for every card of a decided request, the seconds from the commit until its buttons were gone."""
    seconds = []
    for one in found:
        request = one.dossier.request
        if request is None or request.decided_at is None or one.message is None:
            continue
        if (at := _closed_at(one.message, request.decided_at)) is not None:
            seconds.append(at)
    return seconds


def _closed_at(message: Message, decided_at: datetime) -> float | None:
    """Return how long after a decision a message first showed no buttons that decide; None where it never had any, as
    one that was posted only then."""
    if message.history[0].at > decided_at.timestamp():
        return None
    revisions = [*message.past, message.blocks]
    for version, blocks in zip(message.history, revisions, strict=False):
        late: float = version.at - decided_at.timestamp()
        if late >= 0 and not _decides(blocks):
            return late
    return None


def _decides(blocks: list[dict[str, Any]]) -> bool:
    used = {element.get("action_id") for block in blocks for element in block.get("elements", [])}
    return bool(used & {action.value for action in _DECIDING})
