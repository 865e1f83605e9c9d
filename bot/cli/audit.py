"""`audit`: reading the record back, checking it, taking it elsewhere."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.chain_file import verify_file
from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import tenant_for, workspace_option


@click.group()
def audit() -> None:
    """Read the audit record."""


@audit.command("verify")
@click.option("--head", metavar="INDEX:HASH", help="A head that was sent out earlier; it proves the tail.")
@click.option(
    "--opentrustgraph",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Check this OpenTrustGraph chain export instead of the database, whoever wrote it; - reads standard input.",
)
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def verify_audit(head: str | None, file: Path | None, workspace: str | None, as_json: bool) -> None:
    """Walk the hash chain and the trust graph; changed, missing, inserted and reordered rows are named.

    Exit code 0 where nothing is wrong, 1 where something is, 2 where an export cannot be read.
    """
    if file is None:
        _verify_database(tenant_for(workspace), head, as_json)
    elif head is None:
        verify_file(file, as_json)
    else:
        raise click.UsageError("--head checks the database; leave it out to check an export.")


def _verify_database(tenant: str, head: str | None, as_json: bool) -> None:
    from operations.verify import Report, verify

    expected = _parse_head(head)

    async def read(database: Any) -> Report:
        async with database.read(tenant) as tx:
            return await verify(tx, expected, progress=_progress if sys.stderr.isatty() else None)

    report = with_database(read)
    told = {
        "sound": report.sound,
        "checked": report.checked,
        "unsealed": report.unsealed,
        "without_mac": report.without_mac,
        "trust_records": report.trust_records,
        "head": f"{report.checked}:{report.head}",
        "faults": report.faults,
    }
    if as_json:
        click.echo(json.dumps(told))
    else:
        _tell_report(told)
    if not report.sound:
        raise SystemExit(1)


def _parse_head(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    index, _, digest = head.partition(":")
    if not index.isdecimal() or len(digest) != 64:
        raise click.BadParameter("write it as INDEX:HASH, as `audit verify` prints it", param_hint="--head")
    return int(index), digest


def _progress(checked: int) -> None:
    click.echo(f"\r{checked:,} entries checked", nl=False, err=True)


def _tell_report(told: dict[str, Any]) -> None:
    for fault in told["faults"]:
        click.echo(f"WRONG {fault}")
    click.echo(
        f"{told['checked']:,} sealed entries and {told['trust_records']:,} trust records checked, "
        f"{told['unsealed']} not sealed yet, {len(told['faults'])} faults."
    )
    if told["without_mac"]:
        click.echo(f"{told['without_mac']} entries carry no MAC: they were written without COUNTERSIGN_ENCRYPTION_KEY.")
    click.echo(f"Head {told['head']}; keep it elsewhere and check it later with --head.")


@audit.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "opentrustgraph"]),
    default="jsonl",
    show_default=True,
    help="jsonl: every sealed audit entry with its hashes. opentrustgraph: the trust graph as one v0 chain.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here, whole or not at all, readable by you alone; else to standard output.",
)
@workspace_option
@failing_clearly
def export_audit(form: str, output: Path | None, workspace: str | None) -> None:
    """Print the audit record in the order of its chain, or the trust graph made of it.

    Whatever is committed by now is sealed first. Exit code 1 if the exported trust chain does not verify.
    """
    from bot.cli.export import export

    tenant = tenant_for(workspace)
    told = with_database(lambda database: export(database, tenant, form, output))
    if output is not None:
        click.echo(f"{told.written:,} {told.what} written to {output}.", err=True)
    if not told.sound:
        raise click.ClickException("The trust chain does not verify; `countersign audit verify` says what is wrong.")
