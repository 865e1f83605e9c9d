"""Modals that ask for something: pure functions from stored state to views."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.cards import arguments
from bot.cards.blocks import draw, mrkdwn
from bot.cards.modals import View, message_modal
from bot.ids import Block, Callback, Field
from governance.rules import Remember
from governance.secret_fields import MASK
from governance.text import cut, one_line
from governance.tiers import Risk
from storage.dossier import Dossier

SAME, ANY = "same", "any"
LOOKING = "Looking at what such a rule would have matched in the last 30 days…"
_MORNING = 9
_CONFIRM = "yes"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form. `element` is Block Kit."""

    block: Block
    label: str
    element: dict[str, Any]
    hint: str = ""
    optional: bool = False


def defer_modal(dossier: Dossier, rendering_id: str, now: datetime, tz_offset: int) -> View:
    """Ask until when a request is put off, and why. `tz_offset` is the person's, in seconds east of UTC."""
    assert dossier.request is not None
    later = _later(now, dossier.request.expires_at, tz_offset)
    until = Input(
        Block.UNTIL, "Until when?", {**_moment(), "initial_date_time": later},
        "It comes back then; until then everybody can still decide.",
    )  # fmt: skip
    return _form(dossier, rendering_id, Callback.DEFER, "Put it off", "Put off", [until, _reason("Why wait?")])


def delegate_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask to whom a reviewer hands their place."""
    to = Input(Block.TO, "To whom?", {"type": "users_select", "action_id": Field.PERSON.value},
               "One of the reviewers, or an admin. They get a direct message.")  # fmt: skip
    lines = ["What you have answered so far is void; if you answer again yourself, you take your place back."]
    inputs = [to, _reason("Anything they should know?", optional=True)]
    return _form(dossier, rendering_id, Callback.DELEGATE, "Delegate", "Delegate", inputs, lines)


def edit_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask for other arguments; where Slack's input is too small for these, say where it can be done instead."""
    assert dossier.request is not None
    text = arguments.editable(dossier.proposal.arguments)
    if len(text) > arguments.EDITABLE:
        return message_modal(
            "Edit arguments",
            f"These arguments have {len(text):,} characters and Slack's input holds {arguments.EDITABLE:,}. "
            f"Edit them with a signed `POST /api/v1/approvals/{dossier.request.id}/edit`.",
        )
    element = {"type": "plain_text_input", "action_id": Field.TEXT.value, "multiline": True, "initial_value": text,
               "max_length": arguments.EDITABLE}  # fmt: skip
    hint = f"JSON. {MASK} stands for a secret and keeps it." if MASK in text else "JSON."
    lines = ["*Somebody else has to approve the edited call*: your own approval of it does not count, and what "
             "was answered so far is void."]  # fmt: skip
    inputs = [Input(Block.ARGUMENTS, "Arguments", element, hint), _reason("Why the change?", optional=True)]
    return _form(dossier, rendering_id, Callback.EDIT, "Edit arguments", "Save", inputs, lines)


def withdraw_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask why a request is taken back."""
    lines = ["Nobody is asked any more and nothing runs. The agent reads that it was withdrawn."]
    inputs = [_reason("Why?", optional=True)]
    return _form(dossier, rendering_id, Callback.WITHDRAW, "Withdraw", "Withdraw", inputs, lines)


def remember_modal(dossier: Dossier, rendering_id: str, seen: list[str] | None = None) -> View:
    """Ask what an approval is to hold for as well. `seen`: what such rules would have matched, None while unknown."""
    inputs = [
        Input(Block.REMEMBER, "For how long?", _choice(_scopes(dossier)[1:])),
        Input(Block.PATTERN, "For what?", _choice(_patterns(dossier))),
        *(_limits() if dossier.request and dossier.request.quorum == 1 else []),
        Input(Block.CONFIRM, "If people rejected such calls before", _tick("I know, and mean it"), optional=True),
    ]
    lines = ["Approves this call, and later ones that match run without asking."]
    lines += seen if seen is not None else [LOOKING]
    assert dossier.request is not None
    if dossier.request.quorum > 1:
        lines.append(f"It is remembered only if all {dossier.request.quorum} who approve choose to.")
    return _form(dossier, rendering_id, Callback.REMEMBER, "Approve and remember", "Approve", inputs, lines)


def reject_modal(dossier: Dossier, rendering_id: str) -> View:
    """Ask for the reason of a rejection, and whether it holds for later."""
    scopes = _scopes(dossier, once="Ask again", forever="Never again")
    hint = "“Never” denies this agent the very same call from now on."
    hold = Input(Block.REMEMBER, "And the next time?", _choice(scopes), hint)
    agent = mrkdwn(one_line(dossier.proposal.agent_name))
    lines = [f"One rejection by anybody eligible settles the request of {cut(agent, 300)}."]
    inputs = [_reason("Why not?", "The agent and the people it works for read this."), hold]
    return _form(dossier, rendering_id, Callback.REJECT, "Reject", "Reject", inputs, lines)


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
    return _form(dossier, rendering_id, finding, heading, heading, [_reason(question)], [line])


def _form(
    dossier: Dossier, rendering_id: str, callback: Callback, heading: str, submit: str, inputs: list[Input],
    lines: list[str] | None = None,
) -> View:  # fmt: skip
    view: View = draw(
        "form", callback=callback.value, rendering_id=rendering_id, heading=heading, submit=submit, lines=lines or [],
        inputs=inputs, title=cut(one_line(dossier.proposal.title), 150),
    )  # fmt: skip
    return view


def _reason(label: str, hint: str = "", *, optional: bool = False) -> Input:
    element = {"type": "plain_text_input", "action_id": Field.TEXT.value, "multiline": True, "max_length": 2000}
    return Input(Block.REASON, label, element, hint, optional)


def _limits() -> list[Input]:
    """Where several must agree, no one person's limits can hold for all of them."""
    return [
        Input(Block.RULE_UNTIL, "Not later than", _moment(), optional=True),
        Input(Block.USES, "At most so many times", _number(), optional=True),
    ]


def _moment() -> dict[str, Any]:
    return {"type": "datetimepicker", "action_id": Field.MOMENT.value}


def _number() -> dict[str, Any]:
    return {"type": "number_input", "action_id": Field.NUMBER.value, "is_decimal_allowed": False, "min_value": "1",
            "max_value": "1000000"}  # fmt: skip


def _tick(words: str) -> dict[str, Any]:
    return {"type": "checkboxes", "action_id": Field.TICKED.value, "options": [_option(words, _CONFIRM)]}


def _choice(options: list[tuple[str, str]]) -> dict[str, Any]:
    drawn = [_option(words, value) for words, value in options]
    return {"type": "static_select", "action_id": Field.CHOICE.value, "options": drawn, "initial_option": drawn[0]}


def _option(words: str, value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": words, "emoji": False}, "value": value}


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
