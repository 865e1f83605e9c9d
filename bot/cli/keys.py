"""`keys`: making, listing and revoking the keys of agents and operators."""

import json
import os
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of agents and operators."""


@keys.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option(
    "--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review."
)
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
    key, secret = with_database(lambda db: db.write(TENANT, lambda tx: operation(tx, kind, str(principal), limit)))
    told = {"key_id": key.id, "secret": secret, "kind": kind.value, "principal": principal, "role": role}
    click.echo(
        json.dumps(told) if as_json else f"Key {key.id} for {kind} {principal}. Its secret, shown once:\n{secret}"
    )


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
            "key_id": key.id,
            "kind": key.kind,
            "principal": key.principal,
            "role": key.role,
            "created_at": key.created_at.isoformat(),
            "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
        }
        for key in with_database(read)
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

    with_database(lambda db: db.write(TENANT, lambda tx: revoke_key(tx, key_id)))
    click.echo(f"Key {key_id} is revoked.")
