"""`keys`: making, listing, rotating and revoking the keys of agents and operators."""

import json
from datetime import timedelta
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import listed, tenant_for, tenant_of_agent, workspace_option


def _span(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:
    """Read a span of time such as 24h or 90d."""
    from bot.policy.words import parse_duration

    if text is None:
        return None
    try:
        return timedelta() if text == "0" else parse_duration(text)
    except ValueError as problem:
        raise click.BadParameter(f"{problem}.", ctx, param) from None


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke the keys of agents and operators."""


@keys.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option(
    "--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review."
)
@workspace_option
@click.option("--role", type=click.Choice(["reviewer", "operator", "admin"]), help="The most an operator key may do.")
@click.option("--expires", callback=_span, metavar="90d", help="For how long it works; without: until it is revoked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def create_key(
    agent: str | None, operator: str | None, workspace: str | None, role: str | None, expires: timedelta | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Make a key and print its secret, once. An agent's key belongs to the workspace of the agent."""
    from operations.keys import create_key as operation
    from storage.tables import KeyKind, Role

    if (agent is None) == (operator is None):
        raise click.UsageError("Name either --agent ID or --operator PERSON.")
    tenant = listed(workspace) if agent is None else tenant_of_agent(agent)
    if workspace not in (None, tenant):
        raise click.UsageError(f"Agent {agent} belongs to workspace {tenant}; leave --workspace out.")
    kind, principal = (KeyKind.AGENT, agent) if agent is not None else (KeyKind.OPERATOR, operator)
    limit = Role(role) if role else None

    async def make(tx: Any) -> Any:
        ends = tx.now + expires if expires else None
        return await operation(tx, kind, str(principal), limit, expires_at=ends)

    _tell_secret(*with_database(lambda db: db.write(tenant, make)), as_json=as_json)


def _tell_secret(key: Any, secret: str, *, as_json: bool, more: str = "") -> None:
    """Print a new key and its secret, once."""
    ends = key.expires_at.isoformat() if key.expires_at else None
    told = {"key_id": key.id, "secret": secret, "kind": key.kind.value, "principal": key.principal, "role": key.role}
    if as_json:
        click.echo(json.dumps({**told, "expires_at": ends}))
        return
    until = f" until {ends}" if ends else ""
    click.echo(f"Key {key.id} for {key.kind} {key.principal}{until}.{more} Its secret, shown once:\n{secret}")


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
            return [(key, access.state_of(key, tx.now)) for key in await access.all_keys(tx)]

    found = [
        {
            "key_id": key.id,
            "kind": key.kind,
            "principal": key.principal,
            "role": key.role,
            "state": state,
            "created_at": key.created_at.isoformat(),
            "expires_at": key.expires_at and key.expires_at.isoformat(),
            "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
            "replaced_by": key.replaced_by,
        }
        for key, state in with_database(read)
    ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for key in found:
        click.echo(f"{key['key_id']}  {key['kind']:8}  {key['principal']}{_told_state(key)}")


def _told_state(key: dict[str, Any]) -> str:
    """Return what is to be said about a key that does not simply work."""
    if key["state"] == "revoked":
        return "  revoked"
    word = "expired" if key["state"] == "expired" else "works until"
    ends = f"  {word} {key['expires_at']}" if key["expires_at"] else ""
    return ends + (f", rotated to {key['replaced_by']}" if key["replaced_by"] else "")


@keys.command("rotate")
@click.argument("key_id")
@click.option(
    "--overlap",
    callback=_span,
    default="24h",
    metavar="24h",
    show_default=True,
    help="For how long the old key works on; 0 for not at all.",
)
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def rotate(key_id: str, overlap: timedelta, workspace: str | None, as_json: bool) -> None:
    """Make a key with the same rights in place of another, which works on for a while."""
    from operations.keys import rotate_key

    tenant = tenant_for(workspace)
    key, secret = with_database(lambda db: db.write(tenant, lambda tx: rotate_key(tx, key_id, overlap)))
    _tell_secret(key, secret, as_json=as_json, more=f" It takes the place of {key_id}.")


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
