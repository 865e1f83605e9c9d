"""Compiling what countersign.toml says into the policy the rules use."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from bot.policy.checks import check
from bot.policy.connectors import ConnectorTable
from bot.policy.consequence import compile_consequence
from bot.policy.homes import Home, homes, tenant_of
from bot.policy.inherit import WholeTool, whole_tools
from bot.policy.limits import cap_value, values_of
from bot.policy.mistake import Mistake
from bot.policy.own_tools import with_own_tools
from bot.policy.places import Path
from bot.policy.shape import AgentTable, PolicyFile, ScopedTable
from governance.canonical import content_hash
from governance.policy import Agent, Connector, Limits, Policy, Refused, ScopedPolicy, Tool
from governance.schemas import compile_schema


def compile_policy(file: PolicyFile, file_hash: str, environment: Mapping[str, str]) -> dict[str, Policy]:
    """Return the compiled policy of every tenant. Raises Mistake with the path of the key that is wrong."""
    wholes = whole_tools(file)
    check(file, wholes)
    tools = {whole.table.name: _tool(whole, environment) for whole in wholes}
    shared = _shared(file, tools, file_hash)
    return {home.tenant: with_own_tools(_of_workspace(file, shared, home)) for home in homes(file)}


def _of_workspace(file: PolicyFile, shared: Policy, home: Home) -> Policy:
    """Return the policy as one workspace has it: its own agents and people, everybody's tools, rules and tiers."""
    agents = {
        table.id: _agent(table, ("agents", i), file.needs_human.agents)
        for i, table in enumerate(file.agents)
        if tenant_of(table) == home.tenant
    }
    return replace(
        shared, agents=agents, approvals_channel=home.slack.approvals_channel, admins=tuple(home.people.admins),
        operators=tuple(home.people.operators), offline_deciders=tuple(home.people.offline_deciders),
        decide_by_reply=home.slack.decide_by_reply, decide_by_reaction=home.slack.decide_by_reaction,
    )  # fmt: skip


def _shared(file: PolicyFile, tools: Mapping[str, Tool], file_hash: str) -> Policy:
    marked = (*file.needs_human.tools, *file.needs_human.classes)
    return Policy(
        agents={}, tools=tools, approvals_channel="", admins=(),
        default_tier=file.defaults.tier, class_tiers=dict(file.classes), needs_human=frozenset(marked),
        scoped=tuple(_scoped(table, ("scoped", i)) for i, table in enumerate(file.scoped)),
        refused=tuple(Refused(rule.tool, rule.agent, rule.reason, ("rules", i)) for i, rule in enumerate(file.rules)),
        default_ttl=file.defaults.approval_ttl, limits=_limits(file), private_webhooks=file.webhooks.allow_private,
        hash=file_hash,
    )  # fmt: skip


def _limits(file: PolicyFile) -> Limits:
    own = {table.id: cap_value(cap) for table in file.agents if (cap := table.weekly_spend_cap_usd) is not None}
    return Limits(**values_of(file.limits.model_dump()), agent_caps=own)


def _agent(table: AgentTable, place: Path, marked: list[str]) -> Agent:
    return Agent(
        id=table.id, name=table.name, creator=table.creator, scopes=frozenset(table.scopes),
        people=frozenset(table.people), channels=frozenset(table.channels), tier=table.tier, tiers=dict(table.tiers),
        needs_human=table.needs_human or table.id in marked, budget_per_hour=table.max_autonomous_decisions_per_hour,
        budget_per_day=table.max_autonomous_decisions_per_day, parent=table.parent, report_spend=table.report_spend,
        place=place,
    )  # fmt: skip


def _scoped(table: ScopedTable, place: Path) -> ScopedPolicy:
    return ScopedPolicy(**table.model_dump(), place=place)


def _tool(whole: WholeTool, environment: Mapping[str, str]) -> Tool:
    table, places = whole.table, whole.places
    assert table.title is not None  # checks.py says so
    assert table.action_class is not None
    assert table.capability is not None
    assert table.consequence is not None
    assert table.connector is not None
    connector = _connector(table.connector, places["connector"], environment)
    try:
        find_problems = compile_schema(table.input_schema)
    except ValueError as error:
        raise Mistake(places.get("input_schema", whole.place), str(error)) from None
    return Tool(
        name=table.name, title=table.title, action_class=table.action_class, capability=table.capability,
        connector=connector, version=_version(whole), find_problems=find_problems,
        input_schema=table.input_schema,
        tell_consequence=compile_consequence(table.consequence, places["consequence"]),
        scopes=frozenset(table.scopes), risk=table.risk, approval_mode=table.approval_mode, tier=table.tier,
        reviewers=tuple(table.reviewers), quorum=table.quorum, creator_may_approve=table.creator_may_approve,
        ttl=table.ttl, secret_fields=tuple(table.secret_fields), needs_human=table.needs_human,
        escalate_after=table.escalate_after, escalate_to=tuple(table.escalate_to), concurrency=table.concurrency,
        rate=table.rate, buttons_only=table.buttons_only, places=places,
    )  # fmt: skip


def _connector(table: ConnectorTable, place: Path, environment: Mapping[str, str]) -> Connector:
    given: dict[str, Any] = {key: value for key, value in table.model_dump().items() if value is not None}
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    connector = Connector(**(given | lists))
    for key in ("secret_env", "env"):
        for name in (connector.secret_env,) if key == "secret_env" else connector.env:
            if name and not environment.get(name):
                raise Mistake((*place, key), f"the environment has no {name}; set it")
    if connector.kind == "mcp" and find_spec("mcp") is None:
        raise Mistake((*place, "kind"), "the mcp package is not installed; install it with: pip install 'mcp>=2.3'")
    return connector


def _version(whole: WholeTool) -> str:
    """Hash what an approver relied on; a change of any of it invalidates what was approved before."""
    parts = whole.table.model_dump(
        mode="json",
        include={"input_schema", "connector", "risk", "action_class", "capability", "scopes", "consequence"},
    )
    try:
        return content_hash({**parts, "scopes": sorted(whole.table.scopes)})
    except ValueError as error:
        where = whole.places.get("input_schema", whole.place)
        raise Mistake(where, f"{error}; write finite numbers within ±(2^53-1)") from None
