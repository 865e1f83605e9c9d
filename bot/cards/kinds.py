"""What each type of request is called on a card, and what a yes and a no to it do: pure, from stored state."""

from dataclasses import dataclass

from governance.policy import INTERNAL
from governance.questions import AGENT
from storage.dossier import Dossier
from storage.tables import RequestType


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the two answers: its button, the word for it once it was given, and what happens then, for questions."""

    button: str
    spoken: str  #: what a screen reader says before the title
    given: str
    mark: str
    then: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """The word that heads a card, and what its two answers do."""

    heading: str
    yes: Answer
    no: Answer


def _approve(then: str) -> Answer:
    return Answer("Approve", "Approve", "Approved", "✅", then)


def _reject(then: str = "") -> Answer:
    return Answer("Reject…", "Reject with a reason", "Rejected", "❌", then)


KINDS = {
    RequestType.TOOL_CALL: Kind("Call", _approve("it runs once, with exactly these arguments"), _reject()),
    RequestType.CAPABILITY_REQUEST: Kind(
        "Capability", _approve("the agent gets this right for a limited time"), _reject("the agent goes on without it")
    ),
    RequestType.EXTERNAL_POST: Kind(
        "External post", _approve("exactly this may leave the workspace, once"), _reject("it stays inside")
    ),
    RequestType.QUOTA_OVERRIDE: Kind(
        "Quota override", _approve("the spend stop is lifted until the lift lapses, and what it stopped goes on"),
        _reject("the agent stays stopped until its week ends or its cap is raised"),
    ),
    RequestType.LIFECYCLE_REVIEW: Kind(
        "Lifecycle review", _approve("the review counts as done"), _reject("people are asked whether to retire it")
    ),
    RequestType.ELEVATED_CAPABILITY: Kind(
        "Elevated capability", _approve("exactly this call may use the elevated right, once"),
        _reject("it may not be used"),
    ),
    RequestType.DEPTH_OVERRIDE: Kind(
        "Depth override", _approve("the agent may create work below its depth limit for a limited time"),
        _reject("the limit stays as it is"),
    ),
    RequestType.RETIREMENT_ACTION: Kind(
        "Retirement",
        Answer("Retire", "Yes, retire", "Retired", "🏁", "it ends at once"),
        Answer("Keep and extend…", "No, keep and extend", "Kept and extended", "⏩", "it goes on, and expires later"),
    ),
}  # fmt: skip
_OF_AGENT = Kind(
    "Creation review", _approve("the agent may create automations again"),
    _reject("the agent creates nothing until a new review of it is asked for and passed"),
)  # fmt: skip


def kind_of(dossier: Dossier) -> Kind:
    """Return the kind of a dossier's request; a call that nobody was asked about is a call all the same."""
    request = dossier.request
    if request is None:
        return KINDS[RequestType.TOOL_CALL]
    if request.request_type is RequestType.LIFECYCLE_REVIEW and request.target_type == AGENT:
        return _OF_AGENT
    return KINDS[request.request_type]


def is_question(dossier: Dossier) -> bool:
    """Whether people are asked about governance, not about a call."""
    return dossier.request is not None and dossier.request.request_type is not RequestType.TOOL_CALL


def asker(dossier: Dossier) -> str:
    """Return the name of the agent that asks, empty where a person or Countersign itself does."""
    proposal = dossier.proposal
    return "" if proposal.agent_id == INTERNAL and is_question(dossier) else proposal.agent_name


def whose_words(dossier: Dossier) -> str:
    """Return whose the reason is that stands with a request."""
    return asker(dossier) or ("the person who asks" if dossier.proposal.requester else dossier.proposal.agent_name)


def titled(dossier: Dossier, title: str, mark: str = ": ") -> str:
    """Return a title with what kind of request it is; calls, which most requests are, go without saying."""
    kind = kind_of(dossier)
    return title if kind is KINDS[RequestType.TOOL_CALL] else f"{kind.heading}{mark}{title}"


def answers_line(dossier: Dossier) -> str:
    """Return what a yes does, and for questions about governance what a no does, in one line of mrkdwn."""
    quorum, kind = dossier.request.quorum if dossier.request else 1, kind_of(dossier)
    if kind is KINDS[RequestType.RETIREMENT_ACTION]:
        return f"*Retire:* {kind.yes.then} · *Keep and extend:* {kind.no.then}"
    enough = f"If {quorum} people approve" if quorum > 1 else "If approved"
    rejected = f" · *If rejected:* {kind.no.then}" if kind.no.then else ""
    return f"*{enough}:* {kind.yes.then}{rejected}"
