"""`[[workspaces]]`: several workspaces in one file, and every way to write them wrongly."""

from pathlib import Path

import pytest

from bot.policy import PolicyProblem, PolicySource, load_policies
from tests.policies import POLICY, TOOLS
from tests.tenants import BLUE, RED, tenants_text

ENVIRONMENT = {"DEPLOY_SECRET": "whsec_QUJD"}
TARGET = "http://127.0.0.1:9"


def written(folder: Path, said: str) -> Path:
    path = folder / "countersign.toml"
    path.write_text(said)
    return path


def test_each_workspace_has_its_own_people_and_agents_and_all_share_the_tools(tmp_path: Path) -> None:
    found = load_policies(written(tmp_path, tenants_text(TARGET, by_token=True)), ENVIRONMENT)
    assert list(found) == ["default", RED, BLUE]
    assert [sorted(one.agents) for one in found.values()] == [
        ["countersign", "deployer", "stranger"], ["countersign", "red-bot"],
        ["blue-bot", "countersign"],
    ]  # fmt: skip
    assert len({tuple(one.tools) for one in found.values()}) == 1
    assert len({one.hash for one in found.values()}) == 1


def test_a_tenant_that_the_file_does_not_name_may_do_nothing(tmp_path: Path) -> None:
    source = PolicySource(written(tmp_path, tenants_text(TARGET)), ENVIRONMENT)
    assert source.tenants == (RED, BLUE)
    for tenant in ("default", "T0NOBODY"):
        assert (source.of(tenant).agents, source.of(tenant).tools) == ({}, {})


def test_reading_again_applies_to_all(tmp_path: Path) -> None:
    path = written(tmp_path, tenants_text(TARGET))
    source = PolicySource(path, ENVIRONMENT)
    path.write_text(path.read_text().replace(BLUE, "T0OTHER"))
    source.reload()
    assert source.tenants == (RED, "T0OTHER")
    assert source.of(BLUE).agents == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f'[[workspaces]]\nteam_id = "{BLUE}"', f'[[workspaces]]\nteam_id = "{RED}"',
         "workspaces.1.team_id: 'T0RED' stands twice; give each workspace one table"),
        (f'workspace = "{BLUE}"\n', "", "agents.1.workspace: is required where there is no [slack]; "
         "name one of: T0RED, T0BLUE"),
        (f'workspace = "{BLUE}"\n', 'workspace = "T0NOBODY"\n', "agents.1.workspace: there is no workspace "
         "'T0NOBODY' (it has: T0RED, T0BLUE) under [[workspaces]]; add it"),
        (f'team_id = "{RED}"', 'team_id = "C0RED"', "workspaces.0.team_id: is not written as it should be"),
        ("[[workspaces]]", '[roles]\nadmins = ["U0ADMIN"]\n[[workspaces]]', "roles: belongs to [slack], which is not "
         "here; name people in their [[workspaces]] table"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_how_to_mend_it(tmp_path: Path, old: str, new: str, told: str) -> None:
    said = tenants_text(TARGET)
    assert old in said
    with pytest.raises(PolicyProblem, match=r"countersign\.toml:\d+: ") as problem:
        load_policies(written(tmp_path, said.replace(old, new, 1)), ENVIRONMENT)
    assert told in str(problem.value)


def test_with_a_token_an_agent_may_leave_its_workspace_out(tmp_path: Path) -> None:
    assert "deployer" in load_policies(written(tmp_path, POLICY), ENVIRONMENT)["default"].agents


def test_a_quorum_that_a_workspace_cannot_reach_is_a_mistake_there(tmp_path: Path) -> None:
    tools = TOOLS.replace("TARGET", TARGET)
    said = tenants_text(TARGET).replace(
        tools, tools.replace("reviewers = []\nquorum = 1", "reviewers = []\nquorum = 3")
    )
    with pytest.raises(PolicyProblem, match="3 people must agree but only 2 may in workspace T0RED"):
        load_policies(written(tmp_path, said), ENVIRONMENT)
