"""Keys that give fewer scopes than their agent has: made on the command line, judged at the gate."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from tests.conftest import ENCRYPTION_KEY
from tests.policies import POLICY


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "countersign.toml"
    config.write_text(POLICY.replace('scopes = ["deploy"]\npeople', 'scopes = ["deploy", "read"]\npeople'))
    return {
        "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_DATABASE_URL": sqlite_url, "DEPLOY_SECRET": "whsec_QUJD",
        "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }  # fmt: skip


def create(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(cli, ["keys", "create", *words], env=environment)


def listed(environment: dict[str, str]) -> list[Any]:
    found: list[Any] = json.loads(CliRunner().invoke(cli, ["keys", "list", "--json"], env=environment).output)
    return found


def test_a_key_is_made_with_some_of_its_agents_scopes_or_with_all(environment: dict[str, str]) -> None:
    made = create(environment, "--agent", "deployer", "--scope", "read", "--scope", "read", "--json")
    assert json.loads(made.output)["scopes"] == ["read"]
    assert json.loads(create(environment, "--agent", "deployer", "--json").output)["scopes"] is None
    assert [one["scopes"] for one in listed(environment)] == [["read"], None]


def test_scopes_that_the_agent_does_not_have_are_refused_by_name(environment: dict[str, str]) -> None:
    done = create(environment, "--agent", "deployer", "--scope", "read", "--scope", "drop", "--scope", "admin")
    assert (done.exit_code, done.output) == (
        1, "Error: Agent deployer does not have the scopes admin, drop (it has: deploy, read).\n",
    )  # fmt: skip
    done = create(environment, "--operator", "U0BOB", "--scope", "read")
    assert (done.exit_code, "--scope narrows the key of an agent" in done.output) == (2, True)
    assert listed(environment) == []
