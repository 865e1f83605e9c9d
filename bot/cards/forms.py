"""Modals that ask for something: pure functions from stored state to views."""

import json
from datetime import datetime, timedelta, timezone

from bot.cards import arguments
from bot.cards.argument_form import ArgumentForm
from bot.cards.blocks import mrkdwn
from bot.cards.form_parts import Input, choice, form, moment, number, reason, tick
from bot.cards.kinds import kind_of
from bot.cards.modals import View, message_modal
from bot.cards.text_widgets import json_widget
from bot.cards.widget import option
from bot.ids import Block, Callback, Field
from governance.rules import Remember
from governance.text import cut, one_line
from governance.tiers import Risk
from operations.question import KEEPING
from storage.dossier import Dossier

SAME, ANY = "same", "any"
LOOKING = "Looking at what such a rule would have matched in the last 30 days…"
#: Common reasons of a rejection, by what the form sends.
OTHER = "other"
PRESETS = {
    "target": "Wrong target",
    "not_now": "Not now",
    "information": "Needs more information",
    "risk": "Too risky",
    OTHER: "Other",
}
_MORNING = 9


def defer_modal(dossier: Dossier, rendering_id: str, now: datetime, tz_offset: int) -> View:
    """Ask until when a request is put off, and why. `tz_offset` is the person's, in seconds east of UTC."""
    assert dossier.request is not None
    later = _later(now, dossier.request.expires_at, tz_offset)
    until = Input(
        Block.UNTIL, "Until when?", {**moment(), "initial_date_time": later},
        "It comes back then; until then everybody can still decide.",
    )  # fmt: skip
    return form(dossier, rendering_id, Callback.DEFER, "Put it off", "Put off", [until, reason("Why wait?")])


def delegate_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask to whom a reviewer hands their place."""
    to = Input(Block.TO, "To whom?", {"type": "users_select", "action_id": Field.PERSON.value},
               "One of the reviewers, or an admin. They get a direct message.")  # fmt: skip
    lines = ["What you have answered so far is void; if you answer again yourself, you take your place back."]
    inputs = [to, reason("Anything they should know?", optional=True)]
    return form(dossier, rendering_id, Callback.DELEGATE, "Delegate", "Delegate", inputs, lines)


def edit_modal(dossier: Dossier, rendering_id: str, made: ArgumentForm | None = None) -> View:
    """Ask for other arguments: in the inputs `made` for them, else as one text of JSON; where Slack's input is too
    small for that, say where it can be done instead."""
    lines = ["*Somebody else has to approve the edited call*: your own approval of it does not count, and what "
             "was answered so far is void."]  # fmt: skip
    if made is None:
        inputs = _as_json(dossier)
    else:
        inputs = [Input(one.block, one.label, one.widget.element, one.hint, one.optional) for one in made.inputs]
        lines += [_kept(dossier, made)] if made.kept else []
    if inputs is None:
        size = len(arguments.editable(dossier.proposal.arguments))
        return message_modal("Edit arguments", f"These arguments have {size:,} characters and Slack's input holds "
                             f"{arguments.EDITABLE:,}. Edit them with {_by_api(dossier)}.")  # fmt: skip
    inputs = [*inputs, reason("Why the change?", optional=True)]
    return form(dossier, rendering_id, Callback.EDIT, "Edit arguments", "Save", inputs, lines)


def _as_json(dossier: Dossier) -> list[Input] | None:
    widget = json_widget(json.loads(dossier.proposal.arguments))
    if widget is None:
        return None
    return [Input(Block.ARGUMENTS, "Arguments", {**widget.element, "action_id": Field.TEXT.value}, widget.hint)]


def _kept(dossier: Dossier, made: ArgumentForm) -> str:
    names = cut(", ".join(f"`{mrkdwn(cut(one_line(name), 60))}`" for name in made.kept), 1000)
    return f"Too long for Slack's inputs, so they stay as they are: {names}. Edit those with {_by_api(dossier)}."


def _by_api(dossier: Dossier) -> str:
    assert dossier.request is not None
    return f"a signed `POST /api/v1/approvals/{dossier.request.id}/edit`"


def withdraw_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask why a request is taken back."""
    lines = ["Nobody is asked any more and nothing runs. The agent reads that it was withdrawn."]
    inputs = [reason("Why?", optional=True)]
    return form(dossier, rendering_id, Callback.WITHDRAW, "Withdraw", "Withdraw", inputs, lines)


def remember_modal(dossier: Dossier, rendering_id: str, seen: list[str] | None = None) -> View:
    """Ask what an approval is to hold for as well. `seen`: what such rules would have matched, None while unknown."""
    inputs = [
        Input(Block.REMEMBER, "For how long?", choice(_scopes(dossier)[1:])),
        Input(Block.PATTERN, "For what?", choice(_patterns(dossier))),
        *(_limits() if dossier.request and dossier.request.quorum == 1 else []),
        Input(Block.CONFIRM, "If people rejected such calls before", tick("I know, and mean it"), optional=True),
    ]
    lines = ["Approves this call, and later ones that match run without asking."]
    lines += seen if seen is not None else [LOOKING]
    assert dossier.request is not None
    if dossier.request.quorum > 1:
        lines.append(f"It is remembered only if all {dossier.request.quorum} who approve choose to.")
    return form(dossier, rendering_id, Callback.REMEMBER, "Approve and remember", "Approve", inputs, lines)


def reject_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask for the reason of a rejection, and for calls whether it holds for later. Where a no keeps something going,
    no reason is asked for."""
    kind = kind_of(dossier)
    if dossier.request is not None and dossier.request.request_type in KEEPING:
        why, title = reason("Anything to note?", "It stands in its record.", optional=True), kind.no.button.rstrip("…")
        lines = [f"{kind.no.then[0].upper()}{kind.no.then[1:]}."]
        return form(dossier, rendering_id, Callback.REJECT, title, "Keep", [why], lines)
    scopes = _scopes(dossier, once="Ask again", forever="Never again")
    hint = "“Never” denies this agent the very same call from now on."
    hold = Input(Block.REMEMBER, "And the next time?", choice(scopes), hint)
    agent = mrkdwn(one_line(dossier.proposal.agent_name))
    lines = [f"One rejection by anybody eligible settles the request of {cut(agent, 300)}."]
    why = reason("Why not?", "The agent and the people it works for read this.", optional=True)
    inputs = [_preset(), why, *([] if kind.no.then else [hold])]
    lines += [f"If you reject this, {kind.no.then}."] if kind.no.then else []
    lines.append("Choose a reason, write one, or both.")
    return form(dossier, rendering_id, Callback.REJECT, "Reject", "Reject", inputs, lines)


_FOUND = {
    Callback.HAPPENED: ("It happened", "The call counts as succeeded. Nothing runs.", "How do you know?"),
    Callback.DID_NOT: ("It did not happen", "The call counts as failed. Nothing runs.", "How do you know?"),
    Callback.RUN_AGAIN: (
        "Run again",
        "⚠️ *It runs once more.* If it did happen, it then happens twice.",
        "Why is that safe?",
    ),
}


def reconcile_modal(dossier: Dossier, rendering_id: str, finding: Callback) -> View:
    """Ask how somebody knows what became of a call whose outcome is unknown."""
    heading, line, question = _FOUND[finding]
    return form(dossier, rendering_id, finding, heading, heading, [reason(question)], [line])


def _preset() -> Input:
    options = [option(words, value) for value, words in PRESETS.items()]
    placeholder = {"type": "plain_text", "text": "Choose a reason", "emoji": False}
    element = {"type": "static_select", "action_id": Field.CHOICE.value, "options": options, "placeholder": placeholder}
    return Input(Block.PRESET, "In short", element, optional=True)


def _limits() -> list[Input]:
    """Where several must agree, no one person's limits can hold for all of them."""
    return [
        Input(Block.RULE_UNTIL, "Not later than", moment(), optional=True),
        Input(Block.USES, "At most so many times", number(), optional=True),
    ]


def _scopes(dossier: Dossier, once: str = "Once", forever: str = "For good") -> list[tuple[str, str]]:
    may_last = dossier.proposal.risk in (Risk.READ_ONLY, Risk.LOW_WRITE)
    found = [(once, Remember.ONCE.value)]
    if dossier.proposal.session_id is not None:
        found.append(("In this session, 12 hours at most", Remember.SESSION.value))
    found.append((forever if may_last else f"{forever}: 30 days at this risk", Remember.FOREVER.value))
    return found


def _patterns(dossier: Dossier) -> list[tuple[str, str]]:
    assert dossier.request is not None
    same = ("The very same arguments", SAME)
    return [same, ("Every call of this tool by this agent", ANY)] if dossier.request.quorum == 1 else [same]


def _later(now: datetime, expires_at: datetime, tz_offset: int) -> int:
    """Return tomorrow at nine where the person is, else the middle of what is left of the request's life."""
    here = now.astimezone(timezone(timedelta(seconds=tz_offset)))
    morning = (here + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return int((morning if morning < expires_at else now + (expires_at - now) / 2).timestamp())
