"""Writing the audit record or the trust graph out, a page at a time."""

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import click

from governance.story import detail_of
from governance.trust_verify import evidence_faults, hash_faults, link_faults
from governance.trustgraph import CHAIN_SCHEMA, chain_json
from scheduler.upkeep import seal_for_reader
from storage import audit, trust
from storage.database import Database, Tx
from storage.tables import AuditEntry, AuditSeal


@dataclass(slots=True)
class Exported:
    """How much was written, and whether the trust chain verified on its way out."""

    what: str
    written: int = 0
    sound: bool = True


async def export(database: Database, tenant: str, form: str, output: Path | None) -> Exported:
    """Write one tenant's record in one format to a file, or to standard output."""
    await seal_for_reader(database)
    with _opened(output) as out:
        async with database.read(tenant) as tx:
            return await (_trust_chain(tx, out) if form == "opentrustgraph" else _entries(tx, out))


async def _entries(tx: Tx, out: TextIO) -> Exported:
    told = Exported("audit entries")
    async for page in audit.sealed_pages(tx):
        for seal, entry in page:
            print(_compact(_sealed(seal, entry)), file=out)
        told.written += len(page)
        _progress(told)
    return _done(told)


def _sealed(seal: AuditSeal, entry: AuditEntry | None) -> dict[str, Any]:
    """Return one line: an entry's place and hashes, and what it says. Its detail is hashed as canonical JSON text."""
    place = {
        "chain_index": seal.chain_index, "entry_id": seal.entry_id, "previous_hash": seal.previous_hash,
        "entry_hash": seal.entry_hash,
    }  # fmt: skip
    if entry is None:
        return {**place, "missing": True}
    return {**place, **audit.content_of(entry), "mac": entry.mac, "detail": detail_of(entry.detail)}


async def _trust_chain(tx: Tx, out: TextIO) -> Exported:
    """Write one chain document; what it says of itself comes last, because it is known only then."""
    told, head = Exported("trust records"), None
    print(f'{{"schema":"{CHAIN_SCHEMA}","records":[', file=out)
    async for record, text in _records(tx):
        faults = [*hash_faults(record), *link_faults(record, head), *evidence_faults(record)]
        told.sound = told.sound and not faults and record.get("chain_index") == told.written + 1
        print(f"{',' if told.written else ''}{text}", file=out)
        told.written, head = told.written + 1, str(record.get("entry_hash"))
        if told.written % 500 == 0:
            _progress(told)
    summary = chain_json(told.written, head, verified=told.sound, at=tx.now, version=version("countersign"))
    print(f'],"chain":{_compact(summary)}}}', file=out)
    return _done(told)


async def _records(tx: Tx) -> AsyncIterator[tuple[dict[str, Any], str]]:
    async for page in trust.every_page(tx):
        for row in page:
            yield detail_of(row.record), row.record


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Open where to write: a file appears under its name only when it is whole."""
    if output is None:
        with _until_nobody_reads():
            yield sys.stdout
            sys.stdout.flush()
        return
    try:
        handle, draft = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")  # 0600
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}; name another --output.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(draft).replace(output)
    finally:
        Path(draft).unlink(missing_ok=True)


@contextmanager
def _until_nobody_reads() -> Iterator[None]:
    """End quietly where the reader of a pipe has seen enough."""
    try:
        yield
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _progress(told: Exported) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{told.written:,} {told.what}", nl=False, err=True)


def _done(told: Exported) -> Exported:
    if told.written and sys.stderr.isatty():
        click.echo("", err=True)
    return told
