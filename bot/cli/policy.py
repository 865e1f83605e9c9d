"""`policy`: checking countersign.toml before a server reads it."""

import json
import os

import click

from bot.cli.common import failing_clearly


@click.group()
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
        told = {
            "hash": loaded.hash,
            "agents": len(loaded.agents),
            "tools": len(loaded.tools),
            "writes_unasked": unasked,
        }
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
