"""Which workspace a command is about."""

import os
from collections.abc import Mapping
from typing import Any

import click

from governance.policy import TENANT, Policy

workspace_option = click.option(
    "--workspace", metavar="T…", help="The Slack team id of a [[workspaces]] table; needed where there are several."
)


def tenant_for(workspace: str | None) -> str:
    """Return the tenant a command is about: the one named, else the one connected by token, else the only one.

    Raises UsageError where there are several and none is named.
    """
    if workspace is not None:
        return workspace
    tenants = list(_policies_if_sound())
    if TENANT in tenants or not tenants:
        return TENANT
    if len(tenants) > 1:
        raise click.UsageError(f"Name one of the workspaces with --workspace: {', '.join(tenants)}.")
    return tenants[0]


def listed(workspace: str | None) -> str:
    """Return the same for a command that only makes sense for a workspace of countersign.toml."""
    tenant, known = tenant_for(workspace), list(_policies())
    if tenant not in known:
        raise click.ClickException(f"There is no workspace {tenant} in countersign.toml (it has: {', '.join(known)}).")
    return tenant


def tenant_of_agent(agent: str) -> str:
    """Return the tenant whose agent this is. An agent that is in no policy is refused: it could do nothing."""
    policies = _policies()
    for tenant, policy in policies.items():
        if agent in policy.agents:
            return tenant
    known = ", ".join(one for policy in policies.values() for one in policy.agents) or "none"
    raise click.ClickException(f"There is no agent {agent!r} in countersign.toml (it has: {known}); add it first.")


def narrowing(agent: str | None, scopes: tuple[str, ...]) -> list[str] | None:
    """Return the scopes a key of this agent is to give, None for all. Scopes that the agent lacks are refused."""
    from governance.narrowing import check_scopes

    if not scopes:
        return None
    if agent is None:
        raise click.UsageError("--scope narrows the key of an agent; what an operator's key may do, --role limits.")
    check_scopes(_policies()[tenant_of_agent(agent)].agents[agent], scopes)
    return sorted(set(scopes))


def source() -> Any:
    """Return the policies of countersign.toml and where each part of them stands."""
    from bot.policy import PolicySource
    from bot.settings import read_settings

    return PolicySource(read_settings(os.environ).config, os.environ)


def _policies() -> Mapping[str, Policy]:
    from bot.policy import load_policies
    from bot.settings import read_settings

    return load_policies(read_settings(os.environ).config, os.environ)


def _policies_if_sound() -> Mapping[str, Policy]:
    """The record is read with or without a sound policy."""
    from bot.policy import PolicyProblem

    try:
        return _policies()
    except PolicyProblem:
        return {}
