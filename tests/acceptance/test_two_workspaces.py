"""Two workspaces on one server: each has its cards, its people and its keys, and neither learns of the other."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bot.settings import SettingProblem
from bot.workspace import signing
from bot.workspace.cast import APP_TOKEN
from operations.keys import create_key
from storage.tables import ApprovalRequest, KeyKind, Review
from tests.integration.verbs import count, rows
from tests.stack import SIGNING_SECRET
from tests.tenants import BLUE, GREY, RED, TenantAgent, Tenants, tenants, tenants_text

pytestmark = pytest.mark.both_databases


async def test_cards_go_to_the_workspace_of_the_agent(place: Tenants) -> None:
    red, blue = await place.agent(RED), await place.agent(BLUE)
    await red.propose("for-red")
    await blue.propose("for-blue")
    await place.card(RED, "for-red")
    await place.card(BLUE, "for-blue")
    assert place.seat(RED).workspace.card("C0APPROVALS", "for-blue") is None
    assert place.seat(BLUE).workspace.card("C0APPROVALS", "for-red") is None


async def test_each_decides_for_its_own_and_the_call_runs(place: Tenants) -> None:
    blue = await place.agent(BLUE)
    asked = await blue.propose("release")
    await place.seat(BLUE).interactions.click("U0BOB", await place.card(BLUE, "release"), "Approve")
    await place.service.called(1)
    _, told = await blue.call("GET", f"/proposals/{asked['proposal_id']}?wait=30")
    assert told["state"] == "succeeded"
    (review,) = await rows(place.database, Review)
    assert (review.tenant, review.reviewer) == (BLUE, "U0BOB")


async def test_a_click_on_another_workspaces_card_answers_like_one_on_no_card(place: Tenants) -> None:
    await (await place.agent(RED)).propose("secret of red")
    card = await place.card(RED, "secret of red")
    blue = place.seat(BLUE)
    unknown = card.snapshot()
    for block in unknown.blocks:
        for element in block.get("elements", []):
            if "value" in element:
                element["value"] = "rnd_" + "0" * 32
    said = []
    for n, shown in enumerate((card, unknown), start=1):
        answer = await blue.interactions.click("U0BOB", shown, "Approve")
        told = await blue.workspace.until(lambda n=n: blue.workspace.ephemerals("U0BOB")[n - 1 :])
        said.append((answer.status, answer.body, [one.text for one in told]))
    assert said[0] == said[1]
    assert await count(place.database, Review) == 0
    (request,) = await rows(place.database, ApprovalRequest)
    assert request.status.value == "pending"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/proposals/{}"), ("GET", "/proposals/{}/events"), ("DELETE", "/proposals/{}"),
     ("GET", "/approvals/{}"), ("POST", "/proposals/{}/outcome")],
)  # fmt: skip
async def test_another_workspaces_id_answers_like_an_unknown_one(place: Tenants, method: str, path: str) -> None:
    red, blue = await place.agent(RED), await place.agent(BLUE)
    asked = await blue.propose("theirs")
    theirs = asked["approval"]["id"] if "approvals" in path else asked["proposal_id"]
    unknown = theirs[:4] + "0" * (len(theirs) - 4)
    body = {"status": "succeeded"} if method == "POST" else None
    found = [await red.call(method, path.format(one), body) for one in (theirs, unknown)]
    assert found[0][0] == 404
    assert json.dumps(found[0][1]).replace(theirs, "") == json.dumps(found[1][1]).replace(unknown, "")


async def test_lists_and_whoami_never_mix(place: Tenants) -> None:
    red, blue = await place.agent(RED), await place.agent(BLUE)
    for n in range(3):
        await red.propose(f"red-{n}")
        await blue.propose(f"blue-{n}")
    for agent, name in ((red, "red"), (blue, "blue")):
        _, told = await agent.call("GET", "/approvals")
        assert {one["agent"] for one in told["items"]} == {f"{name}-bot"}
        assert len(told["items"]) == 3
        _, me = await agent.call("GET", "/whoami")
        assert me["id"] == f"{name}-bot"


async def test_an_unknown_key_reads_the_same_as_with_one_workspace(place: Tenants) -> None:
    red = await place.agent(RED)
    red.secret = "no-such-secret"
    assert (await red.call("GET", "/whoami"))[0] == 401


async def test_one_workspaces_agent_has_no_name_in_the_other(place: Tenants) -> None:
    _, secret = await place.database.write(BLUE, lambda tx: create_key(tx, KeyKind.AGENT, "red-bot"))
    agent = await place.agent(BLUE)
    agent.secret = secret
    status, told = await agent.call("GET", "/whoami")
    assert (status, told["code"]) == (403, "UNKNOWN_AGENT")


async def deliver(place: Tenants, body: bytes, content_type: str) -> tuple[int, Any]:
    headers = {"Content-Type": content_type, **signing.headers(SIGNING_SECRET, int(time.time()), body)}
    async with place.session.post(f"{place.url}/slack/events", data=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def test_a_workspace_that_is_not_listed_reads_that_nothing_happened(place: Tenants) -> None:
    answer = await place.seat(GREY).interactions.command("U0BOB", "/approvals", "pending", "C0APPROVALS")
    assert answer.status == 200
    assert "does not serve this Slack workspace" in answer.body


async def test_a_click_left_over_in_a_workspace_that_is_no_longer_listed_is_answered(place: Tenants) -> None:
    await (await place.agent(BLUE)).propose("left over")
    card = await place.card(BLUE, "left over")
    place.config.write_text(tenants_text(place.service.url).replace(BLUE, "T0OTHER"))
    await place.server.reload_policy()
    answer = await place.seat(BLUE).interactions.click("U0BOB", card, "Approve")
    assert answer.status == 200
    assert "does not serve this Slack workspace" in str([one.text for one in answer.ephemeral])


async def test_the_end_of_a_strangers_installation_is_not_ours(place: Tenants) -> None:
    await place.seat(GREY).happenings.uninstalled()
    await (await place.agent(RED)).propose("still here")
    await place.card(RED, "still here")


async def test_slack_may_verify_the_address_before_anybody_has_installed_the_app(place: Tenants) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "xyz", "token": "t"}).encode()
    assert await deliver(place, body, "application/json") == (200, {"challenge": "xyz"})


async def test_a_workspace_by_token_stands_beside_those_that_installed(url: str, tmp_path: Path) -> None:
    async with tenants(url, tmp_path, by_token=True, bot_token=f"xoxb-{GREY}-first") as place:
        await place.install(RED)
        await place.connected(RED)
        await (await place.agent(RED)).propose("for-red")
        await place.card(RED, "for-red")
        _, secret = await place.database.write("default", lambda tx: create_key(tx, KeyKind.AGENT, "deployer"))
        await TenantAgent(place, secret).propose("for-grey")
        card = await place.card(GREY, "for-grey")
        await place.seat(GREY).interactions.click("U0BOB", card, "Approve")
        await place.service.called(1)
        assert place.seat(RED).workspace.card("C0APPROVALS", "for-grey") is None


async def test_sockets_carry_every_workspace_to_its_own_office(url: str, tmp_path: Path) -> None:
    async with tenants(url, tmp_path, app_token=APP_TOKEN, signing_secret="") as place:
        for seat in place.slack.seats:
            seat.workspace.app.request_url = None
        blue = place.seat(BLUE)
        await place.slack.workspace.until(lambda: place.slack.sockets.live(blue.workspace) == 2)
        for team in (RED, BLUE):
            await place.install(team)
            await place.connected(team)
        await (await place.agent(BLUE)).propose("by socket")
        await blue.interactions.click("U0BOB", await place.card(BLUE, "by socket"), "Approve")
        await place.service.called(1)
        answer = await place.seat(GREY).interactions.command("U0BOB", "/approvals", "pending", "C0APPROVALS")
        assert "does not serve this Slack workspace" in answer.body
        await place.seat(RED).happenings.uninstalled()
        await place.connected(RED, is_connected=False)
        assert place.seat(RED).workspace.card("C0APPROVALS", "by socket") is None


async def test_workspaces_without_a_way_in_are_refused_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingProblem, match="SLACK_SIGNING_SECRET"):
        async with tenants(sqlite_url, tmp_path, signing_secret=""):
            pass
