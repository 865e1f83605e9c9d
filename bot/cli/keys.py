"""`keys`: making, listing, rotating and revoking the keys of agents and operators."""

import json
from datetime import timedelta
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.new_keys import create_key, span, tell_secret
from bot.cli.tenants import tenant_for, workspace_option


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke the keys of agents and operators."""


keys.add_command(create_key)


@keys.command("list")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def list_keys(workspace: str | None, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from storage import aap, access

    tenant = tenant_for(workspace)

    async def read(database: Any) -> list[dict[str, Any]]:
        async with database.read(tenant) as tx:
            told = [_key(one, access.state_of(one, tx.now)) for one in await access.all_keys(tx)]
            return told + [_provisioner(one) for one in await aap.provisioners(tx)]

    found = with_database(read)
    if as_json:
        click.echo(json.dumps(found))
        return
    for key in found:
        click.echo(f"{key['key_id']}  {key['kind']:8}  {key['principal']}{_told_state(key)}")


def _key(key: Any, state: str) -> dict[str, Any]:
    return {
        "key_id": key.id, "kind": key.kind, "principal": key.principal, "role": key.role, "scopes": key.scopes,
        "state": state, "replaced_by": key.replaced_by, "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
    }  # fmt: skip


def _provisioner(one: Any) -> dict[str, Any]:
    return {
        "key_id": one.id, "kind": "provisioner", "principal": one.agent_id, "role": None, "scopes": None,
        "state": "revoked" if one.revoked_at else "live", "created_at": one.created_at.isoformat(),
        "expires_at": None, "revoked_at": one.revoked_at and one.revoked_at.isoformat(), "replaced_by": None,
    }  # fmt: skip


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
    callback=span,
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
    tell_secret(key, secret, as_json=as_json, more=f" It takes the place of {key_id}.")


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
