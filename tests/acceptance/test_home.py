"""The Home tab: everything one person has to do with, with buttons, and true for as long as they look at it."""

import asyncio
import json
from typing import Any

import pytest

from bot.slack import Directory
from bot.workspace import View
from storage.tables import Home, KeyKind, OutboxMessage, Preference, Rendering, Rule
from tests.integration.calls import API
from tests.integration.verbs import count, rows
from tests.stack import Stack


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"agent": "max_autonomous_decisions_per_hour = 20", "admins": '["U0ADMIN", "U0BOB"]'}


def words(view: View | None) -> str:
    return json.dumps(view.blocks, ensure_ascii=False) if view else ""


async def shows(stack: Stack, person: str, *wanted: str, without: tuple[str, ...] = ()) -> View:
    """Wait until a person's Home says some things, and others no more."""
    workspace = stack.slack.workspace

    def look() -> View | None:
        view = workspace.home(person)
        said = words(view)
        return view if said and all(w in said for w in wanted) and not any(w in said for w in without) else None

    return await workspace.until(look, timeout=30)


async def opened(stack: Stack, person: str, *wanted: str) -> View:
    """Open a Home and wait for what it should say."""
    assert (await stack.slack.open_home(person)).status == 200
    return await shows(stack, person, *wanted)


async def modal(stack: Stack, person: str, view: View, button: str) -> View:
    """Press a button of a Home that opens a modal."""
    await stack.slack.click(person, view, button)
    return await stack.opened(person)


async def test_a_request_is_approved_on_the_home_tab_and_every_copy_shows_it(stack: Stack) -> None:
    _, told = await stack.propose()
    card = await stack.card("checkout")
    home = await opened(stack, "U0BOB", "Deploy to production", "0 of 1", "risk high write", f"p{card.ts[:10]}")
    assert (await stack.slack.click("U0BOB", home, "Approve")).status == 200
    assert (await stack.settled(told["proposal_id"]))["state"] == "succeeded"
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0BOB>")
    await shows(stack, "U0BOB", "Nothing. Agents can carry on", without=("card.approve", "Expires soon"))
    assert stack.service.effects == 1


async def test_somebody_elses_decision_redraws_my_home(stack: Stack) -> None:
    _, told = await stack.propose()
    card = await stack.card("checkout")
    stale = await opened(stack, "U0CAROL", "Deploy to production", "card.approve")
    before = View(stale.id, stale.user, json.loads(json.dumps(stale.body)), stale.hash, stale.root_id)
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.settled(told["proposal_id"])
    await shows(stack, "U0CAROL", "Nothing. Agents can carry on", without=("card.approve",))
    await stack.slack.click("U0CAROL", before, "Approve")
    workspace = stack.slack.workspace
    said = await stack.opened("U0CAROL")
    assert "already approved by <@U0BOB>" in words(said)
    assert stack.service.effects == 1
    assert workspace.ephemerals("U0CAROL") == []


async def test_a_rejection_on_the_home_tab_asks_why_and_needs_the_same_right(stack: Stack) -> None:
    _, told = await stack.propose()
    await stack.card("checkout")
    home = await opened(stack, "U0BOB", "Deploy to production")
    await stack.slack.click("U0MALLORY", home, "Reject…")
    refused = await stack.opened("U0MALLORY")
    assert "may not answer this request" in words(refused)
    asking = await modal(stack, "U0BOB", home, "Reject…")
    answer = await stack.slack.submit("U0BOB", asking, {"reason": "not on a Friday"})
    assert answer.status == 200
    assert (await stack.settled(told["proposal_id"]))["state"] == "rejected"
    await shows(stack, "U0BOB", "Nothing. Agents can carry on")


async def test_details_open_from_the_home_tab(stack: Stack) -> None:
    await stack.propose(arguments={"service": "checkout", "note": "by day" * 200 + "by night"})
    await stack.card("checkout")
    home = await opened(stack, "U0BOB", "Deploy to production")
    assert "by night" not in words(home)
    assert "by night" in words(await modal(stack, "U0BOB", home, "Details"))


async def test_nobody_approves_on_the_home_tab_what_they_cannot_read_there(stack: Stack) -> None:
    await stack.propose(arguments={"service": "checkout", "note": "short"})
    await stack.card("checkout")
    assert words(await opened(stack, "U0BOB", "short")).count("card.approve") == 1
    await stack.propose(arguments={"service": "search", "note": "x" * 600})
    await stack.card("search")
    home = await opened(stack, "U0BOB", "Not all of the arguments")
    assert words(home).count("card.approve") == 1
    assert words(home).count("card.reject") == 2


async def test_a_refusal_is_said_in_a_direct_message_where_no_modal_opens_any_more(stack: Stack) -> None:
    await stack.propose()
    await stack.card("checkout")
    home = await opened(stack, "U0BOB", "Deploy to production")
    stack.slack.workspace.faults.add("views.open", "internal_error")
    await stack.slack.click("U0MALLORY", home, "Approve")
    workspace = stack.slack.workspace
    said = await workspace.until(lambda: workspace.dm("U0MALLORY"))
    assert "may not answer this request" in said[-1].text
    assert stack.service.effects == 0


async def test_a_home_lists_what_waits_for_whom_and_keeps_its_renderings(stack: Stack) -> None:
    await stack.propose("deploy.two")
    await stack.card("checkout")
    home = await opened(stack, "U0BOB", "0 of 2")
    renderings = await count(stack.database, Rendering)
    for _ in range(3):
        await stack.slack.open_home("U0BOB")
    assert await count(stack.database, Rendering) == renderings
    await stack.slack.click("U0BOB", home, "Approve")
    await shows(stack, "U0BOB", "Nothing. Agents can carry on")
    await opened(stack, "U0CAROL", "1 of 2", "card.approve")
    await opened(stack, "U0MALLORY", "Nothing. Agents can carry on", "*Stranger*")
    await opened(stack, "U0ADMIN", "All agents", "*Deployer*", "*Stranger*")


async def test_settings_are_made_on_the_home_tab(stack: Stack) -> None:
    home = await opened(stack, "U0BOB", "*Digest* none", "*Quiet hours* none", "*Out of office* no")
    asking = await modal(stack, "U0BOB", home, "Settings…")
    wrong = await stack.slack.submit("U0BOB", asking, {"digest_hour": "9", "quiet_from": "22:00"})
    assert wrong.status == 200
    assert "need both ends" in str(asking.errors["quiet_to"])
    assert await count(stack.database, Preference) == 0
    await stack.slack.submit("U0BOB", asking, {"digest_hour": "9", "quiet_from": "22:00", "quiet_to": "06:30"})
    home = await shows(stack, "U0BOB", "every day at 09:00", "22:00 to 06:30")
    (kept,) = await rows(stack.database, Preference)
    assert (kept.person, kept.digest_hour, kept.quiet_from, kept.quiet_to) == ("U0BOB", 9, 22 * 60, 6 * 60 + 30)
    assert kept.tz is not None
    assert kept.tz.removeprefix("Etc/").replace("_", " ") in words(home)
    again = await modal(stack, "U0BOB", home, "Settings…")
    await stack.slack.submit("U0BOB", again, {"digest_hour": "none", "quiet_from": None, "quiet_to": None})
    await shows(stack, "U0BOB", "*Digest* none", "*Quiet hours* none")


async def test_an_absence_is_announced_shown_and_ended(stack: Stack) -> None:
    home = await opened(stack, "U0BOB", "*Out of office* no")
    asking = await modal(stack, "U0BOB", home, "Out of office…")
    for delegate in ("U0GUEST", "U0BOT", "U0BOB"):
        await stack.slack.submit("U0BOB", asking, {"to": delegate})
        assert "somebody else" in str(asking.errors["to"])
    assert await count(stack.database, Preference) == 0
    await stack.slack.submit("U0BOB", asking, {"to": "U0CAROL"})
    home = await shows(stack, "U0BOB", "<@U0CAROL> answers for you", "I am back", without=("Out of office…",))
    await stack.slack.click("U0BOB", home, "I am back")
    await shows(stack, "U0BOB", "*Out of office* no", "Out of office…")


async def test_an_agent_is_paused_and_resumed_on_the_home_tab_of_its_creator(stack: Stack) -> None:
    await stack.propose("note.auto")
    home = await opened(stack, "U0ALICE", "*Deployer*", "1 of 20 unasked this hour", "▰▱▱▱▱▱▱▱▱▱", "nothing waiting")
    asking = await modal(stack, "U0ALICE", home, "Pause…")
    await stack.slack.submit("U0ALICE", asking, {"reason": "it loops"})
    home = await shows(stack, "U0ALICE", "*Paused* by <@U0ALICE>: it loops", "Resume…")
    assert (await stack.propose("note.auto"))[1]["code"] == "AGENT_PAUSED"
    asking = await modal(stack, "U0ALICE", home, "Resume…")
    await stack.slack.submit("U0ALICE", asking, {"reason": "mended"})
    home = await shows(stack, "U0ALICE", "Pause…", without=("*Paused*",))
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/agents/deployer/pause", {"reason": "no"})
    await shows(stack, "U0ALICE", "*Paused* by <@U0BOB>", without=("Resume…", "Pause…"))


async def test_a_rule_is_revoked_on_the_home_tab_by_its_author(stack: Stack) -> None:
    _, told = await stack.propose()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{told['approval']['id']}"
    await opened(stack, "U0ALICE", "None. What you choose")
    await stack.signed(bob, "POST", path, {"decision": "approve", "remember": "forever"})
    await stack.settled(told["proposal_id"])
    await shows(stack, "U0ALICE", "the very same arguments", without=("home.revoke",))
    home = await opened(stack, "U0BOB", "*allow* `deploy.production`", "used 0 times")
    await stack.slack.click("U0BOB", home, "Revoke")
    await shows(stack, "U0BOB", "None. What you choose", without=("home.revoke",))
    (rule,) = await rows(stack.database, Rule)
    assert rule.ended_by == "U0BOB"
    await shows(stack, "U0ALICE", "None. What you choose")


async def test_a_guest_reads_that_the_home_is_not_for_them(stack: Stack) -> None:
    await stack.propose()
    await stack.card("checkout")
    view = await opened(stack, "U0GUEST", "full members of this workspace only")
    assert len(view.blocks) == 1
    assert await count(stack.database, Home) == 0


async def test_who_is_no_member_any_more_loses_their_home(stack: Stack) -> None:
    await opened(stack, "U0CAROL", "Waiting for you")
    stack.slack.workspace.users["U0CAROL"].is_restricted = True
    office = stack.server.office
    office.directory = Directory(office.client, office._team_id)  # what it knew a minute ago is forgotten
    await stack.propose()
    await shows(stack, "U0CAROL", "full members of this workspace only", without=("checkout",))
    assert await count(stack.database, Home) == 0


async def test_where_nobody_opened_a_home_nothing_is_owed(stack: Stack) -> None:
    _, told = await stack.propose()
    await stack.slack.click("U0BOB", await stack.card("checkout"), "Approve")
    await stack.settled(told["proposal_id"])
    assert await count(stack.database, OutboxMessage, kind="homes") == 0


async def test_a_burst_of_changes_is_one_look(stack: Stack) -> None:
    await opened(stack, "U0BOB", "Waiting for you")
    published = len(stack.slack.workspace.called("views.publish"))
    await asyncio.gather(*(stack.propose(arguments={"service": f"s{n}"}) for n in range(12)))
    await shows(stack, "U0BOB", "and 2 more: `/approvals mine`")
    assert len(stack.slack.workspace.called("views.publish")) - published <= 3


async def test_a_home_that_slack_refuses_holds_up_no_other(stack: Stack) -> None:
    for person in ("U0ADMIN", "U0BOB", "U0CAROL"):
        await opened(stack, person, "Waiting for you")
    stack.slack.workspace.faults.add("views.publish", "internal_error")
    await stack.propose("deploy.default")
    for person in ("U0ADMIN", "U0BOB"):
        await shows(stack, person, "Deploy, default reviewers")
