"""`keys`: making, listing and revoking the keys of agents and operators."""

import json
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import listed, narrowing, tenant_for, tenant_of_agent, workspace_option


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of agents and operators."""


@keys.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option(
    "--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review."
)
@workspace_option
@click.option("--role", type=click.Choice(["reviewer", "operator", "admin"]), help="The most an operator key may do.")
@click.option(
    "--scope", "scopes", multiple=True, help="A scope of the agent that this key gives; again for more, none: all."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def create_key(
    agent: str | None,
    operator: str | None,
    workspace: str | None,
    role: str | None,
    scopes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a key and print its secret, once. An agent's key belongs to the workspace of the agent."""
    from operations.keys import create_key as operation
    from storage.tables import KeyKind, Role

    if (agent is None) == (operator is None):
        raise click.UsageError("Name either --agent ID or --operator PERSON.")
    tenant = listed(workspace) if agent is None else tenant_of_agent(agent)
    if workspace not in (None, tenant):
        raise click.UsageError(f"Agent {agent} belongs to workspace {tenant}; leave --workspace out.")
    narrow = narrowing(agent, scopes)
    kind, principal = (KeyKind.AGENT, agent) if agent is not None else (KeyKind.OPERATOR, operator)
    limit = Role(role) if role else None
    key, secret = with_database(
        lambda db: db.write(tenant, lambda tx: operation(tx, kind, str(principal), limit, narrow))
    )
    told = {"key_id": key.id, "secret": secret, "kind": kind.value, "principal": principal, "role": role,
            "scopes": narrow}  # fmt: skip
    click.echo(
        json.dumps(told) if as_json else f"Key {key.id} for {kind} {principal}. Its secret, shown once:\n{secret}"
    )


@keys.command("list")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def list_keys(workspace: str | None, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from storage import access

    tenant = tenant_for(workspace)

    async def read(database: Any) -> list[Any]:
        async with database.read(tenant) as tx:
            return await access.all_keys(tx)

    found = [
        {
            "key_id": key.id,
            "kind": key.kind,
            "principal": key.principal,
            "role": key.role,
            "scopes": key.scopes,
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
@workspace_option
@failing_clearly
def revoke(key_id: str, workspace: str | None) -> None:
    """Revoke a key at once."""
    from operations.keys import revoke_key

    tenant = tenant_for(workspace)
    with_database(lambda db: db.write(tenant, lambda tx: revoke_key(tx, key_id)))
    click.echo(f"Key {key_id} is revoked.")
