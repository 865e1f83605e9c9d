"""What one person's Home shows, read from what is stored and who they are at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.cards.home import HomeRule, Sheet
from bot.cards.home_agents import HomeAgent
from bot.cards.home_entries import HomeEntry
from bot.office import Office, rights
from bot.office.queue import read_shown
from bot.office.spending import budgets
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Agent, Policy
from governance.reviewers import Panel, ReviewVerdict
from governance.roles import Role, role_of
from operations.review import Members, panel_of_request
from storage import people, rules, standing, waiting
from storage.database import Tx
from storage.tables import ApprovalRequest, Review, Rule, Standing, StandingKind
from storage.waiting import Open

#: How much of each part there is room for: with all of it, and questions about each automation, a Home stays below
#: Slack's 100 blocks.
SHOWN = {"waiting": 10, "soon": 7, "agents": 10, "rules": 8, "grants": 6, "automations": 4}
_LOOKED_AT = 200  # rules
_DAY = timedelta(hours=24)


async def sheet_of(office: Office, person: str, tz: str | None = None) -> Sheet:
    """Read everything a person's Home shows; `tz` is where Slack says they are.

    Raises SlackTrouble where Slack cannot say who is in a group.
    """
    async with office.database.read(office.tenant) as tx:
        found = await waiting.open_requests(tx)
    members = await office.directory.members(_all_groups(found))
    async with office.database.read(office.tenant) as tx:
        answers = await waiting.reviews_by(tx, person, [one.request.id for one in found])
        theirs = [one for one in found if may_answer(one, person, members)]
        open_now = [one for one in theirs if not _has_answered(one.request, answers)]
        decidable = {one.request.id for one in theirs}
        soon = [one for one in found if _is_soon(tx, one.request)
                and (one.request.id in decidable or one.creator == person)]  # fmt: skip
        agents, more_agents = await _agents(tx, office.policy.current, person, found)
        known, more_rules = await _rules(tx, office.policy.current, person)
        given, more_grants = await rights.grants_of(tx, office.policy.current, person, SHOWN["grants"])
        recurring, more_automations = await rights.automations_of(
            tx, office, person, found, {one.request.id for one in open_now}, SHOWN["automations"]
        )
        preference = await people.preference(tx, person)
        absence = people.absence(preference)
        return Sheet(
            await _entries(tx, office, open_now[: SHOWN["waiting"]], decidable),
            await _entries(tx, office, soon[: SHOWN["soon"]], decidable), agents, known,
            {"waiting": max(0, len(open_now) - SHOWN["waiting"]), "soon": max(0, len(soon) - SHOWN["soon"]),
             "agents": more_agents, "rules": more_rules, "grants": more_grants, "automations": more_automations},
            role_of(office.policy.current, person) is Role.ADMIN, preference,
            absence if absence is not None and absence.covers(tx.now) else None, preference.tz or tz,
            given, recurring, rights.may_give(office.policy.current, person),
        )  # fmt: skip


def may_answer(one: Open, person: str, members: Members) -> bool:
    """Whether a person may answer a request at this moment: on their own place, or on one handed to them."""
    panel = panel_of_request(one.request)
    if person == panel.requester:
        return False
    if any(given.taker == person and panel.admits(given.giver, members) for given in one.delegations):
        return True
    return panel.admits(person, members) and all(given.giver != person for given in one.delegations)


def _all_groups(found: Sequence[Open]) -> Panel:
    named = dict.fromkeys(group for one in found for group in panel_of_request(one.request).groups())
    return Panel(tuple(named), 1)


def _has_answered(request: ApprovalRequest, answers: Sequence[Review]) -> bool:
    """Whether an answer of theirs stands; one that put the request off stands until that is over."""
    return any(
        one.request_id == request.id
        and (one.verdict is not ReviewVerdict.DEFER or request.status is RequestStatus.DEFERRED)
        for one in answers
    )


def _is_soon(tx: Tx, request: ApprovalRequest) -> bool:
    """Whether a request expires within 24 hours, or is in the last tenth of its life."""
    return request.expires_at - tx.now <= max(_DAY, (request.expires_at - request.created_at) / 10)


async def _entries(tx: Tx, office: Office, listed: Sequence[Open], decidable: set[str]) -> tuple[HomeEntry, ...]:
    shown = await read_shown(office, tx, [one.request for one in listed]) if listed else []
    return tuple(
        HomeEntry(read.dossier, read.link, one.request.id in decidable) for one, read in zip(listed, shown, strict=True)
    )


async def _agents(tx: Tx, policy: Policy, person: str, found: Sequence[Open]) -> tuple[tuple[HomeAgent, ...], int]:
    """Return a person's agents, for admins everybody's, their own first; and how many there was no room for."""
    role = role_of(policy, person)
    listed = [one for one in policy.agents.values() if not one.is_internal
              and (one.creator == person or role is Role.ADMIN)]  # fmt: skip
    listed.sort(key=lambda one: one.creator != person)
    if not listed:
        return (), 0
    standings, states = await standing.live(tx), await waiting.states_since(tx, tx.now - _DAY)
    shown = [
        await _agent(tx, policy, one, person, [each for each in standings if each.agent_id == one.id], found, states)
        for one in listed[: SHOWN["agents"]]
    ]
    spent = await budgets(tx, policy, [one.agent.id for one in shown])
    return tuple(replace(one, spend=spent.get(one.agent.id)) for one in shown), max(0, len(listed) - SHOWN["agents"])


async def _agent(
    tx: Tx, policy: Policy, agent: Agent, person: str, standings: Sequence[Standing], found: Sequence[Open],
    states: Mapping[str, Mapping[ProposalState, int]],
) -> HomeAgent:  # fmt: skip
    has_budget = agent.budget_per_hour is not None or agent.budget_per_day is not None
    paused_by = next((one.by for one in standings if one.kind is StandingKind.PAUSE), None)
    may_govern = role_of(policy, person).covers(Role.OPERATOR)
    may_turn = agent.creator == person if paused_by is None else paused_by == person
    used = await standing.used(tx, agent.id) if has_budget else {}
    return HomeAgent(
        agent, agent.tier or policy.default_tier, tuple(standings), used,
        sum(one.agent_id == agent.id for one in found), states.get(agent.id, {}), may_govern or may_turn,
    )  # fmt: skip


async def _rules(tx: Tx, policy: Policy, person: str) -> tuple[tuple[HomeRule, ...], int]:
    """Return the rules a person made or that answer for their agents, newest first; and how many had no room."""
    live = await rules.page(tx, agent_id=None, live_only=True, before=None, limit=_LOOKED_AT)
    theirs = [one for one in live if _concerns(policy, one, person)]
    may_govern = role_of(policy, person).covers(Role.OPERATOR)
    shown = tuple(HomeRule(one, may_govern or person in one.authors) for one in theirs[: SHOWN["rules"]])
    return shown, max(0, len(theirs) - SHOWN["rules"])


def _concerns(policy: Policy, rule: Rule, person: str) -> bool:
    agent = policy.agents.get(rule.agent_id)
    return person in rule.authors or (agent is not None and agent.creator == person)
