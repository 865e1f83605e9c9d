"""What goes wrong again and again in bots that ask for approvals in Slack: slowness, repetition, loss, and restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app import Server, build
from bot.settings import Settings
from bot.workspace.cast import APP_TOKEN
from storage.tables import ApprovalRequest, Execution, OutboxMessage, OutboxStatus, Review
from tests.acceptance.test_clicks import told
from tests.conftest import ENCRYPTION_KEY
from tests.integration.calls import API
from tests.integration.verbs import count, rows
from tests.stack import ENVIRONMENT, SIGNING_SECRET, Stack

APPROVALS, DEPLOYS = "C0APPROVALS", "C0DEPLOYS"


@asynccontextmanager
async def another(stack: Stack, url: str, app_token: str = "") -> AsyncIterator[Server]:
    """Start one more server on the same database; with an app token it is reached over Socket Mode."""
    settings = Settings(
        config=stack.config, database_url=url, host="127.0.0.1", port=0, bot_token="xoxb-demo",
        signing_secret=SIGNING_SECRET, app_token=app_token, slack_api_url=stack.slack.api_url,
        encryption_key=ENCRYPTION_KEY,
    )  # fmt: skip
    server = await build(settings, ENVIRONMENT)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def rest(stack: Stack) -> None:
    """Wait until nothing is owed to Slack any more."""
    over = (OutboxStatus.SENT, OutboxStatus.DEAD)
    async with asyncio.timeout(30):
        while any(one.status not in over for one in await rows(stack.database, OutboxMessage)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


# -- Slack takes its time


async def test_a_click_is_acknowledged_and_its_call_runs_however_slowly_slack_takes_messages(stack: Stack) -> None:
    """closes slack-approval-bots 1"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    stack.slack.workspace.faults.always("messages", "slow:6")
    clicked = await stack.slack.click("U0BOB", card, "Approve")
    assert (clicked.status, clicked.timed_out) == (200, False)
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    stack.slack.workspace.faults.clear()
    await stack.shown(APPROVALS, card.ts, "Succeeded")


async def test_a_click_is_acknowledged_although_every_look_at_people_takes_nearly_as_long_as_slack_waits(
    stack: Stack,
) -> None:
    """closes slack-approval-bots 1, 4"""
    _, proposed = await stack.propose("deploy.group")
    card = (await stack.card("checkout")).snapshot()
    for method in ("users.info", "usergroups.users.list"):
        stack.slack.workspace.faults.always(method, "slow:1.9")
    clicked = await stack.slack.click("U0CAROL", card, "Approve")
    assert (clicked.status, clicked.timed_out) == (200, False)
    await told(stack, "U0CAROL", "Watch the card")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_a_modal_comes_up_at_once_where_what_it_shows_takes_longer_than_its_trigger_lives(stack: Stack) -> None:
    """closes slack-approval-bots 2"""
    await stack.propose("deploy.group")
    await stack.card("checkout")
    workspace = stack.slack.workspace
    workspace.faults.always("usergroups.users.list", "hold")
    asked = await stack.slack.command("U0CAROL", "/approvals", "batch")
    assert not asked.timed_out
    (view,) = workspace.open_views("U0CAROL")
    workspace.faults.clear()
    await workspace.until(lambda: "Nothing of low risk waits" in json.dumps(view.blocks))


async def test_a_modal_that_slack_no_longer_lets_us_open_is_one_sentence_and_the_next_click_opens_it(
    stack: Stack,
) -> None:
    """closes slack-approval-bots 2, 4"""
    await stack.propose()
    card = await stack.card("checkout")
    stack.slack.workspace.faults.add("views.open", "expired_trigger_id")
    assert (await stack.slack.click("U0BOB", card, "Reject")).view is None
    await told(stack, "U0BOB", "Please click again")
    assert (await stack.modal("U0BOB", card, "Reject")).title == "Reject"


async def test_a_sentence_that_slack_takes_neither_in_the_channel_nor_by_its_url_comes_as_a_direct_message(
    stack: Stack,
) -> None:
    """closes slack-approval-bots 4"""
    await stack.propose()
    card = await stack.card("checkout")
    workspace = stack.slack.workspace
    workspace.faults.add("chat.postEphemeral", "503")
    workspace.faults.add("response_url", "429")
    await stack.slack.click("U0MALLORY", card, "Approve")
    (said,) = await workspace.until(lambda: workspace.dm("U0MALLORY"))
    assert "You may not answer this request" in said.text


async def test_an_update_that_overtakes_another_leaves_the_newer_card_standing(stack: Stack) -> None:
    """closes slack-approval-bots 6"""
    _, proposed = await stack.propose("deploy.two")
    card = (await stack.card("checkout")).snapshot()
    workspace = stack.slack.workspace
    workspace.faults.add("chat.update", "slow:2")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.slack.click("U0CAROL", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await workspace.until(lambda: [one for one in workspace.called("chat.update") if one.fault])
    await rest(stack)
    now = workspace.find(APPROVALS, card.ts)
    assert now is not None
    assert "Succeeded" in json.dumps(now.blocks)
    assert "card.approve" not in json.dumps(now.blocks)


async def test_nothing_is_lost_and_nothing_said_twice_where_slack_says_it_is_too_much(stack: Stack) -> None:
    """closes slack-approval-bots 8"""
    workspace = stack.slack.workspace
    workspace.faults.add("messages", "429", times=3)
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    workspace.faults.add("messages", "429", times=3)
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await stack.shown(APPROVALS, card.ts, "Succeeded")
    await rest(stack)
    assert len([one for one in workspace.messages_in(APPROVALS) if one.thread_ts is None]) == 1
    assert len(workspace.dm("U0ALICE")) == 1
    assert await count(stack.database, OutboxMessage, status=OutboxStatus.DEAD) == 0


# -- the same thing again


async def test_the_same_click_signed_anew_is_one_answer(stack: Stack) -> None:
    """closes slack-approval-bots 7; automation-governance 18"""
    _, proposed = await stack.propose("deploy.two")
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0BOB", card, "Approve")
    signed_at = stack.slack.transport.signing_clock
    for later in (1, 2):
        stack.slack.transport.signing_clock = lambda later=later: signed_at() + later
        assert (await stack.slack.seat.interactions.again()).status == 200
    await stack.shown(APPROVALS, card.ts, "1 of 2")
    _, now = await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}")
    assert (now["state"], [one["by"] for one in now["approval"]["reviews"]]) == ("pending", ["U0BOB"])


async def test_an_event_whose_first_delivery_never_arrived_is_answered_when_it_comes_again(stack: Stack) -> None:
    """closes slack-approval-bots 7"""
    await stack.propose()
    workspace, events = stack.slack.workspace, stack.slack.seat.events
    opened = {"type": "app_home_opened", "user": "U0BOB", "channel": workspace.dm_channel("U0BOB").id, "tab": "home",
              "event_ts": workspace.tick()}  # fmt: skip
    for retry in (1, 2):
        assert (await events.redeliver(opened, "Ev0LOST", retry)).ok
    home = await workspace.until(lambda: workspace.home("U0BOB"))
    assert "Deploy to production" in json.dumps(home.blocks)


async def test_an_agent_whose_run_is_replayed_asks_once_and_reads_the_same_end(stack: Stack) -> None:
    """closes slack-approval-bots 21"""
    answers = await asyncio.gather(*(stack.propose(idempotency_key="step-7") for _ in range(5)))
    assert len({body["proposal_id"] for _, body in answers}) == 1
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.settled(answers[0][1]["proposal_id"])
    for _ in range(2):
        status, replayed = await stack.propose(idempotency_key="step-7")
        assert (status, replayed["state"], replayed["duplicate"]) == (200, "succeeded", True)
    await rest(stack)
    assert len([one for one in stack.slack.workspace.messages_in(APPROVALS) if one.thread_ts is None]) == 1
    assert stack.service.effects == await count(stack.database, ApprovalRequest) == 1


# -- several processes, one after another and side by side


async def test_a_card_from_before_a_restart_is_answered_by_the_process_after_it(stack: Stack, url: str) -> None:
    """closes slack-approval-bots 4, 13"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    await stack.server.stop()
    async with another(stack, url) as server:
        stack.url = f"http://127.0.0.1:{server.port}"
        stack.slack.workspace.app.request_url = f"{stack.url}/slack/events"
        await stack.slack.click("U0MALLORY", card, "Approve")
        await told(stack, "U0MALLORY", "You may not answer")
        await stack.slack.click("U0BOB", card, "Approve")
        assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
        await stack.shown(APPROVALS, card.ts, "Succeeded")
    assert stack.service.effects == 1


async def test_whichever_process_hears_of_it_every_answer_counts_once(stack: Stack, url: str) -> None:
    """closes slack-approval-bots 3, 7, 13"""
    _, proposed = await stack.propose("deploy.two")
    card = (await stack.card("checkout")).snapshot()
    workspace, sockets = stack.slack.workspace, stack.slack.sockets
    async with another(stack, url, APP_TOKEN), another(stack, url, APP_TOKEN):
        await workspace.until(lambda: sockets.live(workspace) >= 2)
        await stack.slack.click("U0BOB", card, "Approve")
        await stack.slack.seat.interactions.again()  # to the other process, as whatever was not acknowledged is
        assert await count(stack.database, Review) == 1
        await asyncio.gather(*(stack.slack.click("U0CAROL", card, "Approve") for _ in range(2)))
        assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"

        _, other = await stack.propose(arguments={"service": "search"})
        modal = await stack.modal("U0CAROL", await stack.card("search"), "Reject")  # opened by one, sent to the other
        await stack.slack.submit("U0CAROL", modal, {"reason": "not today"})
        assert (await stack.settled(other["proposal_id"]))["state"] == "rejected"
    assert await count(stack.database, Execution) == stack.service.effects == 1
