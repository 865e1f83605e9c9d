"""`/approvals who TOOL [AGENT] [MOMENT]`: who could answer, before it happens."""

from datetime import datetime

from bot.cards.reach import told
from bot.office import Office
from bot.office.reaching import agents_for, reach, tool_named
from governance.errors import Unprocessable
from governance.hours import zone

_USAGE = "/approvals who deploy.production deployer 2026-11-22T03:00"


class _Asked:
    """What somebody typed after the word. Raises Unprocessable where it cannot be understood."""

    def __init__(self, rest: str) -> None:
        words = [word.strip("`") for word in rest.split()]
        if not 1 <= len(words) <= 3:
            raise Unprocessable(f"Say it like this: {_USAGE}; agent and moment may be left out.")
        self.tool, *more = words
        self.moment = _moment(more[-1]) if more else None
        self.agent = more[0] if more and (self.moment is None or len(more) == 2) else None
        if len(more) == 2 and self.moment is None:
            raise Unprocessable(f"{more[1][:40]!r} is no moment; say it like this: {_USAGE}")


async def answer(office: Office, person: str, rest: str) -> str:
    """Answer the question. Raises NotFound, Unprocessable or SlackTrouble."""
    asked = _Asked(rest)
    at = asked.moment
    if at is not None and at.tzinfo is None:  # a time without a zone is meant where the person is
        at = at.replace(tzinfo=zone((await office.directory.person(person)).tz))
    return told(await reach(office, asked.tool, asked.agent or _only_agent(office, asked.tool), at=at))


def _only_agent(office: Office, tool: str) -> str:
    found = agents_for(office, tool_named(office, tool))
    if len(found) != 1:
        raise Unprocessable(f"Say which agent: /approvals who {tool[:80]} {' | '.join(found) or 'AGENT'}")
    return found[0]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
