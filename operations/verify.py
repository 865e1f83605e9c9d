"""Reading the audit chain and the trust graph back and saying what is wrong with them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from governance.chain import GENESIS, is_authentic, link
from operations.verify_trust import TrustWalk
from storage import audit
from storage.database import Tx
from storage.tables import AuditEntry, AuditSeal


@dataclass(slots=True)
class Report:
    """What a verification found. `faults` are sentences; `unsealed` counts the tail that is not chained yet."""

    checked: int = 0
    unsealed: int = 0
    with_mac: int = 0
    without_mac: int = 0
    head: str = GENESIS
    trust_records: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


async def verify(
    tx: Tx, expected_head: tuple[int, str] | None = None, progress: Callable[[int], None] | None = None
) -> Report:
    """Walk this tenant's chain: changed, missing, inserted and reordered rows are named, trust records included.

    `expected_head` is a chain index and hash kept outside the database; only it proves the tail.
    """
    report, walk = Report(), TrustWalk()
    async for page in audit.sealed_pages(tx):
        for seal, entry in page:
            _check(tx, report, seal, entry)
            if expected_head and seal.chain_index == expected_head[0] and seal.entry_hash != expected_head[1]:
                report.faults.append(f"seal {seal.chain_index}: its hash is not the one that was sent out")
        await walk.follow(tx, page)
        if progress:
            progress(report.checked)
    if expected_head and report.checked < expected_head[0]:
        report.faults.append(f"the chain ends at {report.checked}, but {expected_head[0]} seals were sent out")
    await _check_tail(tx, report)
    for copy, original in await audit.copies(tx):
        report.faults.append(f"entry {copy}: it is a copy of entry {original}")
    await walk.finish(tx)
    report.trust_records = walk.checked
    report.faults += walk.faults
    return report


def _check(tx: Tx, report: Report, seal: AuditSeal, entry: AuditEntry | None) -> None:
    report.checked += 1
    where = f"seal {seal.chain_index} (entry {seal.entry_id})"
    if seal.chain_index != report.checked:
        report.faults.append(f"{where}: {seal.chain_index - report.checked} seals are missing before it")
        report.checked = seal.chain_index
    elif seal.previous_hash != report.head:
        report.faults.append(f"{where}: it does not follow the seal before it (reordered or replaced)")
    if entry is None:
        report.faults.append(f"{where}: the entry is missing")
    elif not _fits(tx, seal, entry):
        report.faults.append(f"{where}: the entry was changed after it was sealed")
    else:
        _check_mac(tx, report, entry, where)
    report.head = seal.entry_hash


def _fits(tx: Tx, seal: AuditSeal, entry: AuditEntry) -> bool:
    """Return whether a seal is the one its entry was given; only entries older than the key may have a plain one."""
    content = {**audit.content_of(entry), "mac": entry.mac}
    keys = [tx.keys.audit_key, None] if seal.entry_id <= tx.keys.keyless_until else [tx.keys.audit_key]
    place = seal.previous_hash, seal.chain_index, seal.entry_id
    return any(link(*place, content, key) == seal.entry_hash for key in keys)


async def _check_tail(tx: Tx, report: Report) -> None:
    """Entries without a seal are the young tail; one that the sequencer passed long ago was slipped in."""
    highest = await audit.highest_sealed_entry(tx)
    for entry in await audit.unsealed(tx):
        report.unsealed += 1
        _check_mac(tx, report, entry, f"unsealed entry {entry.id}")
        if entry.id is not None and entry.id < highest:
            report.faults.append(f"entry {entry.id}: it has no seal although later entries have one (inserted)")


def _check_mac(tx: Tx, report: Report, entry: AuditEntry, where: str) -> None:
    if entry.mac is None:
        report.without_mac += 1
        if tx.keys.audit_key is not None and (entry.id or 0) > tx.keys.keyless_until:
            report.faults.append(f"{where}: it carries no MAC although it was written after the key was set")
        return
    report.with_mac += 1
    if tx.keys.audit_key is None or not is_authentic(tx.keys.audit_key, entry.mac, audit.content_of(entry)):
        report.faults.append(f"{where}: it was not written by this installation (its MAC is wrong)")
