"""Appending trust records and reading them back, always by their place in the chain, never by a clock."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlmodel import col

from governance.tiers import Tier
from governance.trust_score import Latest, Tally
from governance.trustgraph import TrustOutcome
from storage.database import Tx
from storage.tables import AuditSeal, Rule, TrustRecord

_PAGE = 500
_CONTROL = ("trust.promote", "trust.demote")
_RAN = (TrustOutcome.SUCCESS, TrustOutcome.FAILURE)
#: As it stands in the stored text; inside a JSON string the quotes would be escaped, so nothing else matches.
_BY_PEOPLE = '"autonomy.enforcement":"approval_denied"'
_CORRECTS = '"corrects":"'
_TARGET = '"target":"'


@dataclass(frozen=True, slots=True)
class TrustQuery:
    """Which records are asked for. All conditions hold together; `since` and `until` include their moment."""

    agent: str | None = None
    action: str | None = None
    outcome: TrustOutcome | None = None
    tier: Tier | None = None
    since: datetime | None = None
    until: datetime | None = None


async def last(tx: Tx) -> TrustRecord | None:
    """Return the newest record of this tenant."""
    query = select(TrustRecord).where(_mine(tx)).order_by(col(TrustRecord.chain_index).desc()).limit(1)
    return (await tx.session.scalars(query)).first()


async def of_entries(tx: Tx, entry_ids: Iterable[int]) -> dict[int, TrustRecord]:
    """Return the records made of these audit entries, by entry."""
    query = select(TrustRecord).where(_mine(tx), col(TrustRecord.entry_id).in_(list(entry_ids)))
    return {record.entry_id: record for record in await tx.session.scalars(query)}


async def page(tx: Tx, asked: TrustQuery, *, before: int | None, limit: int) -> list[TrustRecord]:
    """Return the newest `limit` records before a place in the chain, in the order of the chain."""
    query = select(TrustRecord).where(_mine(tx), *_conditions(asked))
    if before is not None:
        query = query.where(col(TrustRecord.chain_index) < before)
    found = await tx.session.scalars(query.order_by(col(TrustRecord.chain_index).desc()).limit(limit))
    return list(found)[::-1]


def _conditions(asked: TrustQuery) -> list[ColumnElement[bool]]:
    equal = {
        TrustRecord.agent_id: asked.agent, TrustRecord.action: asked.action, TrustRecord.outcome: asked.outcome,
        TrustRecord.tier: asked.tier,
    }  # fmt: skip
    found = [col(column) == value for column, value in equal.items() if value is not None]
    if asked.since is not None:
        found.append(col(TrustRecord.at) >= asked.since)
    if asked.until is not None:
        found.append(col(TrustRecord.at) <= asked.until)
    return found


async def every_page(tx: Tx) -> AsyncIterator[Sequence[TrustRecord]]:
    """Yield all records of this tenant in the order of the chain."""
    after = 0
    while True:
        query = select(TrustRecord).where(_mine(tx), col(TrustRecord.chain_index) > after)
        found = list(await tx.session.scalars(query.order_by(col(TrustRecord.chain_index)).limit(_PAGE)))
        if not found:
            return
        yield found
        after = found[-1].chain_index
        tx.session.expunge_all()


async def without_seal(tx: Tx) -> list[int]:
    """Return the places of records whose audit entry has no seal."""
    seal = and_(col(AuditSeal.entry_id) == col(TrustRecord.entry_id), col(AuditSeal.tenant) == col(TrustRecord.tenant))
    query = select(col(TrustRecord.chain_index)).join(AuditSeal, seal, isouter=True)
    query = query.where(_mine(tx), col(AuditSeal.entry_id).is_(None)).order_by(col(TrustRecord.chain_index))
    return list(await tx.session.scalars(query))


async def rules_named(tx: Tx, ids: Iterable[str]) -> list[Rule]:
    """Return the rules under these ids, live or ended; a record names their authors."""
    query = select(Rule).where(col(Rule.tenant) == tx.tenant, col(Rule.id).in_(list(ids)))
    return list(await tx.session.scalars(query))


async def tallies(tx: Tx, agent: str) -> list[Tally]:
    """Count an agent's records of each kind."""
    records = select(
        col(TrustRecord.outcome), col(TrustRecord.tier),
        _says(_BY_PEOPLE).label("people"), _says(_CORRECTS).label("corrects"),
        col(TrustRecord.action).in_(_CONTROL).label("control"),
    ).where(_mine(tx), col(TrustRecord.agent_id) == agent).subquery()  # fmt: skip
    counted = select(*records.c, func.count().label("number")).group_by(*records.c)
    return [
        Tally(TrustOutcome(row.outcome), row.tier, row.number, bool(row.people), bool(row.corrects), bool(row.control))
        for row in await tx.session.execute(counted)
    ]


async def latest(tx: Tx, agent: str, *, ran: bool = False) -> Latest | None:
    """Return how and when an agent's newest call ended; with `ran`, its newest call that ran."""
    query = _of_agent(tx, agent).where(col(TrustRecord.action).not_in(_CONTROL))
    if ran:
        query = query.where(col(TrustRecord.outcome).in_(_RAN))
    found = (await tx.session.scalars(query)).first()
    return Latest(TrustOutcome(found.outcome), found.at) if found else None


async def tier_given(tx: Tx, agent: str) -> Tier | None:
    """Return the tier of the newest promotion or demotion of the whole agent, by its place in the chain."""
    query = _of_agent(tx, agent).where(
        col(TrustRecord.action).in_(_CONTROL),
        col(TrustRecord.outcome) == TrustOutcome.SUCCESS,
        ~_says(_TARGET),
    )
    found = (await tx.session.scalars(query)).first()
    return found.tier if found else None


def _says(text: str) -> ColumnElement[bool]:
    return col(TrustRecord.record).contains(text, autoescape=True)


def _of_agent(tx: Tx, agent: str) -> Select[Any]:
    query = select(TrustRecord).where(_mine(tx), col(TrustRecord.agent_id) == agent)
    return query.order_by(col(TrustRecord.chain_index).desc()).limit(1)


def _mine(tx: Tx) -> ColumnElement[bool]:
    return col(TrustRecord.tenant) == tx.tenant
