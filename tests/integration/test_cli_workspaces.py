"""The command line with several workspaces: keys belong to one, and records are read of one."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from tests.conftest import ENCRYPTION_KEY
from tests.tenants import BLUE, RED, tenants_text


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "countersign.toml"
    config.write_text(tenants_text("http://127.0.0.1:9"))
    return {
        "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_DATABASE_URL": sqlite_url, "DEPLOY_SECRET": "whsec_QUJD",
        "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }  # fmt: skip


def run(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(cli, list(words), env=environment)


def told(environment: dict[str, str], *words: str) -> Any:
    done = run(environment, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_an_agents_key_belongs_to_the_workspace_of_the_agent(environment: dict[str, str]) -> None:
    key = told(environment, "keys", "create", "--agent", "blue-bot")
    assert [one["key_id"] for one in told(environment, "keys", "list", "--workspace", BLUE)] == [key["key_id"]]
    assert told(environment, "keys", "list", "--workspace", RED) == []
    done = run(environment, "keys", "create", "--agent", "blue-bot", "--workspace", RED)
    assert (done.exit_code, f"belongs to workspace {BLUE}" in done.output) == (2, True)
    done = run(environment, "keys", "create", "--agent", "nobody")
    assert "it has: red-bot, " in done.output.replace("countersign, ", "")


def test_where_there_are_several_one_is_named(environment: dict[str, str]) -> None:
    for words in (["keys", "create", "--operator", "U0ADMIN"], ["keys", "list"], ["audit", "verify"]):
        done = run(environment, *words)
        assert (done.exit_code, f"--workspace: {RED}, {BLUE}" in done.output) == (2, True), done.output
    told(environment, "keys", "create", "--operator", "U0ADMIN", "--workspace", RED)
    done = run(environment, "keys", "create", "--operator", "U0ADMIN", "--workspace", "T0NOBODY")
    assert (done.exit_code, "no workspace T0NOBODY" in done.output) == (1, True)
    assert told(environment, "audit", "verify", "--workspace", RED)["sound"]


def test_another_workspaces_key_is_not_revoked(environment: dict[str, str]) -> None:
    key = told(environment, "keys", "create", "--agent", "red-bot")["key_id"]
    assert run(environment, "keys", "revoke", key, "--workspace", BLUE).exit_code == 1
    assert told(environment, "keys", "list", "--workspace", RED)[0]["revoked_at"] is None
    assert run(environment, "keys", "revoke", key, "--workspace", RED).exit_code == 0


def test_a_provisioner_is_made_listed_and_revoked_like_a_key(environment: dict[str, str]) -> None:
    made = told(environment, "keys", "create", "--provisioner", "blue-bot")
    assert (made["kind"], made["principal"], made["secret"][:4]) == ("provisioner", "blue-bot", "csp_")
    (shown,) = told(environment, "keys", "list", "--workspace", BLUE)
    assert (shown["key_id"], shown["kind"], shown["principal"]) == (made["key_id"], "provisioner", "blue-bot")
    assert run(environment, "keys", "revoke", made["key_id"], "--workspace", RED).exit_code == 1
    assert run(environment, "keys", "revoke", made["key_id"], "--workspace", BLUE).exit_code == 0
    assert told(environment, "keys", "list", "--workspace", BLUE)[0]["revoked_at"] is not None
    assert run(environment, "keys", "create", "--provisioner", "blue-bot", "--agent", "blue-bot").exit_code == 2
    assert run(environment, "keys", "create", "--provisioner", "nobody").exit_code == 1


def test_the_only_workspace_need_not_be_named(environment: dict[str, str], tmp_path: Path) -> None:
    config = Path(environment["COUNTERSIGN_CONFIG"])
    said = config.read_text()
    config.write_text(said[: said.rindex("[[workspaces]]")])
    key = told(environment, "keys", "create", "--operator", "U0ADMIN")
    assert [one["key_id"] for one in told(environment, "keys", "list")] == [key["key_id"]]
    assert told(environment, "keys", "list", "--workspace", RED)[0]["principal"] == "U0ADMIN"


def test_the_record_is_read_although_the_policy_is_broken(environment: dict[str, str]) -> None:
    Path(environment["COUNTERSIGN_CONFIG"]).write_text("nonsense")
    assert told(environment, "audit", "verify")["sound"]


def test_a_call_is_explained_where_its_agent_is(environment: dict[str, str]) -> None:
    words = ["policy", "explain", "--agent", "blue-bot", "--tool", "deploy.default", "--args", '{"service": "x"}']
    found = told(environment, *words)
    assert (found["state"], found["approval"]["reviewers"]) == ("pending", ["U0ADMIN", "U0ALICE"])
    assert told(environment, "policy", "check")["agents"] == 2
