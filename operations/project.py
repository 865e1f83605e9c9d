"""Projecting the audit record into the trust graph: what the sealer appends for the entries it seals."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from governance.receipts import RuleFacts
from governance.story import OPENINGS, STORY_KINDS, Event
from governance.trust import Draft, means_record, record_of
from governance.trustgraph import linked, written
from storage import audit, grants, trust
from storage.database import Tx
from storage.tables import AuditEntry, TrustRecord
from storage.tables.base import new_id


async def project(tx: Tx, entries: Sequence[AuditEntry]) -> None:
    """Append one trust record for every entry of this tenant that means one, in the order given."""
    drafts = await drafts_of(tx, entries)
    if not drafts:
        return
    head = await trust.last(tx)
    index, previous = (head.chain_index, head.entry_hash) if head else (0, None)
    ids = await corrected_ids(tx, drafts.values())
    for entry_id, draft in drafts.items():
        index += 1
        row = _row(tx, entry_id, draft, linked(draft.body(ids.get(draft.corrects)), new_id("trr"), index, previous))
        ids[entry_id], previous = row.record_id, row.entry_hash
        tx.session.add(row)
    await tx.session.flush()


async def drafts_of(tx: Tx, entries: Iterable[AuditEntry]) -> dict[int, Draft]:
    """Derive the records that some audit entries mean, by entry. The same entries always give the same drafts."""
    telling = [event for event in map(audit.event_of, entries) if means_record(event)]
    stories = await _stories(tx, telling)
    named = {one.text("rule_id") for story in stories.values() for one in story if one.kind in OPENINGS}
    facts = await _facts(tx, {*named, *(event.text("rule_id") for event in telling)})
    drafts = ((one.id, record_of(one, stories[one.proposal_id or ""], facts, tx.keys.audit_key)) for one in telling)
    return {entry_id: draft for entry_id, draft in drafts if draft is not None}


async def corrected_ids(tx: Tx, drafts: Iterable[Draft]) -> dict[int | None, str]:
    """Return the ids of the stored records that some drafts replace, by audit entry."""
    wanted = [draft.corrects for draft in drafts if draft.corrects is not None]
    found = await trust.of_entries(tx, wanted) if wanted else {}
    return {entry_id: record.record_id for entry_id, record in found.items()}


async def _stories(tx: Tx, telling: Sequence[Event]) -> dict[str, list[Event]]:
    """Return the earlier entries of the proposals that need them; what ends as it opens tells all by itself."""
    wanted = {one.proposal_id for one in telling if one.proposal_id and one.kind not in OPENINGS}
    stories: dict[str, list[Event]] = defaultdict(list)
    for entry in await audit.entries_about(tx, wanted, STORY_KINDS):
        stories[entry.proposal_id or ""].append(audit.event_of(entry))
    return stories


async def _facts(tx: Tx, rule_ids: set[str | None]) -> dict[str, RuleFacts]:
    wanted = {one for one in rule_ids if one}
    found = await trust.rules_named(tx, wanted) if wanted else []
    told = {one.id: RuleFacts(one.id, tuple(one.authors), one.created_at, one.request_id) for one in found}
    given = await grants.named(tx, wanted - told.keys())
    by = await grants.approvers(tx, given)
    return told | {
        one.id: RuleFacts(one.id, by.get(one.request_id or "", ()), one.created_at, one.request_id) for one in given
    }


def _row(tx: Tx, entry_id: int, draft: Draft, record: dict[str, Any]) -> TrustRecord:
    return TrustRecord(
        tenant=tx.tenant,
        chain_index=record["chain_index"],
        record_id=record["record_id"],
        entry_id=entry_id,
        agent_id=draft.agent,
        action=draft.action,
        outcome=draft.outcome.value,
        tier=draft.column_tier,
        trace_id=draft.trace_id,
        proposal_id=draft.proposal_id,
        at=draft.at,
        record=written(record),
        entry_hash=record["entry_hash"],
    )
