"""Numbering and chaining committed audit entries and the trust records they mean, off the hot path."""

from governance.chain import GENESIS, link
from operations.project import project
from storage import audit, sequence
from storage.database import Tx
from storage.tables import AuditEntry, AuditSeal

_BATCH = 500


async def seal_next(tx: Tx, *, wait: bool = False) -> int:
    """Seal the next batch of entries of every tenant, and append what they mean to the trust graph; returns how many.

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
    for entry in entries:
        assert entry.id is not None
        index += 1
        sealed = link(previous, index, entry.id, {**audit.content_of(entry), "mac": entry.mac}, tx.keys.audit_key)
        tx.session.add(
            AuditSeal(tenant=tx.tenant, chain_index=index, entry_id=entry.id, previous_hash=previous, entry_hash=sealed)
        )
        previous = sealed
    await tx.session.flush()
    await project(tx, entries)
