"""`keys create`: keys for agents, for people, and for provisioners of agents' instances."""

import json
from datetime import timedelta
from typing import Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import listed, narrowing, tenant_of_agent, workspace_option


def span(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:
    """Read a span of time such as 24h or 90d."""
    from bot.policy.words import parse_duration

    if text is None:
        return None
    try:
        return timedelta() if text == "0" else parse_duration(text)
    except ValueError as problem:
        raise click.BadParameter(f"{problem}.", ctx, param) from None


@click.command("create")
@click.option("--agent", metavar="ID", help="An agent of countersign.toml; it proposes with this key.")
@click.option(
    "--operator", metavar="PERSON", help="A Slack user id; what the key decides counts as that person's review."
)
@click.option(
    "--provisioner", metavar="ID", help="An agent of countersign.toml; the key makes instances of it, nothing else."
)
@workspace_option
@click.option("--role", type=click.Choice(["reviewer", "operator", "admin"]), help="The most an operator key may do.")
@click.option(
    "--scope", "scopes", multiple=True, help="A scope of the agent that this key gives; again for more, none: all."
)
@click.option("--expires", callback=span, metavar="90d", help="For how long it works; without: until it is revoked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def create_key(
    agent: str | None, operator: str | None, provisioner: str | None, workspace: str | None, role: str | None,
    scopes: tuple[str, ...], expires: timedelta | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a key and print its secret, once. An agent's key belongs to the workspace of the agent."""
    if sum(one is not None for one in (agent, operator, provisioner)) != 1:
        raise click.UsageError("Name one of --agent ID, --operator PERSON and --provisioner ID.")
    narrow = narrowing(agent, scopes)
    if operator is not None:
        tell_secret(*_for_operator(operator, listed(workspace), role, expires), as_json=as_json)
        return
    if role is not None:
        raise click.UsageError("--role is for the keys of people; name --operator PERSON with it.")
    named = str(agent or provisioner)
    tenant = _tenant_of(named, workspace)
    if provisioner is not None:
        _create_provisioner(named, tenant, expires, as_json)
        return
    tell_secret(*_for_agent(named, tenant, narrow, expires), as_json=as_json)


def _tenant_of(agent: str, workspace: str | None) -> str:
    tenant = tenant_of_agent(agent)
    if workspace not in (None, tenant):
        raise click.UsageError(f"Agent {agent} belongs to workspace {tenant}; leave --workspace out.")
    return tenant


def _for_operator(person: str, tenant: str, role: str | None, expires: timedelta | None) -> tuple[Any, str]:
    from operations.keys import create_key as operation
    from storage.tables import KeyKind, Role

    limit = Role(role) if role else None

    async def make(tx: Any) -> Any:
        return await operation(tx, KeyKind.OPERATOR, person, limit, expires_at=_end(tx, expires))

    made: tuple[Any, str] = with_database(lambda db: db.write(tenant, make))
    return made


def _for_agent(agent: str, tenant: str, scopes: list[str] | None, expires: timedelta | None) -> tuple[Any, str]:
    from operations.keys import create_key as operation
    from storage.tables import KeyKind

    async def make(tx: Any) -> Any:
        return await operation(tx, KeyKind.AGENT, agent, None, scopes, expires_at=_end(tx, expires))

    made: tuple[Any, str] = with_database(lambda db: db.write(tenant, make))
    return made


def _end(tx: Any, expires: timedelta | None) -> Any:
    return tx.now + expires if expires else None


def tell_secret(key: Any, secret: str, *, as_json: bool, more: str = "") -> None:
    """Print a new key and its secret, once."""
    ends = key.expires_at.isoformat() if key.expires_at else None
    told = {"key_id": key.id, "secret": secret, "kind": key.kind.value, "principal": key.principal, "role": key.role}
    if as_json:
        click.echo(json.dumps({**told, "scopes": key.scopes, "expires_at": ends}))
        return
    until = f" until {ends}" if ends else ""
    click.echo(f"Key {key.id} for {key.kind} {key.principal}{until}.{more} Its secret, shown once:\n{secret}")


def _create_provisioner(agent: str, tenant: str, expires: timedelta | None, as_json: bool) -> None:
    from operations.aap_instances import create_provisioner

    if expires is not None:
        raise click.UsageError("A provisioner works until it is revoked; leave --expires out.")
    made, secret = with_database(lambda db: db.write(tenant, lambda tx: create_provisioner(tx, agent)))
    told = {"key_id": made.id, "secret": secret, "kind": "provisioner", "principal": agent, "role": None}
    said = f"Key {made.id} provisions instances of agent {agent}. Its secret, shown once:\n{secret}"
    click.echo(json.dumps(told) if as_json else said)
