"""Which buttons a card offers: pure, from stored state. Who may press them is asked when somebody does."""

from dataclasses import dataclass

from bot.cards.kinds import kind_of
from bot.ids import Action, Option
from governance.lifecycle import OPEN_REQUESTS, ExecutionStatus, RequestStatus
from governance.policy import INTERNAL
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
_DEFER = Button(Action.DEFER, "Defer…", "Put off")
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
        return (*answers_of(dossier), _DEFER, _DETAILS)
    if dossier.execution is not None and dossier.execution.status is ExecutionStatus.UNKNOWN:
        return _RECONCILING
    return _ASKING_AGAIN if can_be_asked_again(dossier) else ()


def answers_of(dossier: Dossier) -> tuple[Button, Button]:
    """Return the yes and the no of an open request, wherever they stand: the one that ends something is red."""
    kind = kind_of(dossier)
    yes, no = ("danger", "primary") if _is_retirement(dossier) else ("primary", "danger")
    return (
        Button(Action.APPROVE, kind.yes.button, kind.yes.spoken, yes, _confirm_of(dossier)),
        Button(Action.REJECT, kind.no.button, kind.no.spoken, no),
    )


def _confirm_of(dossier: Dossier) -> Confirm | None:
    """Return what a yes asks once more; None for all but destructive calls and retirements."""
    if _is_retirement(dossier):
        text = "It stops with its runs, and starts nothing any more until somebody extends it."
        return Confirm(f"{cut(one_line(dossier.proposal.title), 90)}?", text, "Retire", "Look again")
    if dossier.proposal.risk != Risk.DESTRUCTIVE:
        return None
    title = cut(one_line(dossier.proposal.title), 150)
    text = f"“{title}” is declared destructive. Once it has the approvals it needs, it runs at once."
    return Confirm("Approve a destructive call?", text, "Approve", "Look again")


def options_of(dossier: Dossier) -> list[tuple[Option, str]]:
    """Return what the overflow menu of a card offers, with its words."""
    if dossier.request is None or not is_decidable(dossier):
        return []
    if _is_call(dossier):
        return list(_WORDS.items())
    if _is_demanded(dossier):
        return []  # a menu of one entry is none to Slack; places are handed over by the API
    return [(one, _WORDS[one]) for one in (Option.DELEGATE, Option.WITHDRAW)]


def _is_demanded(dossier: Dossier) -> bool:
    """Whether a rule demands an answer, so that nobody may take the question back."""
    return dossier.proposal.agent_id == INTERNAL and dossier.proposal.requester is None


def _is_retirement(dossier: Dossier) -> bool:
    return dossier.request is not None and dossier.request.request_type is RequestType.RETIREMENT_ACTION


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
