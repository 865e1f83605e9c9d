"""Reading the audit chain and the trust graph back and saying what is wrong with them."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from governance.chain import GENESIS, entry_mac, link
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
    elif link(seal.previous_hash, seal.chain_index, seal.entry_id, _chained(entry)) != seal.entry_hash:
        report.faults.append(f"{where}: the entry was changed after it was sealed")
    else:
        _check_mac(tx, report, entry, where)
    report.head = seal.entry_hash


async def _check_tail(tx: Tx, report: Report) -> None:
    """Entries without a seal are the young tail; one that the sequencer passed long ago was slipped in."""
    highest = await audit.highest_sealed_entry(tx)
    for entry in await audit.unsealed(tx):
        report.unsealed += 1
        _check_mac(tx, report, entry, f"unsealed entry {entry.id}")
        if entry.id is not None and entry.id < highest:
            report.faults.append(f"entry {entry.id}: it has no seal although later entries have one (inserted)")


def _check_mac(tx: Tx, report: Report, entry: AuditEntry, where: str) -> None:
    if tx.keys.audit_key is None or entry.mac is None:
        report.without_mac += 1
        if report.with_mac:  # once there is a key, no process starts without it
            report.faults.append(f"{where}: it carries no MAC although earlier entries do")
        return
    report.with_mac += 1
    if not hmac.compare_digest(entry_mac(tx.keys.audit_key, audit.content_of(entry)), entry.mac):
        report.faults.append(f"{where}: it was not written by this installation (its MAC is wrong)")


def _chained(entry: AuditEntry) -> dict[str, object]:
    return {**audit.content_of(entry), "mac": entry.mac}
