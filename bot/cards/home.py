"""The Home tab: what waits for one person, what runs out soon, their agents, rules and settings. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.cards.answering import approvals
from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.home_agents import HomeAgent, agent_line
from bot.cards.home_buttons import (
    Element,
    entry_buttons,
    giving_button,
    read_here,
    revoking_button,
    settings_buttons,
)
from bot.cards.home_rights import HomeAutomation, HomeGrant, automation_entry, grant_entry
from bot.cards.home_settings import settings_lines
from bot.cards.modals import View
from governance.hours import Absence
from governance.text import cut, one_line
from governance.tiers import TIER_ALIASES
from operations.home import entry_key
from storage.dossier import Dossier
from storage.tables import Preference, Rule

_ALIAS = {tier: alias for alias, tier in TIER_ALIASES.items()}
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class HomeEntry:
    """One open request, the link to its card, empty while it is not posted, and whether the person may answer it."""

    dossier: Dossier
    link: str
    is_theirs: bool = True


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


def home(sheet: Sheet, buttons: Mapping[str, str], drawn_at: datetime) -> View:
    """Draw the Home tab. `buttons` holds the rendering id of each entry that waits, by `entry_key`."""
    view: View = draw(
        "home", waiting=[_entry(one, buttons) for one in sheet.waiting],
        soon="\n".join(_soon(one) for one in _not_above(sheet)),
        agents=[agent_line(one) for one in sheet.agents], governs_all=sheet.governs_all,
        rules=[_rule(one) for one in sheet.rules], more=sheet.more,
        grants=[grant_entry(one) for one in sheet.grants], giving=[giving_button()] if sheet.may_give else [],
        automations=[automation_entry(one) for one in sheet.automations],
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


def _entry(one: HomeEntry, buttons: Mapping[str, str]) -> dict[str, str | bool | list[Element] | None]:
    found, request = one.dossier, one.dossier.request
    assert request is not None
    proposal = found.proposal
    tier = f" · {proposal.tier} ({_ALIAS[proposal.tier]})" if proposal.tier in _ALIAS else f" · {proposal.tier}"
    risk = f"risk {(proposal.risk or 'not declared').replace('_', ' ')}"
    count = f"{approvals(found)} of {request.quorum}"
    edited = " · ✏️ arguments edited" if proposal.proposed_arguments is not None else ""
    shown, is_whole = read_here(proposal.arguments)
    key = entry_key(found)
    rendering_id = buttons.get(key, key)
    return {
        "line": f"*{_titled(one)}* · {_name(proposal.agent_name)}\n"
                f"{risk}{tier} · {count} · expires {date(request.expires_at)}{edited}",
        "consequence": proposal.consequence, "rendering_id": rendering_id,
        "arguments": shown, "longer": not is_whole,
        "buttons": entry_buttons(rendering_id, found),
    }  # fmt: skip


def _not_above(sheet: Sheet) -> list[HomeEntry]:
    """Return what expires soon without what stands above with its own buttons, unless there is more than is shown."""
    above = set() if sheet.more["soon"] else {one.dossier.proposal.id for one in sheet.waiting}
    return [one for one in sheet.soon if one.dossier.proposal.id not in above]


def _soon(one: HomeEntry) -> str:
    assert one.dossier.request is not None
    whose = "waits for you" if one.is_theirs else "waits for others"
    agent = _name(one.dossier.proposal.agent_name, 60)
    return f"⏳ {date(one.dossier.request.expires_at)} · {_titled(one, 80)} · {agent} · {whose}"


def _rule(one: HomeRule) -> dict[str, str | Element | None]:
    rule = one.rule
    until = f"until {date(rule.expires_at)}" if rule.expires_at else "until revoked"
    uses = f"{rule.uses} of {rule.max_uses} uses" if rule.max_uses else f"used {rule.uses} times"
    what = f"*{rule.effect}* `{mrkdwn(one_line(rule.tool))}` by {_name(rule.agent_id)}"
    button = revoking_button(rule.id, rule.tool) if one.may_revoke else None
    return {"line": f"{what}\n{_pattern(rule)} · {uses} · {until}", "button": button}


def _pattern(rule: Rule) -> str:
    kind = next(iter(json.loads(rule.pattern)), "")
    words = {"same": "the very same arguments", "any": "every call"}.get(kind, "calls whose fields match")
    return f"{words}, in one session" if rule.session_id else words


def _titled(one: HomeEntry, limit: int = 150) -> str:
    title = cut(mrkdwn(one_line(one.dossier.proposal.title)), limit)
    return f"<{one.link}|{title}>" if one.link else title


def _name(text: str, limit: int = 150) -> str:
    return cut(mrkdwn(one_line(text)), limit)
