"""`/automations`: what recurs, whose it is, how it goes, and what becomes of it."""

import re
from collections.abc import Sequence

from bot.cards.automations import automation_line, facts, name_of
from bot.cards.blocks import date
from bot.cards.lists import Line, Listing, in_short, listing, shared
from bot.listeners.gates import check_may_look
from bot.listeners.words.clauses import end_of, read_clauses, what_and_why
from bot.listeners.words.paging import counted, cut_out, only, page_of, question
from bot.listeners.words.parsing import bare
from bot.listeners.words.spoken import Reply, Spoken
from bot.office import caretaking, naming
from bot.office.asking import shown_question
from governance.automations import AutomationStatus
from governance.errors import Unprocessable
from storage import automation_lists, automations
from storage.tables import Automation

COMMAND = "/automations"
_LOOKED_AT = 200
_ID = re.compile(r"\baut_[0-9a-z]{1,40}\b")


async def mine(spoken: Spoken) -> Reply:
    """List the automations that the person owes the reviews of."""
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        found = await automation_lists.owned(tx, spoken.person, _LOOKED_AT)
    if not found:
        return only("No automation is yours. `/automations list` shows everybody's.")
    return await _page(spoken, "mine", found, ("of yours", f"of <@{spoken.person}>'s"))


async def everybody_s(spoken: Spoken) -> Reply:
    """List all automations, those of one agent, or those that stand somewhere: active, paused, owed."""
    agent_id, status, is_owed = _narrowed(spoken)
    async with spoken.office.database.read(spoken.office.tenant) as tx:
        found = await automations.page(tx, agent_id=agent_id, status=status, limit=_LOOKED_AT)
    found = [one for one in found if one.review_required] if is_owed else found
    if not found:
        return only("There is no automation here yet." if not spoken.rest else "No automation looks like that.")
    return await _page(spoken, "list", found, ("here", "here"))


def _narrowed(spoken: Spoken) -> tuple[str | None, AutomationStatus | None, bool]:
    agent_id, status, is_owed = None, None, False
    for word in spoken.rest.split():
        key, _, value = bare(word).rpartition(":")
        if value.lower() in set(AutomationStatus):
            status = AutomationStatus(value.lower())
        elif value.lower() in ("owed", "review", "reviews"):
            is_owed = True
        elif key.lower() in ("", "agent"):
            agent_id = naming.agent_meant(spoken.office, value).id
        else:
            raise Unprocessable("Narrow it by agent:, status: (active, paused, draft) or the word owed.")
    return agent_id, status, is_owed


async def show(spoken: Spoken) -> Reply:
    """Show one automation: where it stands, what ran, what was noticed, who else may change it."""
    found = await caretaking.look(spoken.office, await _meant(spoken))
    lines = [Line(one) for one in facts(found.row, found.runs, found.findings)]
    if found.grants:
        lines.append(Line(f"{counted(len(found.grants), 'grant')} to change it: `/grants list {found.row.id}`"))
    if found.question is not None:
        lines.append(Line(f"🙋 People are asked about it: `{found.question.id}`", found.question.proposal_id))
    return Reply(listing(Listing(automation_line(found.row), tuple(lines))))


async def review(spoken: Spoken) -> Reply:
    """Show the question that people owe an answer to, with the link to its card."""
    row = await _meant(spoken)
    found = await shown_question(spoken.office, await caretaking.review(spoken.office, spoken.person, row))
    await check_may_look(spoken.office, found.dossier, spoken.person)
    return Reply(in_short(found.dossier, found.link))


async def pause(spoken: Spoken) -> str:
    """Pause an automation with its runs."""
    what, reason = what_and_why(spoken.rest)
    found = await naming.automation_meant(spoken.office, what)
    row = await caretaking.pause(spoken.office, spoken.person, found.id, reason)
    return f"⏸️ *{name_of(row)}* is paused with its runs. `/automations resume {row.id}` lets it go on."


async def resume(spoken: Spoken) -> str:
    """Let an automation go on."""
    found = await naming.automation_meant(spoken.office, what_and_why(spoken.rest)[0])
    row = await caretaking.resume(spoken.office, spoken.person, found.id)
    return f"▶️ *{name_of(row)}* may go on. Its paused runs stay paused; whoever runs it queues them again."


async def retire(spoken: Spoken) -> str:
    """End an automation."""
    what, reason = what_and_why(spoken.rest)
    found = await naming.automation_meant(spoken.office, what)
    row = await caretaking.retire(spoken.office, spoken.person, found.id, reason)
    return f"🏁 *{name_of(row)}* is retired: it starts nothing any more. `/automations extend {row.id}` brings it back."


async def extend(spoken: Spoken) -> str:
    """Let an automation go on longer."""
    said = read_clauses(spoken.rest)
    found = await naming.automation_meant(spoken.office, said.what)
    until = await end_of(said, spoken.office, spoken.person)
    row = await caretaking.extend(spoken.office, spoken.person, found.id, until, said.reason)
    return f"⏩ *{name_of(row)}* goes on {f'until {date(row.expires_at)}' if row.expires_at else 'without an end'}."


async def restore(spoken: Spoken) -> str:
    """Bring back an automation that was deleted."""
    named = _ID.search(spoken.rest.lower())
    if named is None:
        raise Unprocessable("Say which by its id: /automations restore aut_…; the message about its end has it.")
    row = await caretaking.restore(spoken.office, spoken.person, named[0])
    return f"♻️ *{name_of(row)}* is back as it was; its runs are not."


async def _meant(spoken: Spoken) -> Automation:
    return await naming.automation_meant(spoken.office, bare(spoken.rest.strip()))


async def _page(spoken: Spoken, word: str, found: Sequence[Automation], which: tuple[str, str]) -> Reply:
    number, pages = page_of(spoken.page, len(found))
    lines = tuple(Line(automation_line(one)) for one in cut_out(found, number))
    notes = (f"The newest {_LOOKED_AT} were looked at.",) if len(found) == _LOOKED_AT else ()
    carried = question(f"{COMMAND} {word}", Spoken(spoken.office, spoken.person, spoken.rest, number))
    own, everybody = (
        Listing(f"*{counted(len(found), 'automation')} {one}*", lines, notes, number, pages, carried, can_share=True)
        for one in which
    )
    return Reply(listing(own), shared(everybody, spoken.person))
