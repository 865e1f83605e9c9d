"""`/grants list | mine | give | revoke | why`: which rights agents have besides their own, who gave them and why."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.cards.blocks import date, mrkdwn
from bot.cards.grants import grant_line, what, why_line
from bot.cards.lists import Line, Listing, listing, shared
from bot.listeners.words.asked import told_filed
from bot.listeners.words.clauses import read_clauses, what_and_why
from bot.listeners.words.paging import counted, cut_out, only, page_of, question
from bot.listeners.words.parsing import bare
from bot.listeners.words.spoken import Reply, Spoken
from bot.office import granting, naming
from bot.office.asking import Filed
from bot.office.granting import Wanted
from governance.errors import Unprocessable
from operations.grants import LASTS
from storage import automation_lists, grants
from storage.database import Tx
from storage.tables import Grant

COMMAND = "/grants"
_LOOKED_AT = 200
_GRANT = re.compile(r"\bgrt_[0-9a-z]{1,40}\b")
_EVER = frozenset({"all", "ever", "ended", "past"})
_USAGE = "/grants give deployer deploy.staging for 8h because the release needs it"


async def everybody_s(spoken: Spoken) -> Reply:
    """List the rights in force: all, of one agent, for one automation, or one; with `all` those that ended, too."""
    words = bare(spoken.rest.strip())
    ever, one = words.lower() in _EVER, _GRANT.search(words.lower())
    agent = naming.agent_called(spoken.office, words.removeprefix("agent:")) if words else None
    is_else = bool(words) and not (ever or one or agent)
    automation = await naming.automation_meant(spoken.office, words) if is_else else None
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        named = await tx.get(Grant, one[0]) if one else None
        found = await grants.page(
            tx, agent_id=agent.id if agent else None, automation_id=automation.id if automation else None,
            live_only=not ever, limit=_LOOKED_AT,
        ) if not one else [named] if named else []  # fmt: skip
    return await _page(spoken, "list", found, "given so far" if ever or one else "in force")


async def mine(spoken: Spoken) -> Reply:
    """List the rights in force of somebody's own agents, and those they gave."""
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        found = await grants.page(tx, live_only=True, limit=_LOOKED_AT)
    agents = spoken.office.policy.current.agents
    own = {one.id for one in agents.values() if one.creator == spoken.person}
    theirs = [one for one in found if one.agent_id in own or one.granted_by == spoken.person]
    return await _page(spoken, "mine", theirs, "of your agents or given by you")


async def why(spoken: Spoken) -> Reply:
    """Say which rights an agent holds besides its own, who gave them, until when and why."""
    if not spoken.rest.strip():
        raise Unprocessable("Say which agent: /grants why deployer")
    agent = naming.agent_meant(spoken.office, bare(spoken.rest.strip()))
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        found = await grants.page(tx, agent_id=agent.id, live_only=True, limit=_LOOKED_AT)
        number, pages = page_of(spoken.page, len(found))
        on_page = cut_out(found, number)
        names, now = await _names(tx, on_page), tx.now
        proposals = await automation_lists.proposals_of(tx, on_page)
    if not found:
        return only(
            f"*{mrkdwn(agent.id)}* holds no grant: it may do what its scopes and tiers in countersign.toml let it. "
            f"`/grants give {mrkdwn(agent.id)} …` gives it something more, for a time."
        )
    lines = tuple(Line(why_line(one, names, now), proposals.get(one.id, "")) for one in on_page)
    heading = f"*{counted(len(found), 'grant')} of {mrkdwn(agent.id)}* · newest first"
    return Reply(
        listing(Listing(heading, lines, (), number, pages, question(f"{COMMAND} why", replace(spoken, page=number))))
    )


async def give(spoken: Spoken) -> str:
    """Give an agent a right for a time, or have another person countersign it."""
    said = read_clauses(spoken.rest)
    agent_name, _, right_name = said.what.partition(" ")
    if not right_name.strip() or said.until is not None:
        raise Unprocessable(f"Say it like this: {_USAGE}. `/grants give` alone opens a form.")
    agent = naming.agent_meant(spoken.office, bare(agent_name))
    automation = await naming.automation_called(spoken.office, bare(right_name.strip()))
    right = automation or naming.right_meant(spoken.office.policy.current, bare(right_name.strip()))
    if not said.reason:
        raise Unprocessable(f"Say why, too: {_USAGE}")
    wanted = Wanted(agent, right, said.reason, said.length or LASTS)
    return await told_given(spoken, await granting.give(spoken.office, spoken.person, wanted))


async def told_given(spoken: Spoken, done: Grant | Filed) -> str:
    """Return what was given, or what waits to be countersigned."""
    if isinstance(done, Filed):
        return await told_filed(spoken.office, done, "Rights let an agent do more, so somebody else countersigns them.")
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        names = await _names(tx, [done])
    until = f"until {date(done.expires_at)}" if done.expires_at else "until it is revoked"
    return (
        f"🔑 *{mrkdwn(done.agent_id)}* {what(done, names)} {until}. "
        f"`/grants revoke {done.id} because …` takes that back at once."
    )


async def revoke(spoken: Spoken) -> str:
    """Take a right back."""
    which, reason = what_and_why(spoken.rest)
    named = _GRANT.search(which.lower())
    if named is None:
        raise Unprocessable("Say which: /grants revoke grt_… because …; /grants list shows them.")
    grant = await granting.revoke(spoken.office, spoken.person, named[0], reason)
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        names, now = await _names(tx, [grant]), tx.now
    return f"🗑️ Revoked: {grant_line(grant, names, now)}. What relied on it is paused until people have looked."


async def _page(spoken: Spoken, word: str, found: Sequence[Grant], which: str) -> Reply:
    if not found:
        return only("No grant is in force: agents may do what countersign.toml lets them, and nothing more.")
    number, pages = page_of(spoken.page, len(found))
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        names, now = await _names(tx, cut_out(found, number)), tx.now
    lines = tuple(Line(grant_line(one, names, now)) for one in cut_out(found, number))
    notes = (f"The newest {_LOOKED_AT} grants were looked at.",) if len(found) == _LOOKED_AT else ()
    carried = question(f"{COMMAND} {word}", Spoken(spoken.office, spoken.person, spoken.rest, number))
    heading = f"*{counted(len(found), 'grant')} {which}*"
    drawn = Listing(heading, lines, notes, number, pages, carried, can_share=True)
    return Reply(listing(drawn), shared(drawn, spoken.person))


async def _names(tx: Tx, found: Sequence[Grant]) -> dict[str, str]:
    return await automation_lists.names(tx, {one.automation_id for one in found if one.automation_id is not None})
