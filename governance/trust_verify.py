"""Verifying an OpenTrustGraph chain export, in the order the format prescribes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from governance.canonical import Json
from governance.lineage import lineage_faults
from governance.trust_shape import chain_faults, is_moment, is_text, is_whole, record_faults
from governance.trustgraph import LINEAGE_SCHEMA, RECORD_SCHEMA, entry_hash

Record = Mapping[str, Json]
_KNOWN = (RECORD_SCHEMA, LINEAGE_SCHEMA)


@dataclass(slots=True)
class ChainReport:
    """What a verification found. `faults` reject the chain; `warnings` do not."""

    total: int = 0
    root_hash: str | None = None
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing rejects the chain."""
        return not self.faults


def verify_export(document: Json) -> ChainReport:
    """Check a parsed export: chain shape, record shapes, entry hashes, previous links, continuity, total and root,
    approval evidence, lineage. Records of an unknown schema version are warned of and skipped."""
    report = ChainReport(faults=[f"chain: {fault}" for fault in chain_faults(document)])
    if not isinstance(document, dict) or not isinstance(document.get("records"), list):
        return report
    records = document["records"]
    report.total = len(records)
    report.root_hash = _text(records[-1], "entry_hash") if records else None
    known = _sort_out(report, records)
    _check_shapes(report, known)
    report.faults += [f"{_name(n)}: {fault}" for n, one in known.items() for fault in hash_faults(one)]
    _check_links(report, records, known)
    _check_order(report, known)
    _check_summary(report, document.get("chain"))
    for n, one in known.items():
        report.faults += [f"{_name(n)}: {fault}" for fault in evidence_faults(one)]
        report.warnings += [f"{_name(n)}: {warning}" for warning in evidence_warnings(one)]
    _check_lineage(report, known)
    _check_verdict(report, document.get("chain"))
    return report


def _sort_out(report: ChainReport, records: list[Json]) -> dict[int, Record]:
    """Return the records that can be judged, by their position from 1."""
    known: dict[int, Record] = {}
    for n, record in enumerate(records, 1):
        if not isinstance(record, dict):
            report.faults.append(f"{_name(n)}: it is no object")
        elif isinstance(record.get("schema"), str) and record["schema"] not in _KNOWN:
            report.warnings.append(f"{_name(n)}: unknown schema version {record['schema'][:80]!r}, skipped")
        else:
            known[n] = record
    return known


def _check_shapes(report: ChainReport, known: dict[int, Record]) -> None:
    seen: dict[str, int] = {}
    for n, record in known.items():
        if not isinstance(record.get("schema"), str):
            report.faults.append(f"{_name(n)}: schema is missing")
        report.faults += [f"{_name(n)}: {fault}" for fault in record_faults(record)]
        first = seen.setdefault(_text(record, "record_id") or f"\0{n}", n)
        if first != n:
            report.faults.append(f"{_name(n)}: record_id is that of {_name(first)}")


def hash_faults(record: Record) -> list[str]:
    """Return the fault of a record that says something else than was hashed."""
    try:
        hashed = entry_hash(record)
    except ValueError as error:  # NaN, or half of a surrogate pair
        return [f"it cannot be hashed ({type(error).__name__})"]
    return [] if hashed == record.get("entry_hash") else ["entry_hash mismatch: it was changed after it was hashed"]


def link_faults(record: Record, previous_hash: str | None) -> list[str]:
    """Return the fault of a record that does not follow the one before it."""
    if record.get("previous_hash") == previous_hash:
        return []
    return ["previous_hash mismatch: it does not follow the record before it"]


def _check_links(report: ChainReport, records: list[Json], known: dict[int, Record]) -> None:
    for n, record in known.items():
        previous = _text(records[n - 2], "entry_hash") if n > 1 else None
        report.faults += [f"{_name(n)}: {fault}" for fault in link_faults(record, previous)]


def _check_order(report: ChainReport, known: dict[int, Record]) -> None:
    for n, record in known.items():
        if record.get("chain_index") != n:
            report.faults.append(f"{_name(n)}: expected chain_index {n}, found {str(record.get('chain_index'))[:20]}")


def _check_summary(report: ChainReport, chain: Json) -> None:
    if not isinstance(chain, dict):
        return
    if chain.get("total") != report.total:
        report.faults.append(f"chain: total says {str(chain.get('total'))[:20]}, but there are {report.total} records")
    if chain.get("root_hash") != report.root_hash:
        report.faults.append("chain: root_hash mismatch: it is not the last record's entry_hash")


def _check_lineage(report: ChainReport, known: dict[int, Record]) -> None:
    earlier: dict[str, Record] = {}
    for n, record in known.items():
        report.faults += [f"{_name(n)}: {fault}" for fault in lineage_faults(record, earlier)]
        earlier[_text(record, "record_id") or ""] = record


def _check_verdict(report: ChainReport, chain: Json) -> None:
    """The producer's own verdict must be the one found here."""
    if isinstance(chain, dict) and chain.get("verified") is False and report.sound:
        report.faults.append("chain: verified is false, although nothing else is wrong")
    elif isinstance(chain, dict) and chain.get("verified") is True and not report.sound:
        report.faults.append("chain: verified is true, although it does not verify")


def _claimed_approval(record: Record) -> dict[str, Json] | None:
    """Return the approval a success at act_with_approval claims, or None."""
    if (record.get("outcome"), record.get("autonomy_tier")) != ("success", "act_with_approval"):
        return None
    metadata = record.get("metadata")
    approval = metadata.get("approval") if isinstance(metadata, dict) else None
    return approval if isinstance(approval, dict) and approval.get("required") is True else None


def evidence_faults(record: Record) -> list[str]:
    """Return what is missing from the evidence of an approval that was required."""
    approval = _claimed_approval(record)
    if approval is None:
        return []
    faults = [] if is_text(record.get("approver")) else ["approval required: no approver is named"]
    if not is_whole(approval.get("quorum"), 1):
        faults.append("approval required: quorum must be a whole number from 1")
    signatures = approval.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        return [*faults, "approval required: there are no signatures"]
    bad = [n for n, one in enumerate(signatures, 1) if not _is_signature(one)]
    return [*faults, *(f"approval required: signature {n} lacks reviewer, signed_at or signature" for n in bad)]


def _is_signature(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and is_text(value.get("reviewer"))
        and is_moment(value.get("signed_at"))
        and is_text(value.get("signature"))
    )


def evidence_warnings(record: Record) -> list[str]:
    """Return what the format allows and a reader should know: fewer people signed than the quorum asks for."""
    approval = _claimed_approval(record)
    if approval is None or evidence_faults(record):
        return []
    people = {one["reviewer"] for one in approval["signatures"]}
    if len(people) >= approval["quorum"]:
        return []
    return [f"{len(people)} of the {approval['quorum']} reviewers it needed have signed"]


def _text(record: Json, key: str) -> str | None:
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, str) else None


def _name(position: int) -> str:
    return f"record {position}"
