"""`audit`: reading the record back."""

import json
import sys
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database


@click.group()
def audit() -> None:
    """Read the audit record."""


@audit.command("verify")
@click.option("--head", metavar="INDEX:HASH", help="A head that was sent out earlier; it proves the tail.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def verify_audit(head: str | None, as_json: bool) -> None:
    """Walk the hash chain; changed, missing, inserted and reordered rows are named. Exit code 1 if any is."""
    from bot.office import TENANT
    from operations.verify import Report, verify

    expected = _parse_head(head)

    async def read(database: Any) -> Report:
        async with database.read(TENANT) as tx:
            return await verify(tx, expected, progress=_progress if sys.stderr.isatty() else None)

    report = with_database(read)
    told = {
        "sound": report.sound,
        "checked": report.checked,
        "unsealed": report.unsealed,
        "without_mac": report.without_mac,
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
        f"{told['checked']:,} sealed entries checked, {told['unsealed']} not sealed yet, {len(told['faults'])} faults."
    )
    if told["without_mac"]:
        click.echo(f"{told['without_mac']} entries carry no MAC: they were written without COUNTERSIGN_ENCRYPTION_KEY.")
    click.echo(f"Head {told['head']}; keep it elsewhere and check it later with --head.")
