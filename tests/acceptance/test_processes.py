"""The installed commands as real processes: Socket Mode, reload, the command line, a clean stop."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import APP_TOKEN
from tests.process import ServeProcess, propose, settled
from tests.service import Service
from tests.stack import SIGNING_SECRET

pytestmark = pytest.mark.process


@pytest.fixture
async def slack() -> AsyncIterator[WorkspaceServer]:
    async with WorkspaceServer(demo_workspace(signing_secret=SIGNING_SECRET)) as running:
        yield running


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    running = Service()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def server(tmp_path: Path, slack: WorkspaceServer, service: Service) -> AsyncIterator[ServeProcess]:
    process = ServeProcess(tmp_path, f"sqlite:///{tmp_path / 'countersign.db'}", slack.api_url, service.url)
    slack.workspace.app.request_url = f"{process.url}/slack/events"
    yield process
    if process.process is not None and process.process.returncode is None:
        await process.stop()


async def test_socket_mode_does_the_main_job_without_a_public_address(
    server: ServeProcess, slack: WorkspaceServer, service: Service
) -> None:
    server.app_token = APP_TOKEN
    slack.workspace.app.request_url = None
    await server.start()
    secret = await server.agent_key()
    proposed = await propose(server.url, secret)
    workspace = slack.workspace
    card = await workspace.until(lambda: workspace.card("C0APPROVALS", "checkout"), timeout=30)
    await workspace.until(lambda: slack.sockets.live(workspace), timeout=30)
    await slack.click("U0BOB", card, "Approve")
    assert (await settled(server.url, secret, proposed["proposal_id"]))["state"] == "succeeded"
    assert service.effects == 1


async def test_a_reload_takes_a_sound_policy_and_refuses_a_broken_one(server: ServeProcess) -> None:
    await server.start()
    secret = await server.agent_key()
    config = server.folder / "countersign.toml"
    sound = config.read_text()
    assert server.process is not None
    for text, state in (("nonsense = 1\n" + sound, "pending"), (sound.replace('"deploy"', '"gone"', 1), "denied")):
        config.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        code, output, _ = await server.cli("policy", "check", "--json")
        assert code == (1 if state == "pending" else 0), output
        answer = await _eventually(server, secret, state)
        assert answer == state
    said = await server.stop()
    assert "the old one stays in force" in said
    assert "nonsense" in said


async def _eventually(server: ServeProcess, secret: str, state: str) -> str:
    """Propose until the policy that was just sent is in force; the signal is handled soon, not at once."""
    told = ""
    for n in range(100):
        answer = await propose(server.url, secret, service=f"s{n}")
        told = answer.get("state") or answer["details"]["state"]
        if told == state:
            break
    return told


async def test_the_command_line_makes_lists_revokes_and_verifies(server: ServeProcess) -> None:
    code, output, _ = await server.cli("keys", "create", "--operator", "U0BOB", "--json")
    assert code == 0
    key = json.loads(output)
    assert set(key) >= {"key_id", "secret"}
    assert (await server.cli("keys", "revoke", key["key_id"]))[0] == 0
    listed = json.loads((await server.cli("keys", "list", "--json"))[1])
    assert listed[0]["revoked_at"] is not None
    assert key["secret"] not in json.dumps(listed)
    code, _, errors = await server.cli("keys", "create", "--agent", "nobody")
    assert code == 1
    assert "nobody" in errors
    assert "Traceback" not in errors
    report = json.loads((await server.cli("audit", "verify", "--json"))[1])
    assert report["sound"]
    assert report["unsealed"] == 2


async def test_the_manifest_for_http_names_the_server(server: ServeProcess) -> None:
    shipped = (await server.cli("manifest"))[1]
    assert shipped == (Path(__file__).parents[2] / "manifest.yml").read_text()
    variant = (await server.cli("manifest", "--url", "https://countersign.example.com/"))[1]
    assert variant.count("https://countersign.example.com/slack/events") == 6
    assert "socket_mode_enabled: false" in variant


async def test_a_wrong_setting_is_one_sentence(server: ServeProcess) -> None:
    server.database_url = "mysql://nowhere/x"
    code, _, errors = await server.cli("migrate")
    assert code == 1
    assert "COUNTERSIGN_DATABASE_URL" in errors
    assert "Traceback" not in errors
