"""What is stored about an automation and its agents, as the rules look at it."""

from governance.authorising import Facts
from governance.automations import Actor, ActorKind
from storage import grants, spend, standing
from storage.database import Tx
from storage.tables import Automation, StandingKind


def creator_of(row: Automation) -> Actor:
    """Return who made an automation."""
    return Actor(row.creator_kind, row.creator_id)


def agents_of(row: Automation) -> tuple[str, ...]:
    """Return the agents that answer for an automation: who made it, those above that one, those it names."""
    maker = [row.creator_id] if row.creator_kind is ActorKind.AGENT else []
    return tuple(one for one in dict.fromkeys((*maker, *row.chain, *row.agents)) if one is not None)


async def facts_of(tx: Tx, row: Automation, actor: Actor) -> Facts:
    """Return what decides about `actor` changing or starting an automation now.

    An agent that acts counts among its agents, so that none that is held sets another's work going. A spend stop holds
    no agent below its own.
    """
    is_agent = actor.kind is ActorKind.AGENT and actor.id is not None
    agents = tuple(dict.fromkeys((*agents_of(row), *([actor.id] if is_agent and actor.id else []))))
    grant = await grants.to_modify(tx, actor.id or "", row.id) if is_agent else None
    above = set(row.chain) - {row.creator_id, actor.id, *row.agents}
    stops = {one.agent_id for one in await spend.holding(tx, agents)} - above if agents else set()
    paused = {one.agent_id for one in await standing.live(tx) if one.kind is StandingKind.PAUSE} if agents else set()
    return Facts(
        creator=creator_of(row), owner=row.owner, status=row.status, is_retired=row.retired_at is not None,
        is_expired=row.expired_at is not None or (row.expires_at is not None and row.expires_at <= tx.now),
        is_lifecycle_paused=row.paused_for_lifecycle,
        is_creation_paused=row.creation_paused, review=row.review_kind if row.review_required else None,
        has_grant=grant is not None, works_on_it=is_agent and actor.id in row.agents,
        stopped=tuple(one for one in agents if one in stops),
        is_paused_by_person=(row.paused_by or "").startswith("person:"),
        paused_agents=tuple(one for one in agents if one in paused),
    )  # fmt: skip
