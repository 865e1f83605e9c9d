"""Which buttons a card offers: pure, from stored state. Who may press them is asked when somebody does."""

from dataclasses import dataclass, replace

from bot.ids import Action, Option
from governance.lifecycle import OPEN_REQUESTS, ExecutionStatus, RequestStatus
from governance.text import cut, one_line
from governance.tiers import Risk
from storage.dossier import Dossier
from storage.tables import RequestType


@dataclass(frozen=True, slots=True)
class Confirm:
    """The dialog that asks once more before a button counts; all of it is plain text."""

    title: str
    text: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Button:
    """One button: its words, what a screen reader says before the title of the call, and how it looks."""

    action: Action
    text: str
    spoken: str
    style: str | None = None
    confirm: Confirm | None = None


_DETAILS = Button(Action.DETAILS, "Details", "Everything about")
_APPROVE = Button(Action.APPROVE, "Approve", "Approve", "primary")
_DECIDING = (
    _APPROVE,
    Button(Action.REJECT, "Reject…", "Reject with a reason", "danger"),
    Button(Action.DEFER, "Defer…", "Put off"),
    _DETAILS,
)
_ASKING_AGAIN = (Button(Action.AGAIN, "Ask again", "Ask people again about"), _DETAILS)
_RECONCILING = (
    Button(Action.HAPPENED, "It happened", "It did happen"),
    Button(Action.DID_NOT, "It did not", "It did not happen"),
    Button(Action.RUN_AGAIN, "Run again…", "Run again", "danger"),
    _DETAILS,
)

_WORDS = {
    Option.REMEMBER: "Approve and remember…",
    Option.EDIT: "Edit arguments…",
    Option.DELEGATE: "Delegate…",
    Option.WITHDRAW: "Withdraw…",
}


def buttons_of(dossier: Dossier) -> tuple[Button, ...]:
    """Return the buttons of a card; none once there is nothing left to decide."""
    if is_decidable(dossier):
        return (replace(_APPROVE, confirm=confirm_of(dossier)), *_DECIDING[1:])
    if dossier.execution is not None and dossier.execution.status is ExecutionStatus.UNKNOWN:
        return _RECONCILING
    return _ASKING_AGAIN if can_be_asked_again(dossier) else ()


def confirm_of(dossier: Dossier) -> Confirm | None:
    """Return what Approve asks once more, wherever it stands; None for all but destructive calls."""
    if dossier.proposal.risk != Risk.DESTRUCTIVE:
        return None
    title = cut(one_line(dossier.proposal.title), 150)
    text = f"“{title}” is declared destructive. Once it has the approvals it needs, it runs at once."
    return Confirm("Approve a destructive call?", text, "Approve", "Look again")


def options_of(dossier: Dossier) -> list[tuple[Option, str]]:
    """Return what the overflow menu of a card offers, with its words."""
    if dossier.request is None or not is_decidable(dossier):
        return []
    is_call = _is_call(dossier)
    return [(one, words) for one, words in _WORDS.items() if is_call or one in (Option.DELEGATE, Option.WITHDRAW)]


def _is_call(dossier: Dossier) -> bool:
    return dossier.request is not None and dossier.request.request_type is RequestType.TOOL_CALL


def is_decidable(dossier: Dossier) -> bool:
    """Whether people may answer."""
    return dossier.request is not None and dossier.request.status in OPEN_REQUESTS


def can_be_asked_again(dossier: Dossier) -> bool:
    """Whether nobody answered in time, or what was answered no longer held when it was to run."""
    if dossier.execution is not None:
        return dossier.execution.status is ExecutionStatus.INVALIDATED
    return _is_call(dossier) and dossier.request is not None and dossier.request.status is RequestStatus.EXPIRED


def option_value(option: Option, rendering_id: str) -> str:
    """Return what an entry of the overflow menu carries: its own name and the opaque id of the rendering."""
    return f"{option}:{rendering_id}"


def read_option(value: str) -> tuple[Option, str] | None:
    """Read what `option_value` wrote; None where it is none of ours."""
    name, _, rendering_id = value.partition(":")
    return (Option(name), rendering_id) if name in set(Option) else None
