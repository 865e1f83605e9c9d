"""Home tabs that people look at: which of them may have to change, and owing a look at them."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import JSON, CursorResult, Select, delete, exists, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.database import Tx
from storage.outbox import LEASE, Owed, Priority
from storage.tables import Home, OutboxMessage, OutboxStatus
from storage.tables.base import EnumText, UtcDateTime, new_id

LOOKED_AT_FOR = timedelta(days=7)  #: how long after it was opened a Home is kept up to date
_COLLECTS = timedelta(seconds=2)  #: changes within it are one look
_QUEUED = text(f"status = '{OutboxStatus.QUEUED.value}'")


def changed(tx: Tx) -> None:
    """Owe one look at the Homes of this tenant, once, right before this transaction commits.

    The one row that collects all changes is then locked for no longer than the commit takes, and whoever holds it
    waits for nobody. A look that was begun and put off begins anew. Where nobody has opened a Home lately nothing is
    owed.
    """
    tenant = tx.tenant

    async def owe(closing: Tx) -> None:
        await _owe(closing, tenant)

    tx.before_commit(f"homes:{tenant}", owe)


async def _owe(tx: Tx, tenant: str) -> None:
    dialect: Any = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    row = _look(tx, tenant)
    statement = dialect.insert(OutboxMessage).from_select(list(row.selected_columns.keys()), row)
    await tx.session.execute(
        statement.on_conflict_do_update(index_elements=["kind", "subject"], index_where=_QUEUED, set_={"certain": True})
    )


def _look(tx: Tx, tenant: str) -> Select[Any]:
    lately = exists().where(col(Home.tenant) == tenant, col(Home.opened_at) > tx.now - LOOKED_AT_FOR)
    values: dict[str, Any] = {
        "id": literal(new_id("out")), "tenant": literal(tenant), "kind": literal(Owed.HOMES.value),
        "subject": literal(tenant), "payload": literal({}, JSON()), "priority": literal(int(Priority.TRAIL)),
        "status": literal(OutboxStatus.QUEUED, EnumText(OutboxStatus)), "attempts": literal(0),
        "certain": literal(True), "created_at": literal(tx.now, UtcDateTime()),
        "next_attempt_at": literal(tx.now + _COLLECTS, UtcDateTime()),
    }  # fmt: skip
    return select(*(value.label(name) for name, value in values.items())).where(lately)


async def of(tx: Tx, person: str) -> Home | None:
    """Return a person's Home as it is stored now, None where they never opened one."""
    query = select(Home).where(col(Home.tenant) == tx.tenant, col(Home.person) == person)
    return (await tx.session.scalars(query.execution_options(populate_existing=True))).first()


async def mark(tx: Tx) -> None:
    """Note that every Home somebody looks at may have to change."""
    lately = col(Home.opened_at) > tx.now - LOOKED_AT_FOR
    await _update(tx, lately, desired=Home.desired + 1)


async def behind(tx: Tx, besides: Collection[str], limit: int) -> list[Home]:
    """Return Homes that may have to change, furthest behind first, without those of some people."""
    query = select(Home).where(
        col(Home.tenant) == tx.tenant, col(Home.opened_at) > tx.now - LOOKED_AT_FOR,
        col(Home.desired) > col(Home.rendered),
    )  # fmt: skip
    if besides:
        query = query.where(col(Home.person).not_in(list(besides)))
    query = query.order_by((col(Home.desired) - col(Home.rendered)).desc(), col(Home.drawn_at), col(Home.person))
    return list(await tx.session.scalars(query.limit(limit)))


async def add(tx: Tx, person: str) -> None:
    """Note that somebody opens their Home."""
    dialect: Any = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    row = Home(tenant=tx.tenant, person=person, opened_at=tx.now).model_dump()
    statement = dialect.insert(Home).values(**row)
    set_ = {"opened_at": tx.now, "desired": Home.desired + 1}
    await tx.session.execute(statement.on_conflict_do_update(index_elements=["tenant", "person"], set_=set_))


async def seize(tx: Tx, person: str) -> bool:
    """Claim a Home for drawing; False where another hand draws it, or there is none."""
    is_free = col(Home.busy_until).is_(None) | (col(Home.busy_until) < tx.now)
    return await _update(tx, (col(Home.person) == person) & is_free, busy_until=tx.now + LEASE) == 1


async def change(tx: Tx, person: str, **values: Any) -> None:
    """Record what became of one Home."""
    await _update(tx, col(Home.person) == person, **values)


async def seen(tx: Tx, person: str, revision: int) -> None:
    """Note that a Home has been looked at for all changes up to a revision, and shows what it should."""
    await _update(tx, (col(Home.person) == person) & (col(Home.rendered) < revision), rendered=revision)


async def forget(tx: Tx, person: str) -> None:
    """Keep the Home of this person up to date no longer."""
    await tx.session.execute(delete(Home).where(col(Home.tenant) == tx.tenant, col(Home.person) == person))


async def _update(tx: Tx, where: Any, **values: Any) -> int:
    statement = update(Home).where(col(Home.tenant) == tx.tenant, where).values(**values)
    done = await tx.session.execute(statement.execution_options(synchronize_session=False))
    return cast(CursorResult[Any], done).rowcount
