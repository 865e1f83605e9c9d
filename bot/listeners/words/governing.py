"""`/approvals pause | resume | tier | rules | revoke`: what people decide about agents and rules, in words."""

import re

from bot.cards.answering import people
from bot.cards.blocks import date, mrkdwn
from bot.cards.lists import Line, Listing, listing
from bot.listeners.words import who
from bot.listeners.words.paging import counted, cut_out, only, page_of, question
from bot.listeners.words.parsing import bare
from bot.listeners.words.spoken import Reply, Spoken
from bot.office import governing
from governance.errors import Unprocessable
from governance.lifecycle import ProposalState
from governance.text import cut, one_line
from governance.tiers import TIER_ALIASES, Tier
from operations.propose import Proposed
from operations.stand import TierChange
from storage.tables import Rule

_LOOKED_AT = 200
_RULE = re.compile(r"\brul_[0-9a-z]{1,40}\b")
_TIER = re.compile(r"(?P<tier>\S+)(?:\s+for\s+(?P<target>\S+))?(?:\s+(?P<reason>.+))?", re.DOTALL)


async def pause(spoken: Spoken) -> str:
    """Pause an agent."""
    agent, rest = spoken.agent_and_rest("/approvals pause deployer because it deploys in a loop")
    await governing.pause(spoken.office, spoken.actor, agent, _reason(rest))
    return (
        f"⏸️ *{mrkdwn(agent)}* is paused: its calls are denied, and what was queued does not start. "
        f"`/approvals resume {mrkdwn(agent)} because …` lets it go on."
    )


async def resume(spoken: Spoken) -> str:
    """Resume an agent."""
    agent, rest = spoken.agent_and_rest("/approvals resume deployer because the loop is mended")
    await governing.resume(spoken.office, spoken.actor, agent, _reason(rest))
    return f"▶️ *{mrkdwn(agent)}* may go on."


async def tier(spoken: Spoken) -> str:
    """Set the tier of an agent, or of one tool, class or prefix of it."""
    usage = "/approvals tier deployer L2 for deploy.staging because it has done well"
    agent_id, rest = spoken.agent_and_rest(usage)
    found = _TIER.fullmatch(rest)
    wanted = _tier_named(found["tier"]) if found else None
    if found is None or wanted is None or not found["reason"]:
        raise Unprocessable(f"Say it like this: {usage}. Tiers are {', '.join(Tier)}, or L1, L2, L3.")
    agent = governing.agent_named(spoken.office, agent_id)
    change = TierChange(agent, bare(found["target"] or ""), wanted, _reason(found["reason"]))
    done = await governing.change_tier(spoken.office, spoken.actor, change)
    return _promotion(done) if isinstance(done, Proposed) else f"🎚️ *{mrkdwn(agent_id)}* now acts at {_shown(change)}."


async def rules(spoken: Spoken) -> Reply:
    """List the rules in force, of one agent or of all."""
    agent = bare(spoken.rest.strip().partition(" ")[0].removeprefix("agent:"))
    found = await governing.live_rules(spoken.office, _LOOKED_AT)
    wanted = [rule for rule in found if not agent or rule.agent_id.lower() == agent.lower()]
    if not wanted:
        return only("No rule is in force; every call is asked about afresh.")
    number, pages = page_of(spoken.page, len(wanted))
    lines = tuple(Line(_line(rule)) for rule in cut_out(wanted, number))
    notes = (f"The newest {_LOOKED_AT} rules.",) if len(found) == _LOOKED_AT else ()
    heading = f"*{counted(len(wanted), 'rule')} in force* · `/approvals revoke rul_…` ends one"
    return Reply(listing(Listing(heading, lines, notes, number, pages, question("rules", spoken))))


async def revoke(spoken: Spoken) -> str:
    """Revoke a rule."""
    named = _RULE.search(spoken.rest.lower())
    rule_id = named[0] if named else bare(spoken.rest.strip())
    if not rule_id:
        raise Unprocessable("Say which rule: /approvals revoke rul_…; /approvals rules lists them.")
    rule = await governing.revoke_rule(spoken.office, spoken.actor, rule_id)
    return f"🗑️ Revoked: {_line(rule)}"


async def who_can_approve(spoken: Spoken) -> str:
    """Say who could answer a call, before it happens."""
    return await who.answer(spoken.office, spoken.person, spoken.rest)


def _reason(text: str) -> str:
    return re.sub(r"^because\s+", "", text.strip(), flags=re.IGNORECASE)


def _tier_named(word: str) -> Tier | None:
    alias = TIER_ALIASES.get(word.upper())
    return alias or (Tier(word.lower()) if word.lower() in set(Tier) else None)


def _shown(change: TierChange) -> str:
    return f"tier {change.tier}" + (f" for `{mrkdwn(change.target)}`" if change.target else "")


def _promotion(done: Proposed) -> str:
    proposal = done.proposal
    if proposal is None or proposal.state is ProposalState.DENIED:
        return f"The promotion was refused: {mrkdwn(proposal.reason if proposal else done.verdict.reason)}."
    return "🎚️ That gives the agent more room, so another admin has to countersign it; its card is in the channel."


def _line(rule: Rule) -> str:
    until = f"until {date(rule.expires_at)}" if rule.expires_at else "until revoked"
    uses = f"{rule.uses} of {rule.max_uses} uses" if rule.max_uses else f"used {rule.uses} times"
    reason = f" · {mrkdwn(cut(one_line(rule.reason), 120))}" if rule.reason else ""
    what = f"*{rule.effect}* `{mrkdwn(rule.tool)}` by {mrkdwn(rule.agent_id)}"
    return f"`{rule.id}` {what} · {uses} · {until} · by {people(rule.authors)}{reason}"
