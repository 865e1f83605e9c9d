"""Queries and guarded changes of remembered rules."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Select, select, update
from sqlmodel import col

from governance.prefixes import patterns_for
from governance.rules import Remembered
from storage.database import Tx
from storage.tables import Rule


async def about(tx: Tx, agent_id: str, tool: str) -> list[Rule]:
    """Return the live rules that may answer a call of this agent to this tool, newest first."""
    query = select(Rule).where(
        col(Rule.tenant) == tx.tenant, col(Rule.agent_id) == agent_id, col(Rule.ended_at).is_(None),
        col(Rule.tool).in_(list(patterns_for(tool))),
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(Rule.id).desc())))


def as_remembered(rule: Rule) -> Remembered:
    """Return a rule as the gates see it."""
    return Remembered(
        id=rule.id, effect=rule.effect, tool=rule.tool, pattern=json.loads(rule.pattern), authors=tuple(rule.authors),
        session_id=rule.session_id or None, tool_version=rule.tool_version, expires_at=rule.expires_at,
        max_uses=rule.max_uses, uses=rule.uses, was_asked=rule.request_id is not None,
    )  # fmt: skip


async def use(tx: Tx, rule_id: str) -> bool:
    """Count one use of a rule; False where it has ended, lapsed or been used up meanwhile."""
    uses_left = col(Rule.max_uses).is_(None) | (col(Rule.uses) < col(Rule.max_uses))
    in_time = col(Rule.expires_at).is_(None) | (col(Rule.expires_at) > tx.now)
    statement = (
        update(Rule)
        .where(
            col(Rule.id) == rule_id, col(Rule.tenant) == tx.tenant, col(Rule.ended_at).is_(None), uses_left, in_time,
        )
        .values(uses=Rule.uses + 1, last_used_at=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def is_live(tx: Tx, rule_id: str) -> bool:
    """Whether a rule still stands; using up its last use does not take that use back."""
    found = await tx.get(Rule, rule_id)
    return found is not None and found.ended_at is None and (found.expires_at is None or found.expires_at > tx.now)


async def end(tx: Tx, rule_id: str, by: str, why: str) -> bool:
    """End a live rule; False where there is none under this id."""
    statement = (
        update(Rule)
        .where(col(Rule.id) == rule_id, col(Rule.tenant) == tx.tenant, col(Rule.ended_at).is_(None))
        .values(ended_at=tx.now, ended_by=by, ended_why=why)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def end_same(tx: Tx, rule: Rule) -> list[str]:
    """End the live rule that a new one replaces: same agent, tool, pattern and scope. Returns its id in a list."""
    statement = (
        update(Rule)
        .where(
            col(Rule.tenant) == tx.tenant, col(Rule.agent_id) == rule.agent_id, col(Rule.tool) == rule.tool,
            col(Rule.pattern_hash) == rule.pattern_hash, col(Rule.scope) == rule.scope,
            col(Rule.session_id) == rule.session_id, col(Rule.ended_at).is_(None),
        )
        .values(ended_at=tx.now, ended_by=rule.authors[0], ended_why="replaced by a newer rule")
        .returning(col(Rule.id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return list(await tx.session.scalars(statement))


async def page(
    tx: Tx, *, agent_id: str | None, live_only: bool, before: tuple[datetime, str] | None, limit: int
) -> Sequence[Rule]:
    """Return rules newest first: of one agent or of all, before a place in the list."""
    query: Select[Any] = select(Rule).where(col(Rule.tenant) == tx.tenant)
    if agent_id is not None:
        query = query.where(col(Rule.agent_id) == agent_id)
    if live_only:
        in_time = col(Rule.expires_at).is_(None) | (col(Rule.expires_at) > tx.now)
        query = query.where(col(Rule.ended_at).is_(None), in_time)
    if before is not None:
        at, rule_id = before
        query = query.where((col(Rule.created_at) < at) | ((col(Rule.created_at) == at) & (col(Rule.id) < rule_id)))
    return list(await tx.session.scalars(query.order_by(col(Rule.created_at).desc(), col(Rule.id).desc()).limit(limit)))


async def due_for_review(tx: Tx, limit: int) -> list[Rule]:
    """Return live rules of every tenant whose authors should look at them again."""
    query = select(Rule).where(col(Rule.ended_at).is_(None), col(Rule.nudge_at) <= tx.now)
    return list(await tx.session.scalars(query.order_by(col(Rule.nudge_at)).limit(limit)))
