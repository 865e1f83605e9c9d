"""The buttons of the Home tab as Block Kit: those of cards, and its own. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.cards import arguments
from bot.cards.buttons import Button, answers_of
from bot.ids import Action
from governance.text import cut, one_line
from storage.dossier import Dossier

Element = dict[str, Any]
READ_WHOLE = 500  #: characters of arguments that an entry of a Home shows; longer ones are read on the card


def entry_buttons(rendering_id: str, dossier: Dossier) -> list[Element]:
    """Return the buttons of one request: the same listeners answer as on its card, so the same checks apply, and
    a yes asks once more where it does so there. Nobody approves here what they cannot read here."""
    about = cut(one_line(dossier.proposal.title), 50)
    yes, no = (_of_card(one, rendering_id, about) for one in answers_of(dossier))
    _, reads_whole = read_here(dossier.proposal.arguments)
    return [
        *([yes] if reads_whole else []),
        no,
        _button(Action.DETAILS, rendering_id, "Details", f"Everything about: {about}"),
    ]


def _of_card(button: Button, rendering_id: str, about: str) -> Element:
    made = _button(button.action, rendering_id, button.text, f"{button.spoken}: {about}", button.style)
    if (asked := button.confirm) is not None:
        made |= _confirm({"title": asked.title, "text": asked.text, "confirm": asked.yes, "deny": asked.no})
        made["confirm"]["style"] = "danger"
    return made


def read_here(canonical_text: str) -> tuple[str, bool]:
    """Return what an entry shows of a call's arguments, and whether that is all of them."""
    try:
        return arguments.preview(canonical_text, READ_WHOLE), not arguments.is_cut(canonical_text, READ_WHOLE)
    except ValueError:
        return "These arguments are damaged and cannot be read.", False


def turning_button(agent_id: str, agent_name: str, *, is_paused: bool) -> Element:
    """Return the button that pauses an agent or lets it go on."""
    about = cut(one_line(agent_name), 50)
    if is_paused:
        return _button(Action.HOME_RESUME, agent_id, "Resume…", f"Resume with a reason: {about}")
    return _button(Action.HOME_PAUSE, agent_id, "Pause…", f"Pause with a reason: {about}")


def revoking_button(rule_id: str, about: str) -> Element:
    """Return the button that ends a rule, once the person has confirmed it."""
    made = _button(Action.HOME_REVOKE, rule_id, "Revoke", f"Revoke the rule for {cut(one_line(about), 50)}")
    asked = {
        "title": "Revoke this rule?", "text": "Calls that it answered until now are asked about again.",
        "confirm": "Revoke", "deny": "Keep it",
    }  # fmt: skip
    return made | _confirm(asked)


def ungranting_button(grant_id: str, about: str) -> Element:
    """Return the button that takes a right back, once the person has confirmed it."""
    made = _button(Action.HOME_UNGRANT, grant_id, "Revoke", f"Revoke a right of {cut(one_line(about), 50)}", "danger")
    asked = {
        "title": "Revoke this right?", "text": "What relied on it is paused until people have looked.",
        "confirm": "Revoke", "deny": "Keep it",
    }  # fmt: skip
    return made | _confirm(asked)


def giving_button() -> Element:
    """Return the button that opens the form for a grant."""
    return _button(Action.HOME_GIVE, "give", "Give a grant…", "Give an agent a right for a time")


def details_button(proposal_id: str, name: str) -> Element:
    """Return the button that shows what is asked about an automation to somebody who is not to answer it now."""
    return _button(Action.TOLD_DETAILS, proposal_id, "Details", f"What is asked about {cut(one_line(name), 50)}")


def automation_buttons(automation_id: str, name: str, *, is_retired: bool) -> list[Element]:
    """Return what an automation's owner can do about it at any time."""
    about = cut(one_line(name), 50)
    extend = _button(Action.HOME_EXTEND, automation_id, "Extend…", f"Let it go on: {about}")
    retire = _button(Action.HOME_RETIRE, automation_id, "Retire…", f"End it: {about}", "danger")
    return [extend, *([] if is_retired else [retire])]


def settings_buttons(*, is_away: bool) -> list[Element]:
    """Return the buttons that change a person's settings."""
    absence = (
        _button(Action.HOME_BACK, "back", "I am back", "I am back: end my absence", "primary")
        if is_away
        else _button(Action.HOME_AWAY, "away", "Out of office…", "Say that I am out of office")
    )
    return [_button(Action.HOME_SETTINGS, "settings", "Settings…", "Change when I hear from you"), absence]


def _button(action: Action, value: str, text: str, spoken: str, style: str | None = None) -> Element:
    made = {
        "type": "button", "action_id": action.value, "value": value, "text": _plain(text),
        "accessibility_label": cut(spoken, 75),
    }  # fmt: skip
    return {**made, "style": style} if style else made


def _confirm(asked: Mapping[str, str]) -> Element:
    return {"confirm": {name: _plain(words) for name, words in asked.items()}}


def _plain(words: str) -> Element:
    return {"type": "plain_text", "text": words, "emoji": False}
