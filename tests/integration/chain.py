"""Writing, sealing, reading and tampering with the audit record."""

from typing import Any

from sqlalchemy import select, text
from sqlmodel import col

from governance.chain import GENESIS, link
from operations.verify import Report, verify
from scheduler.upkeep import seal_audit
from storage import audit
from storage.database import Database, Tx
from storage.tables import AuditEntry, AuditSeal
from tests.integration.verbs import TENANT

_TRIGGERS = [
    f"{table}_{when}" for table in ("audit_entries", "audit_seals") for when in ("update", "delete", "replace")
]


async def write_down(database: Database, *kinds: str, tenant: str = TENANT) -> None:
    """Record one entry of each kind, in one transaction."""

    async def run(tx: Tx) -> None:
        for kind in kinds:
            await audit.record(tx, kind, "system", agent_id="deployer", proposal_id="prp_1", detail={"n": kind})
            await tx.session.flush()

    await database.write(tenant, run)


async def sealed(database: Database, count: int = 5) -> None:
    """Have so many entries, all of them sealed."""
    await write_down(database, *(f"thing.{n}" for n in range(1, count + 1)))
    await seal_audit(database)


async def check(database: Database, head: tuple[int, str] | None = None, tenant: str = TENANT) -> Report:
    """Verify the chain of a tenant."""
    async with database.read(tenant) as tx:
        return await verify(tx, head)


async def seals(database: Database, tenant: str = TENANT) -> list[AuditSeal]:
    """The seals of a tenant, in their order."""
    async with database.read(tenant) as tx:
        query = select(AuditSeal).where(col(AuditSeal.tenant) == tenant).order_by(col(AuditSeal.chain_index))
        return list(await tx.session.scalars(query))


async def disarm(database: Database) -> None:
    """Take the guard off the record, as somebody can who owns the database."""
    statements = [f"DROP TRIGGER {name}" for name in _TRIGGERS]
    if not database.is_sqlite:
        statements = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("audit_entries", "audit_seals")]

    async def run(tx: Tx) -> None:
        for statement in statements:
            await tx.session.execute(text(statement))

    await database.write("", run)


async def rehash(database: Database) -> None:
    """Compute every seal anew, as somebody would who knows the hash but not the key of the MACs."""

    async def run(tx: Tx) -> None:
        previous = GENESIS
        async for page in audit.sealed_pages(tx):
            for seal, entry in page:
                assert entry is not None
                content: dict[str, Any] = {**audit.content_of(entry), "mac": entry.mac}
                hashed = link(previous, seal.chain_index, seal.entry_id, content)
                await tx.session.execute(
                    text(
                        "UPDATE audit_seals SET previous_hash = :before, entry_hash = :after WHERE chain_index = :index"
                    ),
                    {"before": previous, "after": hashed, "index": seal.chain_index},
                )
                previous = hashed

    await database.write(TENANT, run)


__all__ = ["AuditEntry", "check", "disarm", "rehash", "sealed", "seals", "write_down"]
