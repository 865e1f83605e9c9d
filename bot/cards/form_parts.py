"""What forms are put together from: inputs, the elements in them, and the view around them."""

from dataclasses import dataclass
from typing import Any

from bot.cards.blocks import draw
from bot.cards.modals import View
from bot.cards.widget import option
from bot.ids import Block, Callback, Field
from governance.text import cut, one_line
from storage.dossier import Dossier

_CONFIRM = "yes"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form. `element` is Block Kit."""

    block: str
    label: str
    element: dict[str, Any]
    hint: str = ""
    optional: bool = False


def form(
    dossier: Dossier, rendering_id: str, callback: Callback, heading: str, submit: str, inputs: list[Input],
    lines: list[str] | None = None,
) -> View:  # fmt: skip
    """Draw a form about a request. `lines` are mrkdwn and stand above the inputs."""
    title = cut(one_line(dossier.proposal.title), 150)
    return blank_form(callback, heading, submit, title, inputs, rendering_id, lines)


def blank_form(
    callback: Callback, heading: str, submit: str, title: str, inputs: list[Input], about: str = "",
    lines: list[str] | None = None,
) -> View:  # fmt: skip
    """Draw a form; `about` is what its submission carries."""
    view: View = draw(
        "form", callback=callback.value, rendering_id=about, heading=heading, submit=submit, lines=lines or [],
        inputs=inputs, title=title,
    )  # fmt: skip
    return view


def reason(label: str, hint: str = "", *, optional: bool = False) -> Input:
    """Ask for words."""
    element = {"type": "plain_text_input", "action_id": Field.TEXT.value, "multiline": True, "max_length": 2000}
    return Input(Block.REASON, label, element, hint, optional)


def moment() -> dict[str, Any]:
    """Return an element for a day and a time."""
    return {"type": "datetimepicker", "action_id": Field.MOMENT.value}


def number() -> dict[str, Any]:
    """Return an element for a whole number from 1 on."""
    return {"type": "number_input", "action_id": Field.NUMBER.value, "is_decimal_allowed": False, "min_value": "1",
            "max_value": "1000000"}  # fmt: skip


def tick(words: str) -> dict[str, Any]:
    """Return one box to tick."""
    return {"type": "checkboxes", "action_id": Field.TICKED.value, "options": [option(words, _CONFIRM)]}


def choice(options: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a select with its first option chosen. `options` are words and value."""
    drawn = [option(words, value) for words, value in options]
    return {"type": "static_select", "action_id": Field.CHOICE.value, "options": drawn, "initial_option": drawn[0]}
