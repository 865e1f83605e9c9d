"""What every verb about automations leaves behind: an audit entry, and a word to the owner who did not do it."""

from collections.abc import Mapping

from governance.automations import Actor, ActorKind
from governance.canonical import Json
from operations.notify import say
from storage import audit
from storage.database import Tx
from storage.tables import Automation

#: What an agent may do again and again, without any quota.
_AT_WILL = frozenset({"automation_paused", "automation_resumed"})


async def note_down(
    tx: Tx, automation: Automation, actor: Actor, kind: str, detail: Mapping[str, Json] | None = None
) -> None:
    """Write what happened into the audit record."""
    agent = automation.creator_id if automation.creator_kind is ActorKind.AGENT else None
    await tx.session.flush()
    await audit.record(
        tx, kind, str(actor), agent_id=agent,
        detail={"automation": automation.id, "name": automation.name, **(detail or {})},
    )  # fmt: skip


async def tell_owner(tx: Tx, automation: Automation, actor: Actor, event: str, **told: str | None) -> None:
    """Owe the owner a direct message, unless the owner is who did it."""
    if actor.id == automation.owner:
        return
    by = {"by_person": actor.id} if actor.kind is ActorKind.HUMAN else {"by_agent": actor.id}
    words = {"automation": automation.name, "id": automation.id, **by, **told}
    often = automation.id if actor.kind is ActorKind.AGENT and event in _AT_WILL else None
    await say(tx, event, [automation.owner], {key: word for key, word in words.items() if word}, once_about=often)
