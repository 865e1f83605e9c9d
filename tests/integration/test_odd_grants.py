"""What Slack may grant and we do not keep: a whole organisation, no token at all, or no answer in time."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.install import Installing
from bot.settings import read_settings
from bot.slack import new_client
from storage.database import Database
from storage.tables import SlackInstallation
from tests.integration.verbs import count
from tests.integration.wire import Wire, http

RED = "T0RED"
GRANTED = {
    "ok": True, "app_id": "A0", "authed_user": {"id": "U0ADMIN"}, "scope": "chat:write", "token_type": "bot",
    "access_token": "xoxb-new", "bot_user_id": "U0BOT", "team": {"id": RED, "name": "Red"}, "enterprise": None,
    "is_enterprise_install": False,
}  # fmt: skip
KNOWN = {"ok": True, "bot_id": "B0", "user_id": "U0BOT", "team_id": RED, "url": "https://red.example/"}
SECRETS = {"SLACK_CLIENT_ID": "client", "SLACK_CLIENT_SECRET": "shh"}


def said(what: dict[str, Any]) -> Any:
    return http(200, json.dumps(what).encode(), Content_Type="application/json")


async def finished(database: Database, wire: Wire, *answers: Any) -> tuple[int, str]:
    """Begin and finish an installation while Slack answers as told."""
    wire.script = list(answers)
    settings = read_settings({**SECRETS, "SLACK_API_URL": f"{wire.url}/api/"})
    installing = Installing(database, settings, new_client("", settings.slack_api_url), lambda: (RED,))
    begun = await installing.begin(AsyncBoltRequest(body=""))
    state = parse_qs(urlsplit(begun.headers["location"][0]).query)["state"][0]
    headers = {"cookie": f"slack-app-oauth-state={state}"}
    answer = await installing.finish(
        AsyncBoltRequest(body="", query={"code": "c", "state": state}, headers=headers)  # type: ignore[dict-item]
    )
    return answer.status, answer.body


async def test_a_whole_organisation_is_refused_and_its_token_revoked(database: Database, wire: Wire) -> None:
    org = GRANTED | {"is_enterprise_install": True, "team": None, "enterprise": {"id": "E0", "name": "Org"}}
    status, page = await finished(database, wire, said(org), said(KNOWN), said({"ok": True, "revoked": True}))
    assert (status, "not in a whole organisation" in page) == (403, True)
    assert [one.line.split()[1] for one in wire.requests] == [
        "/api/oauth.v2.access", "/api/auth.test", "/api/auth.revoke",
    ]  # fmt: skip
    assert await count(database, SlackInstallation) == 0


async def test_a_token_that_cannot_be_revoked_is_not_kept_either(database: Database, wire: Wire) -> None:
    other = GRANTED | {"team": {"id": "T0GREY", "name": "<Grey>"}}
    status, page = await finished(database, wire, said(other), said(KNOWN), said({"ok": False, "error": "fatal_error"}))
    assert (status, "T0GREY is not listed" in page) == (403, True)
    assert await count(database, SlackInstallation) == 0


async def test_a_grant_without_a_bot_token_is_refused(database: Database, wire: Wire) -> None:
    status, page = await finished(database, wire, said({k: v for k, v in GRANTED.items() if k != "access_token"}))
    assert (status, "no bot token" in page) == (403, True)


@pytest.mark.parametrize("name", ["<b>Red</b>", "Red\x00", "R" * 999])
async def test_a_workspace_may_be_called_anything(database: Database, wire: Wire, name: str) -> None:
    grant = GRANTED | {"team": {"id": RED, "name": name}}
    status, page = await finished(database, wire, said(grant), said(KNOWN))
    assert status == 200
    assert "<b>" not in page


async def test_an_answer_that_never_comes_is_told(database: Database, wire: Wire) -> None:
    status, page = await finished(database, wire, b"")
    assert (status, "did not answer" in page) == (401, True)
    assert await count(database, SlackInstallation) == 0


async def test_the_pages_load_nothing_and_tell_nobody_their_address(database: Database, wire: Wire) -> None:
    settings = read_settings({"SLACK_API_URL": f"{wire.url}/api/"})
    installing = Installing(database, settings, new_client("", settings.slack_api_url), tuple)
    answer = await installing.begin(AsyncBoltRequest(body=""))
    assert (answer.status, "[[workspaces]]" in answer.body) == (404, True)
    assert answer.headers["referrer-policy"] == ["no-referrer"]
    assert answer.headers["content-security-policy"] == ["default-src 'none'; style-src 'unsafe-inline'"]
