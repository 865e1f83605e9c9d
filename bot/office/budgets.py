"""How much of its budget of unasked calls an agent has used."""

from bot.cards.impact import budget_line
from bot.office.office import Office
from storage import standing


async def budget_of(office: Office, agent_id: str) -> str:
    """Return the line about an agent's budget, empty where the policy sets none; nothing is read then."""
    agent = office.policy.current.agents.get(agent_id)
    if agent is None or (agent.budget_per_hour is None and agent.budget_per_day is None):
        return ""
    async with office.database.read(office.tenant) as tx:
        return budget_line(agent, await standing.used(tx, agent_id))
