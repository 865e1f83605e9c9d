"""What somebody reads who has asked others to decide about governance."""

from bot.cards.answering import people
from bot.cards.blocks import date, mrkdwn
from bot.office import Office
from bot.office.asking import Filed, shown_question
from governance.text import cut, one_line


async def told_filed(office: Office, filed: Filed, why: str) -> str:
    """Say what waits, for whom, until when, and where to look."""
    found = await shown_question(office, filed.request)
    title = mrkdwn(cut(one_line(found.dossier.proposal.title), 150))
    named = f"*<{found.link}|{title}>*" if found.link else f"*{title}*"
    begun = f"🙋 Asked: {named}." if filed.is_new else f"🙋 That is being asked already: {named}."
    who, until = people(filed.request.reviewers), date(filed.request.expires_at)
    return (
        f"{begun} {why} May decide: {who}; it waits until {until}. "
        f"`/approvals show {filed.request.id}` tells how it stands."
    )
