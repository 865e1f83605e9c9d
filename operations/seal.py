"""Numbering and chaining committed audit entries, with the trust records and webhooks they mean, off the hot path."""

from governance.chain import GENESIS, link
from operations.project import project
from operations.webhook_queue import queue_events
from storage import audit, sequence
from storage.database import Tx
from storage.tables import AuditEntry, AuditSeal

_BATCH = 500


async def seal_next(tx: Tx, *, wait: bool = False) -> int:
    """Seal the next batch of entries of every tenant, append what they mean to the trust graph, and owe it to webhooks;
    returns how many.

    One replica at a time: where another one is at it, this one leaves it to that, or waits for its turn.
    """
    place = await sequence.take_turn(tx, wait=wait)
    if place is None:
        return 0
    entries = await sequence.unnumbered(tx, place, _BATCH)
    if not entries and not place.gaps:
        return 0
    for tenant in dict.fromkeys(entry.tenant for entry in entries):
        tx.tenant = tenant
        await _extend_chain(tx, [entry for entry in entries if entry.tenant == tenant])
    sequence.advance(place, entries, tx.now)
    if entries:
        tx.announce("sealed")
    return len(entries)


async def _extend_chain(tx: Tx, entries: list[AuditEntry]) -> None:
    head = await audit.last_seal(tx)
    index, previous = (head.chain_index, head.entry_hash) if head else (0, GENESIS)
    page = list(enumerate(entries, index + 1))
    for index, entry in page:
        assert entry.id is not None
        sealed = link(previous, index, entry.id, {**audit.content_of(entry), "mac": entry.mac}, tx.keys.audit_key)
        tx.session.add(
            AuditSeal(tenant=tx.tenant, chain_index=index, entry_id=entry.id, previous_hash=previous, entry_hash=sealed)
        )
        previous = sealed
    await tx.session.flush()
    await project(tx, entries)
    await queue_events(tx, page)
