"""The workspaces of a policy file: the one connected by token, and those that install the app by OAuth."""

from dataclasses import dataclass

from bot.policy.mistake import Mistake
from bot.policy.places import Path
from bot.policy.shape import AgentTable, PolicyFile, RolesTable, SlackTable, WorkspaceTable
from governance.policy import TENANT


@dataclass(frozen=True, slots=True)
class Home:
    """One workspace: its tenant, where its cards go, its people, and where they are written."""

    tenant: str
    slack: SlackTable | WorkspaceTable
    people: RolesTable | WorkspaceTable
    place: Path


def homes(file: PolicyFile) -> list[Home]:
    """Return every workspace that the file names, the one connected by token first."""
    by_token = [Home(TENANT, file.slack, file.roles, ("roles",))] if file.slack else []
    listed = enumerate(file.workspaces)
    return [*by_token, *(Home(one.team_id, one, one, ("workspaces", i)) for i, one in listed)]


def tenant_of(agent: AgentTable) -> str:
    """Return the tenant an agent belongs to."""
    return agent.workspace or TENANT


def check_homes(file: PolicyFile) -> None:
    """Raise Mistake where a workspace stands twice, an agent has none, or people are named for none."""
    teams = [one.team_id for one in file.workspaces]
    for i, team in enumerate(teams):
        if team in teams[:i]:
            raise Mistake(("workspaces", i, "team_id"), f"{team!r} stands twice; give each workspace one table")
    if file.slack is None:
        _check_without_token(file)
    for i, agent in enumerate(file.agents):
        _check_workspace_of(agent, i, teams, file)


def _check_without_token(file: PolicyFile) -> None:
    if not file.workspaces:
        raise Mistake(("slack",), "is required; add it")
    if "roles" in file.model_fields_set:
        raise Mistake(("roles",), "belongs to [slack], which is not here; name people in their [[workspaces]] table")


def _check_workspace_of(agent: AgentTable, i: int, teams: list[str], file: PolicyFile) -> None:
    if agent.workspace is None and file.slack is None:
        raise Mistake(("agents", i, "workspace"), f"is required where there is no [slack]; name one of: {_told(teams)}")
    if agent.workspace is not None and agent.workspace not in teams:
        known = f"{agent.workspace!r} (it has: {_told(teams) or 'none'})"
        raise Mistake(("agents", i, "workspace"), f"there is no workspace {known} under [[workspaces]]; add it")


def _told(teams: list[str]) -> str:
    return ", ".join(teams)
