"""Finding out who could answer a call before it is made: the policy, Slack, and what people said about being away."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.office import Office
from bot.office.fitness import what_keeps_out
from bot.office.governing import agent_named
from bot.office.presence import sight, with_delegates
from bot.slack import Person, SlackTrouble
from governance.coverage import Sight, stand_ins, within_reach
from governance.errors import NotFound
from governance.gates import judge
from governance.hours import Absence, quiet_until
from governance.policy import Agent, Tool
from governance.reach import Bearing, Candidate, PanelPlace, Reach
from governance.reviewers import Panel, is_group
from governance.verdict import Call, Verdict
from operations.review import Members
from storage import people
from storage.facts import facts_about
from storage.tables import Preference

_LOOKED_AT = 100  #: people


@dataclass(slots=True)
class _Look:
    """What is known about the people of one call at a moment."""

    at: datetime
    panel: Panel
    admins: tuple[str, ...]
    members: Members = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    known: dict[str, Person] = field(default_factory=dict)
    settings: dict[str, Preference] = field(default_factory=dict)
    trouble: str | None = None

    def sights(self) -> dict[str, Sight]:
        """People's own word about being away goes before their Slack status."""
        return {one: Sight(person.may_decide, self.absence_of(one)) for one, person in self.known.items()}

    def absence_of(self, person: str) -> Absence | None:
        """The absence of somebody that holds at the moment."""
        own = people.absence(self.settings.get(person))
        if own is not None and own.covers(self.at):
            return own
        return sight(self.known[person], self.at).absence if person in self.known else None


async def reach(
    office: Office, tool_name: str, agent_id: str, on_behalf_of: str | None = None, at: datetime | None = None
) -> Reach:
    """Return who could answer a call of this tool by this agent, now or at another moment, as far as is known today.

    The policy is asked without arguments, so a rule for particular ones may yet answer. Raises NotFound.
    """
    agent, tool = agent_named(office, agent_id), tool_named(office, tool_name)
    at = at or office.database.clock()
    verdict = await _verdict(office, agent, tool, on_behalf_of)
    if not verdict.asks or verdict.panel is None:
        return Reach(tool.name, agent.id, at, verdict, tool.quorum)
    ladder = [one for one in tool.escalate_to if one not in (*verdict.panel.reviewers, verdict.panel.barred)]
    admins = office.policy.current.admins
    look = await _look(office, _Look(at, verdict.panel, admins), ladder)
    return Reach(
        tool.name, agent.id, at, verdict, tool.quorum, _places(look, verdict.panel.reviewers), _near(look),
        tool.escalate_after if ladder else None, _places(look, ladder), _candidates(look, admins), look.trouble,
    )  # fmt: skip


def tool_named(office: Office, name: str) -> Tool:
    """Return a tool of the policy that agents may call. Raises NotFound."""
    tool = office.policy.current.tools.get(name)
    if tool is None or tool.is_internal:
        raise NotFound(f"There is no tool {name[:80]!r} in the policy.")
    return tool


def agents_for(office: Office, tool: Tool) -> list[str]:
    """Return the agents whose scopes let them call a tool."""
    agents = office.policy.current.agents.values()
    return [one.id for one in agents if not one.is_internal and tool.scopes <= one.scopes]


async def _verdict(office: Office, agent: Agent, tool: Tool, on_behalf_of: str | None) -> Verdict:
    async with office.database.read(office.tenant) as tx:
        facts = await facts_about(tx, agent, tool.name, "", capability=tool.capability)
    return judge(office.policy.current, agent, Call(tool.name, {}, on_behalf_of), facts, checked=())


async def _look(office: Office, look: _Look, ladder: Iterable[str]) -> _Look:
    look.trouble = None if office.client.token else "SLACK_BOT_TOKEN is not set"
    asked = Panel((*look.panel.reviewers, *ladder, *look.admins), look.panel.quorum)
    named = [one for one in asked.reviewers if not is_group(one)]
    try:
        if look.trouble is None:
            await _ask_slack(office, look, asked, named)
    except SlackTrouble as trouble:
        look.trouble = trouble.error
    async with office.database.read(office.tenant) as tx:
        look.settings = await people.preferences(tx, {*named, *look.known})
    return look


async def _ask_slack(office: Office, look: _Look, asked: Panel, named: Iterable[str]) -> None:
    look.members = await office.roster.members(asked)
    look.handles = await office.roster.handles() if asked.groups() else {}
    inside = sorted({one for members in look.members.values() for one in members})
    known = await with_delegates(office, [*named, *inside][:_LOOKED_AT], look.at)
    look.known = {one.id: one for one in known}


def _near(look: _Look) -> frozenset[str]:
    """Return who is within reach once stand-ins have taken the places of those who are away."""
    panel, sights = look.panel, look.sights()
    handed = {
        place: taker
        for place in panel.reviewers
        if not is_group(place) and (taker := _covered_by(look, sights, place)) is not None
    }
    return within_reach(panel, look.members, handed, sights)


def _covered_by(look: _Look, sights: dict[str, Sight], place: str) -> str | None:
    """Return who would stand in for a named reviewer: the circle does not widen."""
    chain = stand_ins(place, sights) if place in look.panel.reviewers else ()
    if not chain or chain[-1] in (look.panel.requester, look.panel.barred):
        return None
    return chain[-1] if chain[-1] in look.admins or look.panel.admits(chain[-1], look.members) else None


def _places(look: _Look, asked: Iterable[str]) -> tuple[PanelPlace, ...]:
    found = []
    for one in asked:
        inside = sorted(look.members.get(one, ())) if is_group(one) else [one]
        name = look.handles.get(one, one) if is_group(one) else _name(look, one)
        found.append(PanelPlace(one, name, _candidates(look, inside)))
    return tuple(found)


def _candidates(look: _Look, ids: Iterable[str]) -> tuple[Candidate, ...]:
    sights = look.sights()
    return tuple(_candidate(look, sights, one) for one in ids)


def _candidate(look: _Look, sights: dict[str, Sight], person: str) -> Candidate:
    set_by_them, known = look.settings.get(person), look.known.get(person)
    zone = (set_by_them.tz if set_by_them else None) or (known.tz if known else None)
    return Candidate(
        person, _name(look, person), _bearing(look, person), look.absence_of(person),
        _covered_by(look, sights, person),
        quiet_until(people.quiet_hours(set_by_them), zone, look.at),
    )  # fmt: skip


def _name(look: _Look, person: str) -> str:
    return look.known[person].name if person in look.known else person


def _bearing(look: _Look, person: str) -> Bearing:
    if person == look.panel.barred:
        return Bearing.BARRED
    if person == look.panel.requester:
        return Bearing.REQUESTER
    known = look.known.get(person)
    if known is not None and not known.may_decide:
        return what_keeps_out(known)
    if look.absence_of(person) is not None:
        return Bearing.AWAY
    return Bearing.THERE if known is not None else Bearing.NOT_ASKED
