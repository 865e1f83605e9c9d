"""`migrate` and `manifest`: what is done once, before serving."""

from pathlib import Path
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database


@click.command()
@failing_clearly
def migrate() -> None:
    """Bring the database schema up to date, then stop."""
    with_database(_nothing)
    click.echo("The schema is up to date.")


async def _nothing(_database: Any) -> None:
    return None


@click.command()
@click.option(
    "--url", help="Where Slack reaches the server, such as https://countersign.example.com; prints the HTTP variant."
)
@click.option("--replies", is_flag=True, help="Hear messages in its channels, for decide_by_reply in countersign.toml.")
@click.option("--reactions", is_flag=True, help="Hear reactions in its channels, for decide_by_reaction.")
@failing_clearly
def manifest(url: str | None, replies: bool, reactions: bool) -> None:
    """Print the Slack app manifest: Socket Mode as shipped, or the HTTP variant for --url."""
    from bot.manifest import http_variant, listening_variant

    told = (Path(__file__).parents[2] / "manifest.yml").read_text()
    if replies or reactions:
        told = listening_variant(told, replies=replies, reactions=reactions)
    click.echo(http_variant(told, url) if url else told, nl=False)
