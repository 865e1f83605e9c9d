"""`keys`: making, listing and revoking the keys of agents and operators."""

import json
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import listed, tenant_for, tenant_of_agent, workspace_option


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of agents and operators."""


@keys.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option(
    "--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review."
)
@click.option(
    "--provisioner", metavar="ID", help="An agent of countersign.toml; the key makes instances of it, nothing else."
)
@workspace_option
@click.option("--role", type=click.Choice(["reviewer", "operator", "admin"]), help="The most an operator key may do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def create_key(
    agent: str | None,
    operator: str | None,
    provisioner: str | None,
    workspace: str | None,
    role: str | None,
    as_json: bool,
) -> None:
    """Make a key and print its secret, once. An agent's key belongs to the workspace of the agent."""
    from operations.keys import create_key as operation
    from storage.tables import KeyKind, Role

    if sum(one is not None for one in (agent, operator, provisioner)) != 1:
        raise click.UsageError("Name one of --agent ID, --operator PERSON and --provisioner ID.")
    if provisioner is not None:
        _create_provisioner(provisioner, workspace, as_json)
        return
    tenant = listed(workspace) if agent is None else tenant_of_agent(agent)
    if workspace not in (None, tenant):
        raise click.UsageError(f"Agent {agent} belongs to workspace {tenant}; leave --workspace out.")
    kind, principal = (KeyKind.AGENT, agent) if agent is not None else (KeyKind.OPERATOR, operator)
    limit = Role(role) if role else None
    key, secret = with_database(lambda db: db.write(tenant, lambda tx: operation(tx, kind, str(principal), limit)))
    told = {"key_id": key.id, "secret": secret, "kind": kind.value, "principal": principal, "role": role}
    click.echo(
        json.dumps(told) if as_json else f"Key {key.id} for {kind} {principal}. Its secret, shown once:\n{secret}"
    )


def _create_provisioner(agent: str, workspace: str | None, as_json: bool) -> None:
    from operations.aap_instances import create_provisioner

    tenant = tenant_of_agent(agent)
    if workspace not in (None, tenant):
        raise click.UsageError(f"Agent {agent} belongs to workspace {tenant}; leave --workspace out.")
    made, secret = with_database(lambda db: db.write(tenant, lambda tx: create_provisioner(tx, agent)))
    told = {"key_id": made.id, "secret": secret, "kind": "provisioner", "principal": agent, "role": None}
    click.echo(
        json.dumps(told)
        if as_json
        else f"Key {made.id} provisions instances of agent {agent}. Its secret, shown once:\n{secret}"
    )


@keys.command("list")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def list_keys(workspace: str | None, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from storage import aap, access

    tenant = tenant_for(workspace)

    async def read(database: Any) -> list[Any]:
        async with database.read(tenant) as tx:
            return [*await access.all_keys(tx), *await aap.provisioners(tx)]

    found = [
        {
            "key_id": key.id,
            "kind": getattr(key, "kind", "provisioner"),
            "principal": getattr(key, "principal", None) or key.agent_id,
            "role": getattr(key, "role", None),
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
    from operations.aap_instances import revoke_provisioner
    from operations.keys import revoke_key

    tenant = tenant_for(workspace)
    if not with_database(lambda db: db.write(tenant, lambda tx: revoke_provisioner(tx, key_id))):
        with_database(lambda db: db.write(tenant, lambda tx: revoke_key(tx, key_id)))
    click.echo(f"Key {key_id} is revoked.")
