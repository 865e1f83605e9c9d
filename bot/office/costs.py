"""What agents cost, read for people."""

from collections.abc import Sequence

from bot.cards.spending import Cost
from bot.office.spending import Spending, spendings
from governance.policy import Policy
from storage.database import Tx


async def costs(tx: Tx, policy: Policy, agents: Sequence[str]) -> dict[str, Cost]:
    """Return what some agents cost, by id, in a bounded number of statements."""
    return {one.agent_id: cost_of(one) for one in await spendings(tx, policy, agents)} if agents else {}


def cost_of(found: Spending) -> Cost:
    """Return what one agent cost, as cards show it."""
    return Cost({one.span: one for one in found.windows}, found.cap, found.ratio, found.stop, found.is_held)
