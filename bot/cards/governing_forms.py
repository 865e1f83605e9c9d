"""Modals about rights and automations: what an agent is given, until when something goes on, why it ends. Pure."""

from collections.abc import Sequence
from typing import Any

from bot.cards.form_parts import Input, blank_form, moment, reason
from bot.cards.modals import View
from bot.cards.widget import option
from bot.ids import Block, Callback, Field
from governance.policy import Agent
from governance.text import cut, one_line
from storage.tables import Automation

CAPABILITY, AUTOMATION = "cap:", "aut:"
_DEFAULT_HOURS, _MOST_HOURS = 8, 720
_VALUE = 150  # characters that an option's value may have
_WORDS = 75
MOST_OPTIONS = 100  #: in one select, or one group of it


def giving_modal(agents: Sequence[Agent], capabilities: Sequence[str], automations: Sequence[Automation]) -> View:
    """Ask whom to give what, for how long and why. At most 100 of each are offered."""
    named = [_option(f"{one.name} ({one.id})", one.id) for one in agents[:MOST_OPTIONS]]
    groups = [
        _group("Capabilities, countersigned by others", [_option(one, CAPABILITY + one) for one in capabilities]),
        _group("To change an automation", [_option(one.name, AUTOMATION + one.id) for one in automations]),
    ]
    inputs = [
        Input(Block.AGENT, "Agent", _select(options=_fitting(named))),
        Input(Block.RIGHT, "What it may", _select(option_groups=[one for one in groups if one["options"]])),
        Input(Block.HOURS, "For how many hours?", _hours(), "At most 720, which are 30 days."),
        reason("Why?", "Whoever looks at the grant reads this."),
    ]
    title = "Rights end by themselves, and can be revoked at once."
    return blank_form(Callback.GIVE, "Give a grant", "Give", title, inputs)


def extending_modal(row: Automation) -> View:
    """Ask until when an automation goes on."""
    inputs = [
        Input(Block.UNTIL, "Until when?", moment(), "Leave it empty for as long as the limits say.", optional=True),
        reason("Why?", optional=True),
    ]
    return blank_form(Callback.EXTEND, "Extend", "Extend", f"{_name(row)} goes on.", inputs, row.id)


def retiring_modal(row: Automation) -> View:
    """Ask why an automation ends."""
    title = f"{_name(row)} is paused with its runs and starts nothing any more. It can be extended again."
    return blank_form(Callback.RETIRE, "Retire", "Retire", title, [reason("Why?", optional=True)], row.id)


def _hours() -> dict[str, Any]:
    return {
        "type": "number_input", "action_id": Field.NUMBER.value, "is_decimal_allowed": False, "min_value": "1",
        "max_value": str(_MOST_HOURS), "initial_value": str(_DEFAULT_HOURS),
    }  # fmt: skip


def _select(**choices: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": Field.CHOICE.value, **choices}


def _option(words: str, value: str) -> dict[str, Any]:
    return option(cut(one_line(words), _WORDS) or "—", value)


def _group(label: str, options: list[dict[str, Any]]) -> dict[str, Any]:
    return {"label": {"type": "plain_text", "text": label, "emoji": False}, "options": _fitting(options)}


def _fitting(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what Slack takes of some options: a value that is too long for it can be given in words all the same."""
    return [one for one in options if len(one["value"]) <= _VALUE][:MOST_OPTIONS]


def _name(row: Automation) -> str:
    return cut(one_line(row.name), 80)
