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
    return tuple(dict.fromkeys((*_maker(row), *row.chain, *row.agents)))


def hands_of(row: Automation) -> tuple[str, ...]:
    """Return the agents whose stop or pause holds an automation: who made it and those it names. What holds an agent
    does not hold those below it."""
    return tuple(dict.fromkeys((*_maker(row), *row.agents)))


def _maker(row: Automation) -> tuple[str, ...]:
    return (row.creator_id,) if row.creator_kind is ActorKind.AGENT and row.creator_id is not None else ()


async def facts_of(tx: Tx, row: Automation, actor: Actor) -> Facts:
    """Return what decides about `actor` changing or starting an automation now.

    An agent that acts counts among its hands, so that none that is held sets another's work going.
    """
    is_agent = actor.kind is ActorKind.AGENT and actor.id is not None
    agents = tuple(dict.fromkeys((*hands_of(row), *([actor.id] if is_agent and actor.id else []))))
    grant = await grants.to_modify(tx, actor.id or "", row.id) if is_agent else None
    stops = {one.agent_id for one in await spend.holding(tx, agents)} if agents else set()
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
