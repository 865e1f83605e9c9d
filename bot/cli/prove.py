"""`prove`: the promises, tried out on this machine and counted."""

import asyncio
import json
import os
import sys

import click

from bot.cli.common import failing_clearly


@click.group()
def prove() -> None:
    """Try the promises out, with everything going wrong that can, and count what did not hold.

    Runs on a scratch database of the kind COUNTERSIGN_DATABASE_URL names; nothing of yours is touched.
    """


@prove.command()
@click.option("--requests", default=500, show_default=True, type=click.IntRange(1), help="How many requests.")
@click.option("--channels", default=5, show_default=True, type=click.IntRange(1, 50), help="Spread over how many.")
@click.option("--restarts", default=10, show_default=True, type=click.IntRange(0), help="How often to kill the server.")
@click.option("--seed", default=1, show_default=True, help="What everything random follows.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@failing_clearly
def slack(as_json: bool, **plan: int) -> None:
    """Soak the Slack surface: 429, 5xx, lost answers, deletions, restarts, double clicks, redelivery, decisions by API.

    The approvals channel takes about one card a second, as Slack's does. Exits 1 where a promise did not hold.
    """
    from bot.prove.soak import Soak, soak

    url = os.environ.get("COUNTERSIGN_DATABASE_URL", "sqlite:///countersign.db")
    with click.progressbar(length=plan["requests"], label="requests", file=sys.stderr) as bar:
        report = asyncio.run(soak(url, Soak(**plan), lambda done, _all: bar.update(done - bar.pos)))
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else report.as_table())
    if not report.holds:
        raise SystemExit(1)
