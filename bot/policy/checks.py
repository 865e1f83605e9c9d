"""What must hold across the tables of countersign.toml: names that exist, people enough to answer."""

from collections.abc import Iterable

from bot.policy.homes import Home, check_homes, homes, tenant_of
from bot.policy.inherit import WholeTool
from bot.policy.mistake import Mistake
from bot.policy.places import Path
from bot.policy.shape import AgentTable, PolicyFile, ToolTable
from governance.policy import INTERNAL, TENANT
from governance.prefixes import covers, is_prefix
from governance.reviewers import is_group

_REQUIRED = ("title", "action_class", "capability", "consequence", "connector")


def check(file: PolicyFile, wholes: list[WholeTool]) -> None:
    """Raise Mistake for the first thing that cannot be meant."""
    _no_twins([table.id for table in file.agents], "agents", "id")
    _no_twins([table.name for table in file.tools], "tools", "name")
    check_homes(file)
    _check_own_names(file)
    for whole in wholes:
        _check_complete(whole)
    _check_targets(file, wholes)
    for home in homes(file):
        for whole in wholes:
            if _is_used(whole.table, file, home):
                _check_panel(whole, file, home)


def _check_own_names(file: PolicyFile) -> None:
    for i, agent in enumerate(file.agents):
        if agent.id == INTERNAL:
            raise Mistake(("agents", i, "id"), f"{INTERNAL!r} is Countersign itself; choose another id")
    for i, tool in enumerate(file.tools):
        if tool.name.startswith(f"{INTERNAL}."):
            raise Mistake(("tools", i, "name"), f"names below {INTERNAL!r} are Countersign's own; choose another")


def _check_complete(whole: WholeTool) -> None:
    for key in _REQUIRED:
        if getattr(whole.table, key) is None:
            raise Mistake((*whole.place, key), "is required; add it, here or on a prefix this tool inherits from")
    if (whole.table.escalate_after is None) != (not whole.table.escalate_to):
        raise Mistake((*whole.place, "escalate_to"), "escalate_after and escalate_to belong together; write both")


def _check_targets(file: PolicyFile, wholes: list[WholeTool]) -> None:
    """Every name and prefix that something is written for must mean at least one tool or class."""
    tools, classes = {w.table.name for w in wholes}, {str(w.table.action_class) for w in wholes}
    for place, name in _targets(file):
        if not any(covers(name, one) for one in (*tools, *classes)):
            what = "a prefix of any tool or action class" if is_prefix(name) else "a tool or an action class"
            raise Mistake(place, f"{name!r} is neither a tool nor an action class here; it is not {what}")
    for name in file.classes:
        if not any(covers(name, one) for one in classes):
            raise Mistake(("classes", name), f"no tool has the action class {name!r}")
    _check_agents_named(file)
    _check_lineages(file)


def _targets(file: PolicyFile) -> Iterable[tuple[Path, str]]:
    for i, agent in enumerate(file.agents):
        yield from ((("agents", i, "tiers", name), name) for name in agent.tiers)
    for i, scoped in enumerate(file.scoped):
        yield from ((("scoped", i, "tiers", name), name) for name in scoped.tiers)
    yield from ((("needs_human", "tools", i), name) for i, name in enumerate(file.needs_human.tools))
    yield from ((("needs_human", "classes", i), name) for i, name in enumerate(file.needs_human.classes))
    yield from ((("rules", i, "tool"), rule.tool) for i, rule in enumerate(file.rules))


def _check_agents_named(file: PolicyFile) -> None:
    known = {table.id for table in file.agents}
    for place, agent in _agents_named(file):
        if agent not in known:
            raise Mistake(place, f"there is no agent {agent!r} here")


def _agents_named(file: PolicyFile) -> Iterable[tuple[Path, str]]:
    yield from ((("needs_human", "agents", i), one) for i, one in enumerate(file.needs_human.agents))
    yield from ((("rules", i, "agent"), rule.agent) for i, rule in enumerate(file.rules) if rule.agent)
    yield from ((("agents", i, "parent"), agent.parent) for i, agent in enumerate(file.agents) if agent.parent)


def _check_lineages(file: PolicyFile) -> None:
    """No agent may stand above itself."""
    parents = {agent.id: agent.parent for agent in file.agents}
    for i, agent in enumerate(file.agents):
        line, at = [agent.id], agent.parent
        while at is not None and at not in line:
            line.append(at)
            at = parents[at]
        if at == agent.id:
            told = " below ".join([*line, at])
            raise Mistake(("agents", i, "parent"), f"an agent cannot stand below itself ({told}); take one parent away")


def _no_twins(names: list[str], array: str, key: str) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise Mistake((array, i, key), f"{name!r} stands twice; give each its own")


def _is_used(tool: ToolTable, file: PolicyFile, home: Home) -> bool:
    """Whether a workspace that installs the app has anybody to call a tool; with a token there is one workspace."""
    return home.tenant == TENANT or any(set(tool.scopes) <= set(one.scopes) for one in _agents_of(file, home))


def _agents_of(file: PolicyFile, home: Home) -> list[AgentTable]:
    return [one for one in file.agents if tenant_of(one) == home.tenant]


def _check_panel(whole: WholeTool, file: PolicyFile, home: Home) -> None:
    tool, path = whole.table, whole.place
    if not tool.reviewers and not home.people.admins and tool.creator_may_approve is False:
        there = "under [roles]" if home.tenant == TENANT else f"in [[workspaces]] {home.tenant}"
        raise Mistake((*path, "reviewers"), f"nobody may approve: name reviewers here or admins {there}")
    able = _most_approvers(tool, file, home)
    if not any(map(is_group, tool.reviewers)) and able < tool.quorum:
        where = "" if home.tenant == TENANT else f" in workspace {home.tenant}"
        raise Mistake((*path, "quorum"), f"{tool.quorum} people must agree but only {able} may{where}; add reviewers")


def _most_approvers(tool: ToolTable, file: PolicyFile, home: Home) -> int:
    """Return how many people could approve a call of the agent whose creator adds most to the panel."""
    if tool.reviewers:
        return len(set(tool.reviewers))
    admins = set(home.people.admins)
    agents = _agents_of(file, home)
    from_outside = tool.creator_may_approve is not False and any(one.creator not in admins for one in agents)
    return len(admins) + from_outside
