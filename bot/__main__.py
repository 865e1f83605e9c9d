"""The command line: `countersign serve | demo | migrate | keys | policy | audit | manifest`."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
T = TypeVar("T")

_LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def main() -> None:
    """Run the command line; every expected failure is one sentence and exit code 1."""
    cli(prog_name="countersign")


def failing_clearly(command: Callable[P, T]) -> Callable[P, T]:
    """Turn the failures an operator can mend into one sentence without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        from sqlalchemy.exc import SQLAlchemyError

        from bot.policy import PolicyProblem
        from bot.settings import SettingProblem
        from governance.errors import Refusal
        from storage.keyring import KeyProblem
        from storage.opening import SchemaProblem

        try:
            return command(*args, **kwargs)
        except (PolicyProblem, SettingProblem, SchemaProblem, KeyProblem, Refusal) as problem:
            raise click.ClickException(str(problem)) from None
        except (SQLAlchemyError, ValueError, OSError) as problem:
            raise click.ClickException(_database_trouble(problem)) from None

    return run


def _database_trouble(problem: Exception) -> str:
    cause = getattr(problem, "orig", None) or problem
    return f"{cause} ({type(cause).__name__}); check COUNTERSIGN_DATABASE_URL, COUNTERSIGN_HOST and COUNTERSIGN_PORT"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="countersign")
def cli() -> None:
    """Countersign stands between AI agents and their side effects: people countersign in Slack.

    Settings come from the environment: COUNTERSIGN_DATABASE_URL, COUNTERSIGN_CONFIG (countersign.toml),
    COUNTERSIGN_HOST, COUNTERSIGN_PORT, COUNTERSIGN_ENCRYPTION_KEY, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET (HTTP mode)
    or SLACK_APP_TOKEN (Socket Mode), SLACK_API_URL.
    """


@cli.command()
@click.option("--no-migrate", is_flag=True, help="Refuse to start on an older schema instead of bringing it up to date.")
@failing_clearly
def serve(no_migrate: bool) -> None:
    """Run the server: the API, the Slack bot and the loop, on one port.

    SIGHUP reads countersign.toml again; SIGTERM finishes what is under way and stops.
    """
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
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


@cli.command()
@failing_clearly
def migrate() -> None:
    """Bring the database schema up to date, then stop."""
    _with_database(_nothing)
    click.echo("The schema is up to date.")


async def _nothing(_database: Any) -> None:
    return None


def _with_database(work: Callable[[Any], Awaitable[T]]) -> T:
    """Open the database of the environment, do some work, close it."""
    from bot.settings import read_settings
    from storage.opening import open_database

    async def run() -> T:
        settings = read_settings(os.environ)
        database = await open_database(settings.database_url, settings.encryption_key)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@cli.group()
def keys() -> None:
    """Make, list and revoke the keys of agents and operators."""


@keys.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option("--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review.")
@click.option("--role", type=click.Choice(["reviewer", "operator", "admin"]), help="The most an operator key may do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def create_key(agent: str | None, operator: str | None, role: str | None, as_json: bool) -> None:
    """Make a key and print its secret, once."""
    from bot.office import TENANT
    from operations.keys import create_key as operation
    from storage.tables import KeyKind, Role

    if (agent is None) == (operator is None):
        raise click.UsageError("Name either --agent ID or --operator PERSON.")
    if agent is not None:
        _check_agent(agent)
    kind, principal = (KeyKind.AGENT, agent) if agent is not None else (KeyKind.OPERATOR, operator)
    limit = Role(role) if role else None
    key, secret = _with_database(lambda db: db.write(TENANT, lambda tx: operation(tx, kind, str(principal), limit)))
    told = {"key_id": key.id, "secret": secret, "kind": kind.value, "principal": principal, "role": role}
    click.echo(json.dumps(told) if as_json else f"Key {key.id} for {kind} {principal}. Its secret, shown once:\n{secret}")


def _check_agent(agent: str) -> None:
    """An agent that is not in the policy gets no key: it could do nothing with it."""
    from bot.policy import load_policy
    from bot.settings import read_settings

    policy = load_policy(read_settings(os.environ).config, os.environ)
    if agent not in policy.agents:
        known = ", ".join(policy.agents) or "none"
        raise click.ClickException(f"There is no agent {agent!r} in countersign.toml (it has: {known}); add it first.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def list_keys(as_json: bool) -> None:
    """List the keys, without their secrets."""
    from bot.office import TENANT
    from storage import access

    async def read(database: Any) -> list[Any]:
        async with database.read(TENANT) as tx:
            return await access.all_keys(tx)

    found = [
        {
            "key_id": key.id, "kind": key.kind, "principal": key.principal, "role": key.role,
            "created_at": key.created_at.isoformat(), "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
        }  # fmt: skip
        for key in _with_database(read)
    ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for key in found:
        click.echo(f"{key['key_id']}  {key['kind']:8}  {key['principal']}{'  revoked' if key['revoked_at'] else ''}")


@keys.command("revoke")
@click.argument("key_id")
@failing_clearly
def revoke(key_id: str) -> None:
    """Revoke a key at once."""
    from bot.office import TENANT
    from operations.keys import revoke_key

    _with_database(lambda db: db.write(TENANT, lambda tx: revoke_key(tx, key_id)))
    click.echo(f"Key {key_id} is revoked.")


@cli.group()
def policy() -> None:
    """Check countersign.toml."""


@policy.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def check_policy(as_json: bool) -> None:
    """Read countersign.toml as the server would, and list every write that runs unasked."""
    from bot.policy import load_policy
    from bot.policy.unasked import writes_unasked
    from bot.settings import read_settings

    loaded = load_policy(read_settings(os.environ).config, os.environ)
    unasked = writes_unasked(loaded)
    if as_json:
        told = {"hash": loaded.hash, "agents": len(loaded.agents), "tools": len(loaded.tools), "writes_unasked": unasked}
        click.echo(json.dumps(told))
        return
    click.echo(f"The policy is sound: {len(loaded.agents)} agents, {len(loaded.tools)} tools, hash {loaded.hash[:12]}.")
    for one in unasked:
        click.echo(f"runs unasked: agent {one['agent']}, tool {one['tool']} ({one['risk']}): {one['reason']}")


@policy.command("schema")
def policy_schema() -> None:
    """Print the JSON Schema of countersign.toml."""
    from bot.policy.shape import PolicyFile

    click.echo(json.dumps(PolicyFile.model_json_schema(), indent=2))


@cli.group()
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

    report = _with_database(read)
    told = {
        "sound": report.sound, "checked": report.checked, "unsealed": report.unsealed, "without_mac": report.without_mac,
        "head": f"{report.checked}:{report.head}", "faults": report.faults,
    }  # fmt: skip
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
    click.echo(f"{told['checked']:,} sealed entries checked, {told['unsealed']} not sealed yet, {len(told['faults'])} faults.")
    if told["without_mac"]:
        click.echo(f"{told['without_mac']} entries carry no MAC: they were written without COUNTERSIGN_ENCRYPTION_KEY.")
    click.echo(f"Head {told['head']}; keep it elsewhere and check it later with --head.")


@cli.command()
@click.option("--url", help="Where Slack reaches the server, such as https://countersign.example.com; prints the HTTP variant.")
@failing_clearly
def manifest(url: str | None) -> None:
    """Print the Slack app manifest: Socket Mode as shipped, or the HTTP variant for --url."""
    from bot.manifest import http_variant

    shipped = (Path(__file__).parent.parent / "manifest.yml").read_text()
    click.echo(http_variant(shipped, url) if url else shipped, nl=False)


@cli.command()
@click.option("--port", default=8900, show_default=True, help="The page; bot and services take the ports after it.")
@failing_clearly
def demo(port: int) -> None:
    """Run everything without Slack: a local workspace in the browser, the bot, an agent and a service it changes."""
    logging.basicConfig(level=logging.WARNING, format=_LOG_FORMAT)
    from bot.demo import run_demo

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_demo(port))


if __name__ == "__main__":
    main()
