"""Lines about who may answer a request, who has, and whose place it was on: pure, from stored state."""

from datetime import datetime

from bot.cards.blocks import date
from governance.lifecycle import OPEN_REQUESTS
from governance.reviewers import ReviewVerdict, is_group
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, Review

_SHOWN = 8


def people(ids: list[str]) -> str:
    """Return reviewers as mentions; user groups by id, so that showing a card pings no whole group."""
    return _listed([f"group {one}" if is_group(one) else f"<@{one}>" for one in ids])


def called(ids: list[str]) -> str:
    """Return people and user groups so that all of them are notified: for the one line that asks them to come."""
    return _listed([f"<!subteam^{one}>" if is_group(one) else f"<@{one}>" for one in ids])


def _listed(shown: list[str]) -> str:
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def signed(review: Review) -> str:
    """Return who gave an answer, and for whom where the place was delegated."""
    return f"<@{review.reviewer}>" + (f" for <@{review.on_behalf_of}>" if review.on_behalf_of else "")


def approvals(dossier: Dossier) -> int:
    """Return how many people have approved."""
    return sum(review.verdict is ReviewVerdict.APPROVE for review in dossier.reviews)


def votes(dossier: Dossier) -> str:
    """Return who has approved so far."""
    given = [signed(review) for review in dossier.reviews if review.verdict is ReviewVerdict.APPROVE]
    return "👍 Approved by " + _listed(given)


def decider(dossier: Dossier) -> str:
    """Return who settled a request, and for whom."""
    assert dossier.request is not None
    by = dossier.request.decided_by
    review = next((one for one in dossier.reviews if one.reviewer == by), None)
    return signed(review) if review else f"<@{by}>"


def silent(dossier: Dossier) -> list[str]:
    """Return whose answer is still waited for: reviewers, or whoever has their place."""
    if dossier.request is None:
        return []
    answered = {one.reviewer for one in dossier.reviews if one.verdict is not ReviewVerdict.DEFER}
    handed = {one.giver: one.taker for one in dossier.delegations}
    asked = dict.fromkeys(handed.get(one, one) for one in dossier.request.reviewers)
    return [one for one in asked if one not in answered]


def circumstances(dossier: Dossier) -> list[str]:
    """Return what happened to a request besides answers: it was edited, escalated, handed on."""
    request = dossier.request
    if request is None:
        return []
    lines = []
    if dossier.proposal.proposed_arguments is not None:
        by = f" by <@{request.editor}>, whose own approval does not count" if request.editor else ""
        lines.append(f"✏️ *Arguments edited*{by} · version {request.version}")
    if is_escalated(request):
        lines.append(f"📣 *Escalated* · nobody had answered, so {people(request.escalate_to)} may decide as well")
    lines += _places(dossier)
    if request.unreachable_since is not None and request.status in OPEN_REQUESTS:
        lines.append(f"🚨 *Too few who may decide are there* · noticed {date(request.unreachable_since)}")
    return lines


def _places(dossier: Dossier) -> list[str]:
    """Return who answers for whom: because their place was handed to them, or because its owner is away."""
    handed, covered = (
        [f"<@{one.taker}> for <@{one.giver}>" for one in dossier.delegations if one.is_cover is is_cover]
        for is_cover in (False, True)
    )
    lines = [f"🤝 *Delegated* · {_listed(handed)}"] if handed else []
    return [*lines, *([f"🤝 *Out of office* · {_listed(covered)}"] if covered else [])]


def away(until: str | None) -> str:
    """Return that somebody is away, and until when where that is known; `until` in ISO format."""
    return "out of office" + (f" until {date(datetime.fromisoformat(until))}" if until else "")


def shortage(near: int, quorum: int) -> str:
    """Return how few of those who may decide are there."""
    if not near:
        return "Nobody who may decide is there"
    return f"Only {near} of the {quorum} people who must agree {'is' if near == 1 else 'are'} there"


def is_escalated(request: ApprovalRequest) -> bool:
    """Whether silence has widened the panel of a request."""
    return bool(request.escalate_to) and request.escalate_at is None


def expires(dossier: Dossier) -> str:
    """Return when a request expires, in the reader's own time."""
    return date(dossier.request.expires_at) if dossier.request else ""
