"""`doctor`: what is missing, and how to mend it."""

import asyncio
import json
import os
from collections import Counter
from dataclasses import asdict
from typing import Any

import click

from bot.cli.common import failing_clearly

_SIGNS = {"ok": ("✔", "green"), "warning": ("▲", "yellow"), "broken": ("✘", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def doctor(as_json: bool) -> None:
    """Look at the configuration, the database and Slack, and say what is missing and how to mend it.

    Nothing is changed. Exit code 0 where nothing is broken (warnings included), else 1.
    """
    from bot.doctor import examine

    findings = asyncio.run(examine(os.environ))
    counts = Counter(one.state.value for one in findings)
    if as_json:
        click.echo(json.dumps({"counts": dict(counts), "findings": [asdict(one) for one in findings]}))
    else:
        for one in findings:
            _tell(one)
        warnings = f"{counts['warning']} warning{'s' if counts['warning'] != 1 else ''}"
        click.echo(f"\n{counts['ok']} are well, {warnings}, {counts['broken']} broken.")
    if counts["broken"]:
        raise SystemExit(1)


def _tell(finding: Any) -> None:
    sign, colour = _SIGNS[finding.state.value]
    click.echo(f"{click.style(sign, fg=colour)} {finding.check}: {finding.sentence}")
    if finding.remedy:
        click.echo(f"    → {finding.remedy}")
