"""`audit verify --opentrustgraph`: checking a chain export that somebody else may have written."""

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from governance.canonical import Json, parse_strict
from governance.errors import Refusal
from governance.trust_verify import ChainReport, verify_export

UNREADABLE = 2


def verify_file(path: Path, as_json: bool) -> None:
    """Check an export and say what is wrong. Exits with 1 where it is rejected, 2 where it cannot be read."""
    report = verify_export(_read(path, as_json))
    if as_json:
        click.echo(json.dumps(_told(report)))
    else:
        _say(path, report)
    if not report.sound:
        raise SystemExit(1)


def _read(path: Path, as_json: bool) -> Json:
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return parse_strict(raw)
    except OSError as error:
        _give_up(path, f"{error.strerror or error}", as_json)
    except Refusal as error:
        _give_up(path, error.sentence.replace("The body", "The file", 1), as_json)


def _give_up(path: Path, why: str, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"sound": False, "unreadable": why}))
    click.echo(f"Error: {path} cannot be read: {why}", err=True)
    raise SystemExit(UNREADABLE)


def _told(report: ChainReport) -> dict[str, Json]:
    return {
        "sound": report.sound, "total": report.total, "root_hash": report.root_hash, "faults": report.faults,
        "warnings": report.warnings,
    }  # fmt: skip


def _say(path: Path, report: ChainReport) -> None:
    for fault in report.faults:
        click.echo(f"WRONG {fault}")
    for warning in report.warnings:
        click.echo(f"note  {warning}")
    click.echo(f"{path}: {report.total:,} records checked, {len(report.faults)} faults.")
    if report.sound and report.root_hash:
        click.echo(f"Root {report.root_hash}; compare it with one you got elsewhere: a chain cannot prove its own end.")
