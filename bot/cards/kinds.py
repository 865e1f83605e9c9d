"""What each type of request is called on a card, and what a yes to it does: pure, from stored state."""

from dataclasses import dataclass

from storage.dossier import Dossier
from storage.tables import RequestType


@dataclass(frozen=True, slots=True)
class Kind:
    """The word that heads a card, and what happens once enough people approve."""

    heading: str
    if_approved: str


KINDS = {
    RequestType.TOOL_CALL: Kind("Call", "it runs once, with exactly these arguments"),
    RequestType.CAPABILITY_REQUEST: Kind("Capability", "the agent gets this right for a limited time"),
    RequestType.EXTERNAL_POST: Kind("External post", "exactly this may leave the workspace, once"),
    RequestType.QUOTA_OVERRIDE: Kind(
        "Quota override", "the spend stop is lifted until the lift lapses, and what it stopped goes on"
    ),
    RequestType.LIFECYCLE_REVIEW: Kind(
        "Lifecycle review", "the review counts as done; a rejection asks for retirement or another review"
    ),
    RequestType.ELEVATED_CAPABILITY: Kind("Elevated capability", "exactly this call may use the elevated right, once"),
    RequestType.DEPTH_OVERRIDE: Kind("Depth override", "agents may hand work on deeper here than their limit says"),
    RequestType.RETIREMENT_ACTION: Kind("Retirement", "the retirement or extension that is asked for takes effect"),
}


def kind_of(dossier: Dossier) -> Kind:
    """Return the kind of a dossier's request; a call that nobody was asked about is a call all the same."""
    return KINDS[dossier.request.request_type if dossier.request else RequestType.TOOL_CALL]


def titled(dossier: Dossier, title: str, mark: str = ": ") -> str:
    """Return a title with what kind of request it is; calls, which most requests are, go without saying."""
    kind = kind_of(dossier)
    return title if kind is KINDS[RequestType.TOOL_CALL] else f"{kind.heading}{mark}{title}"


def yes_line(dossier: Dossier) -> str:
    """Return what a yes does, in one line of mrkdwn."""
    quorum = dossier.request.quorum if dossier.request else 1
    enough = f"If {quorum} people approve" if quorum > 1 else "If approved"
    return f"*{enough}:* {kind_of(dossier).if_approved}"
