"""Rights and automations on the Home tab, each with the buttons its reader may use. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.cards.automations import automation_line
from bot.cards.grants import grant_line
from bot.cards.home_buttons import Element, automation_buttons, details_button, ungranting_button
from bot.cards.home_entries import Drawn, HomeEntry, answerable, title_of
from bot.cards.kinds import answers_line
from storage.tables import Automation, Grant


@dataclass(frozen=True, slots=True)
class HomeGrant:
    """One right in force, and whether the person may take it back. `names` are those of automations, by id."""

    grant: Grant
    names: Mapping[str, str]
    may_revoke: bool


@dataclass(frozen=True, slots=True)
class HomeAutomation:
    """An automation of the person's, and the question that is open about it, None where none is."""

    row: Automation
    question: HomeEntry | None = None


def grant_entry(one: HomeGrant) -> dict[str, str | Element | None]:
    """Return what the Home says of a right, and the button it offers. It is drawn only while the right holds."""
    line = grant_line(one.grant, one.names, one.grant.created_at)
    return {"line": line, "button": ungranting_button(one.grant.id, one.grant.agent_id) if one.may_revoke else None}


def automation_entry(one: HomeAutomation, buttons: Mapping[str, str], above: Collection[str]) -> Drawn:
    """Return what the Home says of an automation, and its buttons. Its question is answered here, unless it stands
    among what waits for its reader; `above` are the proposals that do."""
    row, question = one.row, one.question
    own = automation_buttons(row.id, row.name, is_retired=row.retired_at is not None)
    if question is None:
        return {"line": automation_line(row), "buttons": own, "asked": None}
    if question.dossier.proposal.id in above:
        line = f"{automation_line(row)}\n👉 Its question stands above, under *Waiting for you*"
        return {"line": line, "buttons": own, "asked": None}
    line = f"{automation_line(row)}\n🙋 Asked about it: *{title_of(question)}*"
    if not question.is_theirs:
        about = details_button(question.dossier.proposal.id, row.name)
        return {"line": line, "buttons": [about, *own], "asked": None}
    asked = answerable(question, buttons)
    asked["buttons"] = [*asked["buttons"], *own]
    return {"line": f"{line}\n{answers_line(question.dossier)}", "buttons": [], "asked": asked}
