"""The trust graph as it is stored, and ways to read it, take it out and tamper with it."""

import json
from typing import Any

from sqlalchemy import select, text
from sqlmodel import col

from governance.trustgraph import chain_json
from scheduler.upkeep import seal_audit
from storage import audit
from storage.database import Database, Tx
from storage.tables import TrustRecord
from tests.conftest import NOON
from tests.integration.verbs import TENANT

Record = dict[str, Any]


async def graph(database: Database, tenant: str = TENANT) -> list[Record]:
    """Seal what is committed, and return the records of a tenant in the order of their chain."""
    await seal_audit(database)
    return [json.loads(one.record) for one in await stored(database, tenant)]


async def stored(database: Database, tenant: str = TENANT) -> list[TrustRecord]:
    async with database.read(tenant) as tx:
        query = select(TrustRecord).where(col(TrustRecord.tenant) == tenant).order_by(col(TrustRecord.chain_index))
        return list(await tx.session.scalars(query))


def brief(record: Record) -> tuple[str, str, str]:
    """A record in three words: outcome, tier as the agent has it, and what stopped it or let it run."""
    metadata = record["metadata"]
    return record["outcome"], metadata.get("tier", "-"), metadata["autonomy.enforcement"]


def exported(records: list[Record]) -> Record:
    """A chain document of some records."""
    root = records[-1]["entry_hash"] if records else None
    about = chain_json(len(records), root, verified=True, at=NOON, version="1")
    return {"schema": "opentrustgraph-chain/v0", "chain": about, "records": records}


async def write_history(database: Database, *entries: Record, tenant: str = TENANT) -> None:
    """Record audit entries as verbs would that write them: `kind`, `actor`, ids and `detail`."""

    async def run(tx: Tx) -> None:
        for entry in entries:
            said = {"agent_id": "deployer", "actor": "system", **entry}
            await audit.record(tx, said.pop("kind"), said.pop("actor"), **said)
            await tx.session.flush()

    await database.write(tenant, run)


async def disarm_graph(database: Database) -> None:
    """Take the guard off the trust graph, as somebody can who owns the database."""
    whens = ("update", "delete", "replace")
    statements = [f"DROP TRIGGER trust_records_{when}" for when in whens]
    if not database.is_sqlite:
        statements = ["ALTER TABLE trust_records DISABLE TRIGGER USER"]

    async def run(tx: Tx) -> None:
        for statement in statements:
            await tx.session.execute(text(statement))

    await database.write("", run)
