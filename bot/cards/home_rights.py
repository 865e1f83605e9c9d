"""Rights and automations on the Home tab, each with the buttons its reader may use. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cards.automations import automation_line
from bot.cards.grants import grant_line
from bot.cards.home_buttons import Element, automation_buttons, ungranting_button
from storage.tables import Automation, Grant


@dataclass(frozen=True, slots=True)
class HomeGrant:
    """One right in force, and whether the person may take it back. `names` are those of automations, by id."""

    grant: Grant
    names: Mapping[str, str]
    may_revoke: bool


@dataclass(frozen=True, slots=True)
class HomeAutomation:
    """An automation of the person's, and the question that is open about it, empty for none."""

    row: Automation
    proposal_id: str = ""
    link: str = ""  #: to that question's card, empty while it is not posted


def grant_entry(one: HomeGrant) -> dict[str, str | Element | None]:
    """Return what the Home says of a right, and the button it offers. It is drawn only while the right holds."""
    line = grant_line(one.grant, one.names, one.grant.created_at)
    return {"line": line, "button": ungranting_button(one.grant.id, one.grant.agent_id) if one.may_revoke else None}


def automation_entry(one: HomeAutomation) -> dict[str, str | list[Element]]:
    """Return what the Home says of an automation, and its buttons."""
    row = one.row
    answer = f"\n<{one.link}|Answer on its card>" if one.link else ""
    buttons = automation_buttons(row.id, row.name, one.proposal_id, is_retired=row.retired_at is not None)
    return {"line": automation_line(row) + answer, "buttons": buttons}
