"""Approving several calls of low risk at once: offered as they stand, then decided one by one like any other."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.batch import MOST, Ending, Outcome
from bot.cards.blocks import mrkdwn
from bot.office import Office
from bot.office.deciding import decide
from bot.office.queue import is_for_batch, is_low_call, queue
from governance.errors import AlreadyDecided, ApprovalExpired, ArgumentsChanged, NotFound, Refusal, Unprocessable
from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from operations import show
from operations.review import Answer
from storage import lists, surfaces
from storage.database import Tx
from storage.dossier import Dossier, dossier
from storage.lists import Asked
from storage.tables import ApprovalRequest, Door, Rendering

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """The calls somebody may approve together, each with the id of what they are shown, and how many did not fit."""

    offered: list[tuple[Dossier, str]]
    left: int


async def offer(office: Office, person: str) -> Offer:
    """Look for what a person may approve together, oldest first, and write down what they are shown of it."""
    found = await queue(office, person)
    low = [one.request.id for one in found.mine if is_for_batch(one, office.policy.current)]
    chosen = sorted(low)[:MOST]
    if not chosen:
        return Offer([], 0)

    async def note(tx: Tx) -> list[tuple[Dossier, str]]:
        asked = await lists.dossiers(tx, await lists.by_id(tx, chosen, RequestStatus.PENDING))
        return [(one, await show.note_rendering(tx, one)) for one in asked]

    return Offer(await office.database.write(office.tenant, note), len(low) - len(chosen))


async def approve(office: Office, person: str, rendering_ids: Sequence[str]) -> list[Outcome]:
    """Approve each as it was shown, in a transaction of its own; what can no longer be approved says why."""
    return [await _approve(office, person, one) for one in list(dict.fromkeys(rendering_ids))[:MOST]]


async def _approve(office: Office, person: str, rendering_id: str) -> Outcome:
    title = rendering_id
    try:
        rendering, found = await _look_up(office, rendering_id)
        title = f"{found.proposal.title} · {found.proposal.agent_name}"
        _check_low(office, found)
        answer = Answer(
            person, ReviewVerdict.APPROVE, Door.SLACK, seen_version=rendering.request_version,
            seen_digest=rendering.digest,
        )  # fmt: skip
        return _done(title, await decide(office, str(rendering.request_id), answer))
    except Refusal as refusal:
        return _refused(title, refusal)
    except Exception:  # an outer loop: one answer that breaks must not take the others with it
        log.exception("one of several answers failed")
        return Outcome(title, Ending.REFUSED, "something went wrong on our side; look at its card")


async def _look_up(office: Office, rendering_id: str) -> tuple[Rendering, Dossier]:
    async with office.database.read(office.tenant) as tx:
        rendering = await surfaces.rendering(tx, rendering_id)
        found = await dossier(tx, rendering.proposal_id) if rendering else None
    if rendering is None or found is None or found.request is None or rendering.request_id is None:
        raise NotFound("This belongs to no request here; it may be from another installation.")
    return rendering, found


def _check_low(office: Office, found: Dossier) -> None:
    """Refuse what was never offered here, whatever the submission says, and what the policy has since made riskier."""
    proposal, request = found.proposal, found.request
    assert request is not None
    if not is_low_call(Asked(request, proposal.tool, proposal.risk, proposal.tier), office.policy.current):
        raise Unprocessable("This is decided on its card: its risk is not low, or its tool wants its buttons.")


def _done(title: str, request: ApprovalRequest) -> Outcome:
    ended = request.status is RequestStatus.APPROVED
    return Outcome(title, Ending.APPROVED if ended else Ending.COUNTED)


def _refused(title: str, refusal: Refusal) -> Outcome:
    if isinstance(refusal, ApprovalExpired):
        return Outcome(title, Ending.EXPIRED)
    if isinstance(refusal, AlreadyDecided):
        return _lost(title, refusal)
    if isinstance(refusal, ArgumentsChanged):
        return Outcome(title, Ending.EDITED)
    return Outcome(title, Ending.REFUSED, mrkdwn(refusal.sentence))


def _lost(title: str, refusal: Refusal) -> Outcome:
    winner = refusal.details.get("winner") or {}
    if winner.get("verdict") == RequestStatus.WITHDRAWN:
        return Outcome(title, Ending.WITHDRAWN, mrkdwn(refusal.sentence))
    by = f" by <@{winner['by']}>" if winner.get("by") else ""
    return Outcome(title, Ending.ALREADY, f"already {winner.get('verdict', 'decided')}{by}")
