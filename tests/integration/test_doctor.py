"""`countersign doctor`: each thing that can be missing is named with the way to mend it."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.cli import cli
from bot.doctor import Finding, State, examine
from bot.doctor.clock import skew_finding
from bot.doctor.database import check_database
from bot.doctor.slack import Workspace
from bot.policy import load_policy
from bot.slack import new_client
from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import APP_TOKEN
from operations.install import Grant, install
from storage.database import Database, database_url, utc_now
from storage.opening import open_database
from tests.conftest import ENCRYPTION_KEY
from tests.policies import policy_text, tool
from tests.process import free_port
from tests.tenants import BLUE, RED, tenants_text

OTHER_KEY = "OTkyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5OTk="
SECRET = "0123456789abcdef0123456789abcdef"

Environment = dict[str, str]


@pytest.fixture
async def slack() -> AsyncIterator[WorkspaceServer]:
    async with WorkspaceServer(demo_workspace(signing_secret=SECRET)) as running:
        running.workspace.users["U0MALLORY"].is_restricted = False
        yield running


def surroundings(folder: Path, url: str, slack: WorkspaceServer | None = None, said: str = "") -> Environment:
    """The environment of an installation where all is well."""
    config = folder / "doctor.toml"
    config.write_text(said or policy_text())
    return {
        "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_DATABASE_URL": url, "COUNTERSIGN_PORT": str(free_port()),
        "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY, "SLACK_BOT_TOKEN": "xoxb-demo", "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": slack.api_url if slack else "http://127.0.0.1:9/api/", "DEPLOY_SECRET": "whsec_QUJD",
    }  # fmt: skip


async def found(environment: Environment, check: str) -> Finding:
    """What one check finds."""
    findings = [one for one in await examine(environment) if one.check == check]
    assert len(findings) == 1, findings
    return findings[0]


async def test_where_all_is_well_nothing_else_is_said(url: str, tmp_path: Path, slack: WorkspaceServer) -> None:
    findings = await examine(surroundings(tmp_path, url, slack))
    assert [one for one in findings if one.state is not State.OK] == []
    assert all(one.sentence and not one.remedy for one in findings)
    assert {"database", "schema", "Slack: scopes", "Slack: people", "Slack: user group S0ONCALL"} <= {
        one.check for one in findings
    }


@pytest.mark.parametrize(
    ("change", "check", "state", "sentence", "remedy"),
    [
        ({"COUNTERSIGN_PORT": "many"}, "environment", "broken", "COUNTERSIGN_PORT is 'many'", "mend it"),
        ({"COUNTERSIGN_DATABASE_URL": "mysql://x/y"}, "environment", "broken", "names 'mysql'", "mend it"),
        ({"COUNTERSIGN_CONFIG": "/nowhere.toml"}, "countersign.toml", "broken", "No such file", "policy check"),
        ({"DEPLOY_SECRET": ""}, "countersign.toml", "broken", "DEPLOY_SECRET", "policy check"),
        ({"SLACK_BOT_TOKEN": ""}, "bot token", "warning", "no cards are posted", "OAuth & Permissions"),
        ({"SLACK_BOT_TOKEN": "xoxp-1"}, "bot token", "broken", "begins with 'xoxp-'", "begins with xoxb-"),
        ({"SLACK_APP_TOKEN": "xoxb-1"}, "way in", "broken", "begins with 'xoxb-'", "begins with xapp-"),
        ({"SLACK_SIGNING_SECRET": ""}, "way in", "broken", "neither SLACK_SIGNING_SECRET", "the one your app uses"),
        ({"SLACK_SIGNING_SECRET": "xoxb-1"}, "way in", "broken", "holds a token", "Basic Information"),
        ({"SLACK_SIGNING_SECRET": "short"}, "way in", "warning", "does not look like Slack's", "Basic Information"),
        ({"COUNTERSIGN_ENCRYPTION_KEY": "AAAA"}, "encryption key", "broken", "exactly 32 bytes", "openssl rand"),
        ({"SLACK_CLIENT_ID": "1", "SLACK_CLIENT_SECRET": "2"}, "installing by OAuth", "warning", "no [[workspaces]]",
         "list who may"),
    ],
)  # fmt: skip
async def test_the_environment(
    sqlite_url: str, tmp_path: Path, change: Environment, check: str, state: str, sentence: str, remedy: str
) -> None:
    one = await found(surroundings(tmp_path, sqlite_url) | change, check)
    assert one.state == state
    assert sentence in one.sentence
    assert remedy in one.remedy


async def test_what_a_missing_encryption_key_refuses(postgresql_url: str, sqlite_url: str, tmp_path: Path) -> None:
    without = {"COUNTERSIGN_ENCRYPTION_KEY": ""}
    one = await found(surroundings(tmp_path, postgresql_url) | without, "encryption key")
    assert (one.state, "operator keys" in one.sentence) == (State.WARNING, True)
    listed = surroundings(tmp_path, postgresql_url, said=tenants_text("http://127.0.0.1:9")) | without
    one = await found(listed, "encryption key")
    assert (one.state, "OAuth" in one.sentence) == (State.BROKEN, True)
    beside = surroundings(tmp_path, sqlite_url) | without
    assert (await found(beside, "encryption key")).state is State.OK
    key = tmp_path / "countersign.db.key"
    key.write_text(ENCRYPTION_KEY)
    key.chmod(0o644)
    one = await found(beside, "encryption key")
    assert (one.state, one.remedy) == (State.WARNING, f"chmod 600 {key}")


async def test_the_port(sqlite_url: str, tmp_path: Path) -> None:
    environment = surroundings(tmp_path, sqlite_url)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["COUNTERSIGN_PORT"])))
        one = await found(environment, "port")
    assert (one.state, "COUNTERSIGN_PORT" in one.remedy) == (State.BROKEN, True)


async def test_tools_that_lack_their_program_or_package(sqlite_url: str, tmp_path: Path) -> None:
    http = 'kind = "http", url = "TARGET/{}", secret_env = "DEPLOY_SECRET"'
    python, program = tool("deploy.python"), tool("deploy.program")
    python = python.replace(http.format("deploy.python"), 'kind = "python", entry = "no-such-tool"')
    mcp = 'kind = "mcp", command = ["no-such-program"], tool = "x"'
    program = program.replace(http.format("deploy.program"), mcp)
    environment = surroundings(tmp_path, sqlite_url, said=policy_text(extra=python + program))
    assert "'no-such-tool'" in (await found(environment, "tool deploy.python")).sentence
    assert "'no-such-program'" in (await found(environment, "tool deploy.program")).sentence


async def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    one = await found(surroundings(tmp_path, f"postgresql://127.0.0.1:{free_port()}/x"), "database")
    assert (one.state, "COUNTERSIGN_DATABASE_URL" in one.remedy) == (State.BROKEN, True)


async def test_looking_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    one = await found(surroundings(tmp_path, f"sqlite:///{path}"), "database file")
    assert (one.state, "will be made" in one.sentence, path.exists()) == (State.OK, True, False)


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    one = await found(surroundings(tmp_path, f"sqlite:///{tmp_path / 'file' / 'x.db'}"), "database file")
    assert (one.state, "right to write" in one.remedy) == (State.BROKEN, True)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is no database, " * 100)
    assert (await found(surroundings(tmp_path, f"sqlite:///{path}"), "database")).state is State.BROKEN


async def test_an_empty_database(empty_postgresql_url: str, tmp_path: Path) -> None:
    one = await found(surroundings(tmp_path, empty_postgresql_url), "schema")
    assert (one.state, "countersign migrate" in one.remedy) == (State.WARNING, True)


@pytest.mark.parametrize(("revision", "sentence"), [("9999", "newer"), ("0000", "newer")])
async def test_a_schema_of_another_version(url: str, tmp_path: Path, revision: str, sentence: str) -> None:
    engine = create_async_engine(database_url(url))
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    await engine.dispose()
    one = await found(surroundings(tmp_path, url), "schema")
    assert (one.state, sentence in one.sentence) == (State.BROKEN, True)


async def test_a_server_that_takes_no_writes(postgresql_url: str) -> None:
    engine = create_async_engine(database_url(postgresql_url), isolation_level="AUTOCOMMIT")
    name = postgresql_url.partition("?")[0].rsplit("/", 1)[1]
    async with engine.connect() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    await engine.dispose()
    database = Database(database_url(postgresql_url))
    (one,) = [one for one in await check_database(database) if one.check == "writing"]
    await database.close()
    assert (one.state, "takes no writes" in one.sentence) == (State.BROKEN, True)


async def test_another_encryption_key(url: str, tmp_path: Path) -> None:
    environment = surroundings(tmp_path, url) | {"COUNTERSIGN_ENCRYPTION_KEY": OTHER_KEY}
    one = await found(environment, "sealed secrets")
    assert (one.state, "COUNTERSIGN_ENCRYPTION_KEY" in one.remedy) == (State.BROKEN, True)


@pytest.mark.parametrize(("ahead", "state"), [(0, "ok"), (4, "ok"), (-6, "warning"), (59, "warning"), (61, "broken")])
def test_clocks_may_be_some_seconds_apart(ahead: float, state: str) -> None:
    one = skew_finding("clock", ahead)
    assert one.state == state
    assert bool(one.remedy) == (state != "ok")


async def test_our_clock_is_compared_with_slacks(tmp_path: Path, slack: WorkspaceServer) -> None:
    config = tmp_path / "countersign.toml"
    config.write_text(policy_text())
    policy = load_policy(config, {"DEPLOY_SECRET": "x"})
    late = utc_now() - timedelta(minutes=10)
    findings = await Workspace(new_client("xoxb-demo", slack.api_url), policy, "Slack", late).examine()
    (one,) = [one for one in findings if one.check == "Slack: clock of Slack"]
    assert (one.state, "NTP" in one.remedy) == (State.BROKEN, True)


def revoke(slack: WorkspaceServer) -> None:
    slack.workspace.app.revoked = "token_revoked"


def lose_scopes(slack: WorkspaceServer) -> None:
    slack.workspace.app.scopes -= {"usergroups:read", "im:write"}


def archive(slack: WorkspaceServer) -> None:
    slack.workspace.channels["C0APPROVALS"].is_archived = True


def leave(slack: WorkspaceServer) -> None:
    slack.workspace.channels["C0DEPLOYS"].members.remove("U0BOT")


def share(slack: WorkspaceServer) -> None:
    slack.workspace.channels["C0APPROVALS"].is_ext_shared = True


def drop_channel(slack: WorkspaceServer) -> None:
    del slack.workspace.channels["C0DEPLOYS"]


def dismiss(slack: WorkspaceServer) -> None:
    slack.workspace.users["U0ADMIN"].deleted = True


def demote(slack: WorkspaceServer) -> None:
    slack.workspace.users["U0BOB"].is_restricted = True


def forget(slack: WorkspaceServer) -> None:
    del slack.workspace.users["U0ALICE"]


def empty(slack: WorkspaceServer) -> None:
    slack.workspace.groups["S0ONCALL"].users.clear()


def dissolve(slack: WorkspaceServer) -> None:
    slack.workspace.groups.clear()


@pytest.mark.parametrize(
    ("happens", "check", "sentence", "remedy"),
    [
        (revoke, "Slack: token", "token_revoked", "install the app again"),
        (lose_scopes, "Slack: scopes", "im:write, usergroups:read not granted", "install the app again"),
        (archive, "Slack: approvals channel C0APPROVALS", "archived", "unarchive"),
        (leave, "Slack: channel of agent deployer C0DEPLOYS", "not in it", "/invite @Countersign"),
        (share, "Slack: approvals channel C0APPROVALS", "another organisation", "of your own"),
        (drop_channel, "Slack: channel of agent deployer C0DEPLOYS", "channel_not_found", "countersign.toml"),
        (dismiss, "Slack: admin U0ADMIN", "deactivated", "somebody else"),
        (demote, "Slack: reviewer of deploy.production U0BOB", "guest", "somebody else"),
        (forget, "Slack: creator of agent deployer U0ALICE", "nobody of this workspace", "somebody else"),
        (empty, "Slack: user group S0ONCALL", "nobody is in it", "in Slack"),
        (dissolve, "Slack: user group S0ONCALL", "no_such_subteam", "countersign.toml"),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_slack(
    sqlite_url: str, tmp_path: Path, slack: WorkspaceServer, happens: Callable[[WorkspaceServer], None], check: str,
    sentence: str, remedy: str,
) -> None:  # fmt: skip
    happens(slack)
    one = await found(surroundings(tmp_path, sqlite_url, slack), check)
    assert (one.state, sentence in one.sentence, remedy in one.remedy) == (State.BROKEN, True, True), one


@pytest.mark.parametrize(("token", "state"), [(APP_TOKEN, "ok"), ("xapp-wrong", "broken")])
async def test_socket_mode(sqlite_url: str, tmp_path: Path, slack: WorkspaceServer, token: str, state: str) -> None:
    one = await found(surroundings(tmp_path, sqlite_url, slack) | {"SLACK_APP_TOKEN": token}, "Socket Mode")
    assert one.state == state


async def test_workspaces_that_install_by_oauth(url: str, tmp_path: Path, slack: WorkspaceServer) -> None:
    environment = surroundings(tmp_path, url, slack, tenants_text("http://127.0.0.1:9")) | {"SLACK_BOT_TOKEN": ""}
    one = await found(environment, "installing by OAuth")
    assert (one.state, "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET" in one.sentence) == (State.BROKEN, True)
    database = await open_database(url, ENCRYPTION_KEY)
    grant = Grant("xoxb-demo", "Red", "A0", "B0", "U0BOT", "", "U0ADMIN")
    await database.write(RED, lambda tx: install(tx, grant))
    await database.close()
    assert (await found(environment, f"{RED}: token")).state is State.OK
    one = await found(environment, f"{BLUE}: installation")
    assert (one.state, "/slack/install" in one.remedy) == (State.WARNING, True)
    one = await found(environment | {"COUNTERSIGN_ENCRYPTION_KEY": OTHER_KEY}, f"{RED}: installation")
    assert (one.state, "COUNTERSIGN_ENCRYPTION_KEY" in one.sentence) == (State.BROKEN, True)


async def test_a_workspace_by_token_that_is_listed_as_well(
    sqlite_url: str, tmp_path: Path, slack: WorkspaceServer
) -> None:
    slack.workspace.team_id = RED
    for user in slack.workspace.users.values():
        user.team_id = RED
    said = tenants_text("http://127.0.0.1:9", by_token=True)
    one = await found(surroundings(tmp_path, sqlite_url, slack, said), "workspaces")
    assert (one.state, RED in one.sentence) == (State.BROKEN, True)


def test_the_command_tells_and_counts(sqlite_url: str, tmp_path: Path) -> None:
    environment = surroundings(tmp_path, sqlite_url) | {"SLACK_BOT_TOKEN": ""}
    done = CliRunner().invoke(cli, ["doctor"], env=environment)
    assert done.exit_code == 0, done.output
    assert "✔ countersign.toml: sound" in done.output
    assert "▲ bot token: SLACK_BOT_TOKEN is not set: no cards are posted\n    → copy it" in done.output
    assert "1 warning, 0 broken" in done.output


def test_the_command_fails_where_something_is_broken(sqlite_url: str, tmp_path: Path) -> None:
    environment = surroundings(tmp_path, sqlite_url) | {"SLACK_BOT_TOKEN": "xoxp-1"}
    done = CliRunner().invoke(cli, ["doctor", "--json"], env=environment)
    told = json.loads(done.output)
    assert (done.exit_code, told["counts"]["broken"] > 0) == (1, True)
    assert {"check", "state", "sentence", "remedy"} == set(told["findings"][0])
