"""`serve` and `demo`: the two commands that keep running."""

import asyncio
import contextlib
import logging
import os
import signal

import click

from bot.cli.common import LOG_FORMAT, failing_clearly


@click.command()
@click.option(
    "--no-migrate", is_flag=True, help="Refuse to start on an older schema instead of bringing it up to date."
)
@failing_clearly
def serve(no_migrate: bool) -> None:
    """Run the server: the API, the Slack bot and the loop, on one port.

    SIGHUP reads countersign.toml again; SIGTERM finishes what is under way and stops.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    for chatty in ("apscheduler", "alembic", "slack_bolt"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    asyncio.run(_serve(migrate=not no_migrate))


async def _serve(*, migrate: bool) -> None:
    from bot.app import build
    from bot.settings import check_for_serving, read_settings

    settings = read_settings(os.environ)
    check_for_serving(settings)
    server = await build(settings, os.environ, migrate=migrate)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(asyncio.create_task(server.reload_policy())))
    try:
        await server.start()
        logging.getLogger("countersign").info("listening on http://%s:%d", settings.host, settings.port)
        await stopping.wait()
    finally:
        await server.stop()


@click.command()
@click.option("--port", default=8900, show_default=True, help="The page; bot and services take the ports after it.")
@failing_clearly
def demo(port: int) -> None:
    """Run everything without Slack: a local workspace in the browser, the bot, an agent and a service it changes."""
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    from bot.demo import run_demo

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_demo(port))
