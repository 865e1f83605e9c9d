"""`policy`: checking countersign.toml before a server reads it."""

import json
from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import failing_clearly, with_database
from bot.cli.tenants import source

if TYPE_CHECKING:
    from bot.office.explaining import VerdictJson


@click.group()
def policy() -> None:
    """Check countersign.toml."""


@policy.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def check_policy(as_json: bool) -> None:
    """Read countersign.toml as the server would, and list every write that runs unasked."""
    from bot.policy.unasked import writes_unasked

    loaded = source()
    policies = [loaded.of(tenant) for tenant in loaded.tenants]
    unasked = [one for policy in policies for one in writes_unasked(policy)]
    agents = len({one.id for policy in policies for one in policy.agents.values() if not one.is_internal})
    tools = sum(not one.is_internal for one in policies[0].tools.values())
    if as_json:
        told = {
            "hash": loaded.hash,
            "agents": agents,
            "tools": tools,
            "writes_unasked": unasked,
        }
        click.echo(json.dumps(told))
        return
    counted = f"{agents} agent{'s' * (agents != 1)}, {tools} tool{'s' * (tools != 1)}"
    click.echo(f"The policy is sound: {counted}, hash {loaded.hash[:12]}.")
    for one in unasked:
        click.echo(f"runs unasked: agent {one['agent']}, tool {one['tool']} ({one['risk']}): {one['reason']}")


@policy.command("schema")
def policy_schema() -> None:
    """Print the JSON Schema of countersign.toml."""
    from bot.policy.shape import PolicyFile

    click.echo(json.dumps(PolicyFile.model_json_schema(), indent=2))


@policy.command("explain")
@click.option("--agent", "agent_id", required=True, metavar="ID", help="The agent that would call.")
@click.option("--tool", required=True, metavar="NAME", help="The tool it would call.")
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The arguments, as a JSON object.")
@click.option("--session", metavar="ID", help="The session it would name.")
@click.option("--on-behalf-of", metavar="PERSON", help="The person it would name.")
@click.option(
    "--file-only", is_flag=True, help="Ask countersign.toml alone: no pauses, recorded tiers, rules, budgets."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@failing_clearly
def explain_policy(
    agent_id: str, tool: str, arguments: str, session: str | None, on_behalf_of: str | None, file_only: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Say what would happen to a call and which line of countersign.toml decides it. Nothing is recorded."""
    from bot.policy import TenantPolicy
    from operations.submission import Submission

    loaded = source()
    tenant = next((one for one in loaded.tenants if agent_id in loaded.of(one).agents), None)
    if tenant is None:
        raise click.BadParameter(f"there is no agent {agent_id!r} in the policy", param_hint="--agent")
    policy = TenantPolicy(loaded, tenant)
    submission = Submission(tool, _arguments(arguments), session_id=session, on_behalf_of=on_behalf_of)
    told = _explained(policy, tenant, policy.current.agents[agent_id], submission, file_only)
    click.echo(json.dumps(told) if as_json else _sentences(told))


def _arguments(text: str) -> Any:
    from governance.canonical import parse_strict
    from governance.errors import Refusal

    try:
        found = parse_strict(text.encode())
    except Refusal as refusal:
        raise click.BadParameter(refusal.sentence.replace("The body", "It"), param_hint="--args") from None
    if not isinstance(found, dict):
        raise click.BadParameter("write a JSON object", param_hint="--args")
    return found


def _explained(policy: Any, tenant: str, agent: Any, submission: Any, file_only: bool) -> "VerdictJson":
    from bot.office.explaining import explain_alone, explain_on

    if file_only:
        return explain_alone(policy, agent, submission)
    return with_database(lambda database: explain_on(database, policy, agent, submission, tenant))


def _sentences(told: "VerdictJson") -> str:
    verdict = f"{told['state']} ({told['code'] or told['tier'] or told['outcome']}): {told['reason']}"
    decided = f"decided by {told['decided_by']}" if told["decided_by"] else "decided by no line of the policy"
    asked = told["approval"]
    people = [f"asks {asked['quorum']} of {', '.join(asked['reviewers'])}"] if asked else []
    return "\n".join([verdict, decided, *people, *(f"{one['field']}: {one['message']}" for one in told["problems"])])
