"""The Home tab: what waits for one person, what runs out soon, their agents, rules and settings. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.home_agents import HomeAgent, agent_line
from bot.cards.home_buttons import (
    Element,
    giving_button,
    revoking_button,
    settings_buttons,
)
from bot.cards.home_entries import HomeEntry, entry, short_name, title_of
from bot.cards.home_rights import HomeAutomation, HomeGrant, automation_entry, grant_entry
from bot.cards.home_settings import settings_lines
from bot.cards.modals import View
from governance.hours import Absence
from governance.text import one_line
from storage.tables import Preference, Rule

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class HomeRule:
    """One rule in force, and whether the person may revoke it."""

    rule: Rule
    may_revoke: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything one Home shows. Each part is as long as there is room for; `more` counts what is left out of it."""

    waiting: tuple[HomeEntry, ...]
    soon: tuple[HomeEntry, ...]
    agents: tuple[HomeAgent, ...]
    rules: tuple[HomeRule, ...]
    more: Mapping[str, int]  #: by name of the part
    governs_all: bool  #: an admin, who sees the agents of everybody
    preference: Preference
    absence: Absence | None  #: the one that holds now
    tz: str | None  #: where the person is
    grants: tuple[HomeGrant, ...] = ()
    automations: tuple[HomeAutomation, ...] = ()
    may_give: bool = False  #: grants, to any agent at all

    def answerable(self) -> list[HomeEntry]:
        """Return every request that can be answered on this Home."""
        above = {one.dossier.proposal.id for one in self.waiting}
        asked = [one.question for one in self.automations if one.question is not None and one.question.is_theirs]
        return [*self.waiting, *(one for one in asked if one.dossier.proposal.id not in above)]


def home(sheet: Sheet, buttons: Mapping[str, str], drawn_at: datetime) -> View:
    """Draw the Home tab. `buttons` holds the rendering id of each entry that waits, by `entry_key`."""
    above = {one.dossier.proposal.id for one in sheet.waiting}
    view: View = draw(
        "home", waiting=[entry(one, buttons) for one in sheet.waiting],
        soon="\n".join(_soon(one) for one in _not_above(sheet)),
        agents=[agent_line(one) for one in sheet.agents], governs_all=sheet.governs_all,
        rules=[_rule(one) for one in sheet.rules], more=sheet.more,
        grants=[grant_entry(one) for one in sheet.grants], giving=[giving_button()] if sheet.may_give else [],
        automations=[automation_entry(one, buttons, above) for one in sheet.automations],
        settings="\n".join(settings_lines(sheet.preference, sheet.absence, sheet.tz)),
        settings_buttons=settings_buttons(is_away=sheet.absence is not None), drawn_at=drawn_at,
    )  # fmt: skip
    return view


def closed_home() -> View:
    """Draw the Home tab of somebody who is no full member."""
    view: View = draw("home_closed")
    return view


def digest_of(sheet: Sheet) -> str:
    """Return what is the same for two Homes that look alike, whenever they were drawn, and wherever Slack says the
    person is: a change of place alone is not worth asking for."""
    drawn = json.dumps(home(replace(sheet, tz=sheet.preference.tz), {}, _NEVER), sort_keys=True)
    return hashlib.sha256(drawn.encode("utf-8", "surrogatepass")).hexdigest()


def _not_above(sheet: Sheet) -> list[HomeEntry]:
    """Return what expires soon without what stands above with its own buttons, unless there is more than is shown."""
    above = set() if sheet.more["soon"] else {one.dossier.proposal.id for one in sheet.waiting}
    return [one for one in sheet.soon if one.dossier.proposal.id not in above]


def _soon(one: HomeEntry) -> str:
    assert one.dossier.request is not None
    whose = "waits for you" if one.is_theirs else "waits for others"
    agent = short_name(one.dossier.proposal.agent_name, 60)
    return f"⏳ {date(one.dossier.request.expires_at)} · {title_of(one, 80)} · {agent} · {whose}"


def _rule(one: HomeRule) -> dict[str, str | Element | None]:
    rule = one.rule
    until = f"until {date(rule.expires_at)}" if rule.expires_at else "until revoked"
    uses = f"{rule.uses} of {rule.max_uses} uses" if rule.max_uses else f"used {rule.uses} times"
    what = f"*{rule.effect}* `{mrkdwn(one_line(rule.tool))}` by {short_name(rule.agent_id)}"
    button = revoking_button(rule.id, rule.tool) if one.may_revoke else None
    return {"line": f"{what}\n{_pattern(rule)} · {uses} · {until}", "button": button}


def _pattern(rule: Rule) -> str:
    kind = next(iter(json.loads(rule.pattern)), "")
    words = {"same": "the very same arguments", "any": "every call"}.get(kind, "calls whose fields match")
    return f"{words}, in one session" if rule.session_id else words
