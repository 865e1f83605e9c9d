"""`/approvals who TOOL [AGENT] [MOMENT]`: who could answer, before it happens."""

import asyncio

from bot.cards.reach import told
from bot.listeners.words.moments import moment_in, zone_of
from bot.office import Office
from bot.office.reaching import agents_for, reach, tool_named
from governance.errors import TooMany, Unprocessable

_PATIENCE = 2.0  # seconds; Slack gives up after 3
_USAGE = "/approvals who deploy.production deployer 2026-11-22T03:00"


class _Asked:
    """What somebody typed after the word. Raises Unprocessable where it cannot be understood."""

    def __init__(self, rest: str) -> None:
        words = [word.strip("`") for word in rest.split()]
        if not 1 <= len(words) <= 3:
            raise Unprocessable(f"Say it like this: {_USAGE}; agent and moment may be left out.")
        self.tool, *more = words
        self.moment = moment_in(more[-1]) if more else None
        self.agent = more[0] if more and (self.moment is None or len(more) == 2) else None
        if len(more) == 2 and self.moment is None:
            raise Unprocessable(f"{more[1][:40]!r} is no moment; say it like this: {_USAGE}")


async def answer(office: Office, person: str, rest: str) -> str:
    """Answer the question. Raises NotFound or Unprocessable; TooMany where it takes longer than Slack waits."""
    asked = _Asked(rest)
    agent = asked.agent or _only_agent(office, asked.tool)
    try:
        async with asyncio.timeout(_PATIENCE):
            at = asked.moment
            if at is not None and at.tzinfo is None:
                at = at.replace(tzinfo=await zone_of(office, person))
            return told(await reach(office, asked.tool, agent, at=at))
    except TimeoutError:  # what was found out so far is remembered for a while
        raise TooMany("So many people cannot be looked up at once; ask again in a moment.") from None


def _only_agent(office: Office, tool: str) -> str:
    found = agents_for(office, tool_named(office, tool))
    if len(found) != 1:
        raise Unprocessable(f"Say which agent: /approvals who {tool[:80]} {' | '.join(found) or 'AGENT'}")
    return found[0]
