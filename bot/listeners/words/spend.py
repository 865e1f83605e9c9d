"""`/spend list | show | cap | override`: what agents cost this week, and what they may."""

import json
from datetime import timedelta

from bot.cards.blocks import mrkdwn
from bot.cards.lists import Line, Listing, listing, shared
from bot.cards.spending import Cost, agent_cost_line, cost_line, window_lines
from bot.listeners.words.asked import told_filed
from bot.listeners.words.clauses import read_clauses, what_and_why
from bot.listeners.words.paging import counted, cut_out, only, page_of, question
from bot.listeners.words.parsing import bare
from bot.listeners.words.spoken import Reply, Spoken
from bot.office import naming, spending
from bot.office.asking import Filed, ask, shown_question
from bot.office.costs import costs
from bot.office.spending import LimitChange
from governance.errors import Unprocessable
from governance.money import format_usd, parse_usd
from governance.policy import Agent
from governance.questions import AGENT, hours_in
from governance.spend import lineage_of
from storage import automation_lists
from storage.tables import RequestType

COMMAND = "/spend"
_HOUR = timedelta(hours=1)
_CURRENCY = frozenset({"usd", "$", "dollars", "dollar"})
_EVERYBODY = frozenset({"all", "every", "everybody", "everyone", "default"})
_NONE = frozenset({"none", "off", "no", "unlimited"})
_RESET = frozenset({"reset", "default", "file"})
_CAP = "/spend cap deployer 75, /spend cap 50 for every agent without its own, `none` for no cap, or `reset`"
_OVERRIDE = "/spend override deployer 24h because the release must go out"


async def everybody_s(spoken: Spoken) -> Reply:
    """List what every agent costs this week: those that are stopped first, then those nearest to their caps."""
    if spoken.rest.strip():
        return await show(spoken)
    agents = {one.id: one for one in spoken.office.policy.current.agents.values() if not one.is_internal}
    if not agents:
        return only("There is no agent in the policy, so nothing is spent.")
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        found = await costs(tx, spoken.office.policy.current, list(agents))
    ranked = sorted(found, key=lambda one: _rank(one, found[one]))
    number, pages = page_of(spoken.page, len(ranked))
    lines = tuple(Line(agent_cost_line(one, agents[one].name, found[one])) for one in cut_out(ranked, number))
    stopped = sum(one.is_held for one in found.values())
    heading = f"*{counted(len(ranked), 'agent')}, {stopped or 'none'} stopped* · weeks begin on Monday, in UTC"
    carried = question(f"{COMMAND} list", Spoken(spoken.office, spoken.person, "", number))
    drawn = Listing(heading, lines, (), number, pages, carried, can_share=True)
    return Reply(listing(drawn), shared(drawn, spoken.person))


def _rank(agent_id: str, cost: Cost) -> tuple[bool, float, int, str]:
    return (not cost.is_held, -cost.share, -cost.week, agent_id)


async def show(spoken: Spoken) -> Reply:
    """Show one agent: what it cost in each window, under which cap, and what stands against it."""
    if not spoken.rest.strip():
        raise Unprocessable("Say which agent: /spend show deployer")
    agent = naming.agent_meant(spoken.office, bare(spoken.rest.strip()))
    policy = spoken.office.policy.current
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        cost = (await costs(tx, policy, [agent.id]))[agent.id]
        asked = (await automation_lists.questions(tx, [agent.id])).get(agent.id)
    lines = [Line("\n".join(window_lines(cost))), *_above(agent, lineage_of(policy, agent.id)[1:])]
    is_asked = asked is not None and asked.request_type is RequestType.QUOTA_OVERRIDE
    if asked is not None and is_asked:
        lines.append(Line(f"🙋 An override is asked for: `/approvals show {asked.id}`", asked.proposal_id))
    elif cost.is_held:
        lines.append(Line(f"`{_OVERRIDE.replace('deployer', mrkdwn(agent.id), 1)}` asks for an override"))
    heading = f"*{mrkdwn(agent.name)}* (`{mrkdwn(agent.id)}`)\n{cost_line(cost)}"
    return Reply(listing(Listing(heading, tuple(lines))))


def _above(agent: Agent, above: tuple[str, ...]) -> list[Line]:
    if not above:
        return []
    return [Line(f"Charged besides, because they stand above it: {', '.join(f'`{mrkdwn(one)}`' for one in above)}")]


async def cap(spoken: Spoken) -> str:
    """Change the weekly cap of one agent, or of all that have none of their own."""
    what, reason = what_and_why(spoken.rest)
    agent, amount = _agent_and_amount(spoken, what)
    limits = await spending.change(spoken.office, spoken.actor, _change(agent, amount, reason or None))
    holds = limits.agent_caps.get(agent.id, limits.weekly_spend_cap) if agent else limits.weekly_spend_cap
    whose = f"*{mrkdwn(agent.id)}*" if agent else "Every agent without a cap of its own"
    return f"💰 {whose} may now cost {_worth(holds)}. Agents this lets go on go on within seconds."


def _agent_and_amount(spoken: Spoken, what: str) -> tuple[Agent | None, str]:
    """Return whose cap is meant, None for everybody's, and how much. Raises Unprocessable and NotFound."""
    words = [one for one in map(bare, what.split()) if one.lower() not in _CURRENCY]
    whose = words[0] if len(words) == 2 and words[0].lower() not in _EVERYBODY else ""
    if not words or len(words) > 2 or (len(words) == 1 and naming.agent_called(spoken.office, words[0])):
        raise Unprocessable(f"Say it like this: {_CAP}.")
    return naming.agent_meant(spoken.office, whose) if whose else None, words[-1].lower()


def _worth(cap: int | None) -> str:
    if cap is None:
        return "anything: there is no cap"
    return f"{format_usd(cap)} USD a week" if cap else "nothing: with its first cost it stops"


def _change(agent: Agent | None, amount: str, reason: str | None) -> LimitChange:
    """Return what is to be changed. Raises Unprocessable for an amount that cannot be meant."""
    if amount in _RESET:
        return LimitChange({}, () if agent else ("weekly_spend_cap",), (agent.id,) if agent else (), reason)
    value = None if amount in _NONE else _amount(amount)
    values = {"agent_caps": {agent.id: value}} if agent else {"weekly_spend_cap": value}
    return LimitChange(values, reason=reason)


def _amount(text: str) -> int:
    try:
        return parse_usd(text.strip("$").removesuffix("usd").strip())
    except ValueError as error:
        raise Unprocessable(f"cap: {error}. Say it like this: {_CAP}.") from None


async def override(spoken: Spoken) -> str:
    """Ask others to let a stopped agent spend on."""
    said = read_clauses(spoken.rest, bare_length=True)
    if not said.what or not said.reason:
        raise Unprocessable(f"Say it like this: {_OVERRIDE}. Without a length it holds until the week ends.")
    agent = naming.agent_meant(spoken.office, said.what)
    context = {"hours": said.length.total_seconds() / 3600} if said.length else {}
    target = (AGENT, agent.id)
    filed = await ask(spoken.office, spoken.person, RequestType.QUOTA_OVERRIDE, target, said.reason, context)
    note = "" if filed.is_new else await _length_asked(spoken, filed, said.length)
    return await told_filed(spoken.office, filed, f"Nothing of it starts until somebody approves.{note}")


async def _length_asked(spoken: Spoken, filed: Filed, wanted: timedelta | None) -> str:
    """Say where the question that is open asks for another length: what it asks stands since it was asked."""
    found = await shown_question(spoken.office, filed.request)
    asked = hours_in(json.loads(found.dossier.proposal.arguments)["context"], None)
    if wanted == asked:
        return ""
    return (
        f" It asks to let the agent go on {_held(asked)}, which your wish, {_held(wanted)}, does not change: "
        "once it is rejected, ask again."
    )


def _held(length: timedelta | None) -> str:
    return f"for {length / _HOUR:g} hours" if length else "until its week ends"
