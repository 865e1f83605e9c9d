"""Compiling what countersign.toml says into the policy the rules use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import ChainableUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.policy.places import Path
from bot.policy.shape import AgentTable, PolicyFile, ToolTable
from governance.canonical import content_hash
from governance.policy import Agent, Connector, Limits, Policy, Tool
from governance.reviewers import is_group
from governance.schemas import compile_schema
from governance.text import cut, one_line

MAX_CONSEQUENCE = 500
_UNTOLD = "— (the consequence line of this tool does not fit these arguments)"


@dataclass
class Mistake(Exception):
    """Something the file's shape allows and its meaning does not."""

    path: Path
    message: str


class _Dash(ChainableUndefined):
    """A name that the arguments do not have reads as a dash."""

    def __str__(self) -> str:
        return "—"


_SANDBOX = ImmutableSandboxedEnvironment(undefined=_Dash, autoescape=False)


def compile_policy(file: PolicyFile, file_hash: str, environment: Mapping[str, str]) -> Policy:
    """Return the compiled policy. Raises Mistake with the path of the key that is wrong."""
    _check_names(file)
    tools = {table.name: _tool(table, ("tools", i), environment) for i, table in enumerate(file.tools)}
    return Policy(
        agents={table.id: _agent(table) for table in file.agents}, tools=tools,
        approvals_channel=file.slack.approvals_channel, admins=tuple(file.roles.admins),
        operators=tuple(file.roles.operators), offline_deciders=tuple(file.roles.offline_deciders),
        default_tier=file.defaults.tier, class_tiers=dict(file.classes), default_ttl=file.defaults.approval_ttl,
        limits=Limits(**file.limits.model_dump()), hash=file_hash,
    )  # fmt: skip


def _agent(table: AgentTable) -> Agent:
    return Agent(
        id=table.id, name=table.name, creator=table.creator, scopes=frozenset(table.scopes),
        people=frozenset(table.people), channels=frozenset(table.channels), tier=table.tier, tiers=dict(table.tiers),
    )  # fmt: skip


def _tool(table: ToolTable, path: Path, environment: Mapping[str, str]) -> Tool:
    connector = Connector(**table.connector.model_dump())
    if connector.secret_env and not environment.get(connector.secret_env):
        raise Mistake((*path, "connector", "secret_env"), f"the environment has no {connector.secret_env}; set it")
    try:
        find_problems = compile_schema(table.input_schema)
    except ValueError as error:
        raise Mistake((*path, "input_schema"), str(error)) from None
    return Tool(
        name=table.name, title=table.title, action_class=table.action_class, capability=table.capability,
        connector=connector, version=_version(table, path), find_problems=find_problems,
        tell_consequence=_consequence(table.consequence, (*path, "consequence")), scopes=frozenset(table.scopes),
        risk=table.risk, approval_mode=table.approval_mode, tier=table.tier, reviewers=tuple(table.reviewers),
        quorum=table.quorum, creator_may_approve=table.creator_may_approve, ttl=table.ttl,
        secret_fields=tuple(table.secret_fields),
    )  # fmt: skip


def _version(table: ToolTable, path: Path) -> str:
    """Hash what an approver relied on; a change of any of it invalidates what was approved before."""
    parts = table.model_dump(
        mode="json",
        include={"input_schema", "connector", "risk", "action_class", "capability", "scopes", "consequence"},
    )
    try:
        return content_hash({**parts, "scopes": sorted(table.scopes)})
    except ValueError as error:
        raise Mistake((*path, "input_schema"), f"{error}; write finite numbers within ±(2^53-1)") from None


def _consequence(source: str, path: Path) -> Callable[[Mapping[str, Any]], str]:
    try:
        template = _SANDBOX.from_string(source)
    except TemplateSyntaxError as error:
        raise Mistake(path, f"the template is wrong: {error.message}") from None

    def tell(arguments: Mapping[str, Any]) -> str:
        try:
            return cut(one_line(template.render(arguments)), MAX_CONSEQUENCE)
        except Exception:  # noqa: BLE001 - whatever an agent's values do to a template, the proposal is still judged
            return _UNTOLD

    return tell


def _check_names(file: PolicyFile) -> None:
    _no_twins([table.id for table in file.agents], "agents", "id")
    _no_twins([table.name for table in file.tools], "tools", "name")
    classes = {table.action_class for table in file.tools}
    known = classes | {table.name for table in file.tools}
    for i, agent in enumerate(file.agents):
        for name in agent.tiers:
            if name not in known:
                raise Mistake(("agents", i, "tiers", name), f"{name!r} is neither a tool nor an action class here")
    for name in file.classes:
        if name not in classes:
            raise Mistake(("classes", name), f"no tool has the action class {name!r}")
    for i, tool in enumerate(file.tools):
        _check_panel(tool, file, ("tools", i))


def _no_twins(names: list[str], array: str, key: str) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise Mistake((array, i, key), f"{name!r} stands twice; give each its own")


def _check_panel(tool: ToolTable, file: PolicyFile, path: Path) -> None:
    if not tool.reviewers and not file.roles.admins and tool.creator_may_approve is False:
        raise Mistake((*path, "reviewers"), "nobody may approve: name reviewers here or admins under [roles]")
    able = _most_approvers(tool, file)
    if not any(map(is_group, tool.reviewers)) and able < tool.quorum:
        raise Mistake((*path, "quorum"), f"{tool.quorum} people must agree but only {able} may; add reviewers")


def _most_approvers(tool: ToolTable, file: PolicyFile) -> int:
    """Return how many people could approve a call of the agent whose creator adds most to the panel."""
    if tool.reviewers:
        return len(set(tool.reviewers))
    admins = set(file.roles.admins)
    from_outside = tool.creator_may_approve is not False and any(one.creator not in admins for one in file.agents)
    return len(admins) + from_outside
