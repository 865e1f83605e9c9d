"""Writing audit entries, reading them back in order, and sealing them into the chain."""

import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from governance.canonical import Json, canonical
from governance.chain import NONCE_BYTES, entry_mac
from governance.story import Event, detail_of
from storage import homes
from storage.database import Tx
from storage.tables import AuditEntry, AuditSeal

_PAGE = 500

#: Kinds of what Home tabs show besides requests, rules and pauses, which say so themselves. A bar of spend may be a
#: little old: agents report more often than anybody looks.
_ON_HOMES = ("automation.", "grant.", "spend.", "limits.")
_TOO_OFTEN = "spend.reported"


async def record(
    tx: Tx,
    kind: str,
    actor: str,
    *,
    agent_id: str | None = None,
    proposal_id: str | None = None,
    request_id: str | None = None,
    execution_id: str | None = None,
    detail: Mapping[str, Json] | None = None,
) -> None:
    """Append one entry to this transaction: `kind` says what happened in the past tense, `actor` who did it.

    Actors are written `agent:<id>`, `person:<slack id>`, `operator:<name>`, `provisioner:<id>` or `system`.
    """
    entry = AuditEntry(
        tenant=tx.tenant, at=tx.now, kind=kind, actor=actor, agent_id=agent_id, proposal_id=proposal_id,
        request_id=request_id, execution_id=execution_id, detail=canonical(dict(detail or {})).decode(),
    )  # fmt: skip
    if tx.keys.audit_key is not None:
        entry.mac = entry_mac(tx.keys.audit_key, secrets.token_hex(NONCE_BYTES), content_of(entry))
    tx.session.add(entry)
    tx.announce("audit")
    if kind.startswith(_ON_HOMES) and kind != _TOO_OFTEN:
        homes.changed(tx)


def event_of(entry: AuditEntry) -> Event:
    """Return an audit entry as the rules read it."""
    assert entry.id is not None  # it is stored
    return Event(
        entry.id, entry.at, entry.kind, entry.actor, entry.agent_id, entry.proposal_id, entry.request_id,
        entry.execution_id, detail_of(entry.detail), keyed=entry.mac is not None,
    )  # fmt: skip


def content_of(entry: AuditEntry) -> dict[str, Any]:
    """Return what an entry says, as it is authenticated and chained."""
    return {
        "tenant": entry.tenant, "at": _moment(entry.at), "kind": entry.kind, "actor": entry.actor,
        "agent": entry.agent_id, "proposal": entry.proposal_id, "request": entry.request_id,
        "execution": entry.execution_id, "detail": entry.detail,
    }  # fmt: skip


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


async def last_seal(tx: Tx) -> AuditSeal | None:
    """Return the head of this tenant's chain."""
    query = select(AuditSeal).where(col(AuditSeal.tenant) == tx.tenant)
    return (await tx.session.scalars(query.order_by(col(AuditSeal.chain_index).desc()).limit(1))).first()


async def sealed_pages(tx: Tx) -> AsyncIterator[Sequence[tuple[AuditSeal, AuditEntry | None]]]:
    """Yield this tenant's seals in order, each with its entry or None where the entry is gone."""
    after = 0
    while True:
        query = (
            select(AuditSeal, AuditEntry)
            .join(AuditEntry, col(AuditEntry.id) == col(AuditSeal.entry_id), isouter=True)
            .where(col(AuditSeal.tenant) == tx.tenant, col(AuditSeal.chain_index) > after)
            .order_by(col(AuditSeal.chain_index))
            .limit(_PAGE)
        )
        page = [(seal, entry) for seal, entry in await tx.session.execute(query)]
        if not page:
            return
        yield page
        after = page[-1][0].chain_index
        tx.session.expunge_all()


async def sealed_after(tx: Tx, place: int, limit: int) -> list[tuple[AuditSeal, AuditEntry]]:
    """Return this tenant's sealed entries after a place of its chain, in order."""
    query = (
        select(AuditSeal, AuditEntry)
        .join(AuditEntry, col(AuditEntry.id) == col(AuditSeal.entry_id))
        .where(col(AuditSeal.tenant) == tx.tenant, col(AuditSeal.chain_index) > place)
        .order_by(col(AuditSeal.chain_index))
        .limit(limit)
    )
    return [(seal, entry) for seal, entry in await tx.session.execute(query)]


async def unsealed(tx: Tx) -> list[AuditEntry]:
    """Return this tenant's entries that no seal names, oldest first."""
    query = (
        select(AuditEntry)
        .join(AuditSeal, col(AuditSeal.entry_id) == col(AuditEntry.id), isouter=True)
        .where(col(AuditEntry.tenant) == tx.tenant, col(AuditSeal.entry_id).is_(None))
        .order_by(col(AuditEntry.id))
    )
    return list(await tx.session.scalars(query))


async def copies(tx: Tx) -> list[tuple[int, int]]:
    """Return entries that carry the MAC of an earlier entry of this tenant, each with that earlier one's id."""
    mine = (col(AuditEntry.tenant) == tx.tenant) & col(AuditEntry.mac).is_not(None)
    twice = select(col(AuditEntry.mac)).where(mine).group_by(col(AuditEntry.mac)).having(func.count() > 1)
    query = select(col(AuditEntry.id), col(AuditEntry.mac)).where(mine, col(AuditEntry.mac).in_(twice))
    first: dict[str | None, int] = {}
    found = [(id or 0, mac) for id, mac in await tx.session.execute(query.order_by(col(AuditEntry.id)))]
    return [(id, first[mac]) for id, mac in found if first.setdefault(mac, id) != id]


async def is_keyed(tx: Tx) -> bool:
    """Return whether any entry of any tenant carries a MAC."""
    query = select(col(AuditEntry.id)).where(col(AuditEntry.mac).is_not(None)).limit(1)
    return (await tx.session.scalar(query)) is not None


async def highest_entry(tx: Tx) -> int:
    """Return the largest entry id of any tenant."""
    return (await tx.session.scalar(select(func.max(col(AuditEntry.id))))) or 0


async def entries_of(tx: Tx, proposal_id: str) -> list[AuditEntry]:
    """Return what happened to one proposal, oldest first."""
    query = select(AuditEntry).where(col(AuditEntry.tenant) == tx.tenant, col(AuditEntry.proposal_id) == proposal_id)
    return list(await tx.session.scalars(query.order_by(col(AuditEntry.id))))


async def entries_about(tx: Tx, proposal_ids: Collection[str], kinds: Collection[str]) -> list[AuditEntry]:
    """Return the entries of some kinds about some proposals, oldest first."""
    if not proposal_ids:
        return []
    query = select(AuditEntry).where(
        col(AuditEntry.tenant) == tx.tenant,
        col(AuditEntry.proposal_id).in_(proposal_ids),
        col(AuditEntry.kind).in_(kinds),
    )
    return list(await tx.session.scalars(query.order_by(col(AuditEntry.id))))


async def highest_sealed_entry(tx: Tx) -> int:
    """Return the largest entry id that a seal of this tenant names."""
    query = select(func.max(col(AuditSeal.entry_id))).where(col(AuditSeal.tenant) == tx.tenant)
    return (await tx.session.scalar(query)) or 0
