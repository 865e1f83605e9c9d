"""`migrate` and `manifest`: what is done once, before serving."""

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
@failing_clearly
def manifest(url: str | None) -> None:
    """Print the Slack app manifest: Socket Mode as shipped, or the HTTP variant for --url."""
    from bot.manifest import http_variant, shipped_manifest

    shipped = shipped_manifest()
    click.echo(http_variant(shipped, url) if url else shipped, nl=False)
