"""Holding the trust graph against the audit record: every record hashes, links, and says what its entry says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.canonical import Json
from governance.story import detail_of
from governance.trust import Draft
from governance.trust_verify import hash_faults, link_faults
from operations.project import corrected_ids, drafts_of
from storage import trust
from storage.database import Tx
from storage.tables import AuditEntry, AuditSeal, TrustRecord


@dataclass(slots=True)
class TrustWalk:
    """How far the trust chain has been walked, along the seals it was projected from."""

    checked: int = 0
    head: str | None = None
    faults: list[str] = field(default_factory=list)

    async def follow(self, tx: Tx, page: Sequence[tuple[AuditSeal, AuditEntry | None]]) -> None:
        """Check the records of one page of seals; what an entry means is derived again and compared."""
        drafts = await drafts_of(tx, [entry for _, entry in page if entry is not None])
        records = await trust.of_entries(tx, [seal.entry_id for seal, _ in page])
        ids = await corrected_ids(tx, drafts.values())
        for seal, entry in page:
            record, draft = records.get(seal.entry_id), drafts.get(seal.entry_id)
            if record is None and draft is not None:
                self.faults.append(f"entry {seal.entry_id}: its trust record is missing")
            elif record is not None:
                self._check(record)
                if entry is not None:
                    self._compare(tx, record, draft, ids)

    async def finish(self, tx: Tx) -> None:
        """Name the records that no sealed entry stands behind."""
        for index in await trust.without_seal(tx):
            self.faults.append(f"trust record {index}: no sealed entry stands behind it (inserted)")

    def _check(self, record: TrustRecord) -> None:
        said, name = detail_of(record.record), f"trust record {record.chain_index}"
        self.checked += 1
        if record.chain_index != self.checked or said.get("chain_index") != record.chain_index:
            self.faults.append(f"{name}: expected chain_index {self.checked} here")
            self.checked = record.chain_index
        self.faults += [f"{name}: {fault}" for fault in hash_faults(said)]
        self.faults += [f"{name}: {fault}" for fault in link_faults(said, self.head)]
        if (said.get("entry_hash"), said.get("record_id")) != (record.entry_hash, record.record_id):
            self.faults.append(f"{name}: its columns are not what it says")
        self.head = record.entry_hash

    def _compare(self, tx: Tx, record: TrustRecord, draft: Draft | None, ids: dict[int | None, str]) -> None:
        name = f"trust record {record.chain_index}"
        if draft is None:
            self.faults.append(f"{name}: entry {record.entry_id} means nothing of the kind")
            return
        said = detail_of(record.record)
        body = draft.body(ids.get(draft.corrects))
        blind = tx.keys.audit_key is None
        if any(not _same(said.get(key), value, blind) for key, value in body.items()):
            self.faults.append(f"{name}: it does not say what entry {record.entry_id} says")
        if _columns(record) != _columns_of(draft):
            self.faults.append(f"{name}: its columns are not what it says")


def _same(found: Json, expected: Json, blind: bool) -> bool:
    """Whether two values agree; `blind`, without the key, receipts under it cannot be made again."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = found.keys() - {"signature"} if blind else found.keys()
        others = expected.keys() - {"signature"} if blind else expected.keys()
        return keys == others and all(_same(found[key], expected[key], blind) for key in keys)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(lambda a, b: _same(a, b, blind), found, expected))
    return bool(found == expected)


def _columns(record: TrustRecord) -> tuple[object, ...]:
    return (record.agent_id, record.action, record.outcome, record.tier, record.trace_id, record.proposal_id, record.at)


def _columns_of(draft: Draft) -> tuple[object, ...]:
    return (
        draft.agent, draft.action, draft.outcome, draft.column_tier, draft.trace_id, draft.proposal_id, draft.at
    )  # fmt: skip
