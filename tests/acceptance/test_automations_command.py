"""`/automations` in Slack and on the Home tab: looked at, extended, retired, reviewed, by those who may."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace.cast import DEPLOYS
from scheduler.lifecycle import attend_due
from storage.tables import Automation, Grant
from tests.acceptance.governing import ask, labels, registered, started, status_of
from tests.acceptance.test_home import modal, opened, shows
from tests.conftest import Clock
from tests.integration.verbs import count, rows
from tests.stack import Stack


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "admins": '["U0ADMIN", "U0BOB"]'}


async def tick(stack: Stack) -> None:
    policy = stack.server.office.policy.current
    await attend_due(stack.database, lambda _tenant: policy)


async def one(stack: Stack) -> Automation:
    (row,) = await rows(stack.database, Automation)
    return row


async def test_lists_show_where_each_stands(stack: Stack) -> None:
    id = await registered(stack, schedule="0 3 * * *")
    own = await ask(stack, "U0ALICE", "/automations")
    assert "*1 automation of yours*" in own.text
    assert f"*Nightly* `{id}` · ▶️ active · by agent deployer · runs 0 3 * * * · expires <!date^" in own.text
    assert "No automation is yours" in (await ask(stack, "U0CAROL", "/automations")).text
    for text in ("list", "list agent:deployer", "deployer", "list active"):
        assert id in (await ask(stack, "U0CAROL", "/automations", text)).text
    for text in ("list agent:stranger", "list status:paused", "list owed"):
        assert "No automation looks like that" in (await ask(stack, "U0CAROL", "/automations", text)).text
    assert "Narrow it by" in (await ask(stack, "U0CAROL", "/automations", "list colour:red")).text


async def test_one_is_shown_with_its_runs_and_what_was_noticed(stack: Stack) -> None:
    id = await registered(stack)
    await started(stack, id)
    for text in (f"show {id}", id.upper(), "show nightly", "status “Nightly”"):
        said = await ask(stack, "U0CAROL", "/automations", text)
        assert "Last runs, newest first: queued" in said.text
        assert "Owner <@U0ALICE>" in said.text
    assert "There is no automation “weekly”" in (await ask(stack, "U0CAROL", "/automations", "show weekly")).text


async def test_it_is_paused_resumed_retired_and_extended_by_those_who_may(stack: Stack, clock: Clock) -> None:
    id = await registered(stack)
    run = await started(stack, id)
    for text in (
        "pause nightly because x",
        f"retire {id}",
        f"extend {id} for 3 days",
        f"restore {id}",
        "resume nightly",
    ):
        assert "may" in (await ask(stack, "U0CAROL", "/automations", text)).text
    assert await status_of(stack, run) == "queued"
    assert (
        "is paused with its runs"
        in (await ask(stack, "U0ALICE", "/automations", "pause nightly because it loops")).text
    )
    assert (await one(stack)).paused_reason == "it loops"
    assert await status_of(stack, run) == "paused"
    assert "may go on" in (await ask(stack, "U0ALICE", "/automations", f"resume {id}")).text
    assert "is retired" in (await ask(stack, "U0ALICE", "/automations", f"retire {id} because nobody reads it")).text
    row = await one(stack)
    assert (row.retire_reason, row.status) == ("nobody reads it", "paused")
    assert "🏁 retired" in (await ask(stack, "U0ALICE", "/automations")).text
    assert "extend it" in (await ask(stack, "U0ALICE", "/automations", "resume nightly")).text
    assert "goes on until <!date" in (await ask(stack, "U0ALICE", "/automations", "extend nightly for 3 days")).text
    assert (await one(stack)).expires_at == clock() + timedelta(days=3)
    later = (clock() + timedelta(days=10)).date().isoformat()
    assert "goes on until" in (await ask(stack, "U0ADMIN", "/automations", f"extend nightly until {later}")).text
    for wrong in ("until yesterday", "until 2001-01-01", "until 9999-12-31T23:59-12:00", "for 99 days"):
        said = await ask(stack, "U0ALICE", "/automations", f"extend nightly {wrong}")
        assert "until: write" in said.text or "at most 30 days" in said.text


async def test_what_was_deleted_is_restored_by_an_admin(stack: Stack) -> None:
    id = await registered(stack)
    await stack.call("DELETE", f"/api/v1/automations/{id}", {})
    assert "No automation is yours" in (await ask(stack, "U0ALICE", "/automations")).text
    assert "Only admins may restore" in (await ask(stack, "U0ALICE", "/automations", f"restore {id}")).text
    assert "Say which by its id" in (await ask(stack, "U0ADMIN", "/automations", "restore nightly")).text
    assert "is back as it was" in (await ask(stack, "U0ADMIN", "/automations", f"undelete {id}")).text
    assert id in (await ask(stack, "U0ALICE", "/automations")).text


async def test_a_review_that_is_owed_leads_to_its_question(stack: Stack) -> None:
    id = await registered(stack)
    assert "Nobody owes automation" in (await ask(stack, "U0ALICE", "/automations", "review nightly")).text
    await ask(stack, "U0ADMIN", "/grants", f"give stranger {id} because it mends it")
    (grant,) = await rows(stack.database, Grant)
    await ask(stack, "U0ADMIN", "/grants", f"revoke {grant.id}")
    card = await stack.card("Review Nightly")
    said = await ask(stack, "U0ALICE", "/automations", "review nightly")
    assert card.ts.replace(".", "") in json.dumps(said.blocks)
    assert "Details open for" in (await ask(stack, "U0MALLORY", "/automations", "review nightly", DEPLOYS)).text
    assert "👀 *review owed*" in (await ask(stack, "U0ALICE", "/automations", "list owed")).text
    await stack.slack.click("U0ALICE", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0ALICE>")
    assert (await one(stack)).review_required is False


async def test_lists_have_pages_and_are_shared(stack: Stack) -> None:
    for number in range(5):
        await registered(stack, f"Job {number}")
    card = await stack.card("Review agent deployer")
    await stack.slack.click("U0ALICE", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0ALICE>")
    listed = await ask(stack, "U0ALICE", "/automations", "list")
    assert "5 automations here" in listed.text
    assert labels(listed) == ["Share here"]
    await stack.slack.click("U0ALICE", listed, "Share here")
    workspace = stack.slack.workspace
    shared = await workspace.until(
        lambda: [m for m in workspace.messages_in("C0APPROVALS") if "Shared by" in str(m.blocks)]
    )
    assert "5 automations here" in shared[0].text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("shwo nightly", "Did you mean `show`?"), ("help", "• `extend` "), ("help extend", "extend nightly until"),
     ("show", "Say which automation"), ("frobnicate", "I do not know `frobnicate`")],
)  # fmt: skip
async def test_words_are_explained(stack: Stack, text: str, sentence: str) -> None:
    assert sentence in (await ask(stack, "U0CAROL", "/automations", text)).text


# -- Home


async def test_an_automation_that_expires_is_extended_on_its_owner_s_home(stack: Stack, clock: Clock) -> None:
    id = await registered(stack, expires_at=(clock() + timedelta(days=2)).isoformat())
    home = await opened(stack, "U0ALICE", "Your automations", "Nightly", "Extend…", "Retire…")
    assert "Keep and extend…" not in json.dumps(home.blocks)
    clock.forward(hours=25)
    await tick(stack)
    card = await stack.card("Retire Nightly")
    home = await opened(stack, "U0ALICE", "Keep and extend…", f"p{card.ts.replace('.', '')}", "stands above")
    asking = await modal(stack, "U0ALICE", home, "Extend…")
    await stack.slack.submit("U0ALICE", asking, {"reason": "still read"})
    await shows(stack, "U0ALICE", "Nightly", without=("Keep and extend…",))
    assert (await one(stack)).expires_at == clock() + timedelta(days=90)
    await stack.shown("C0APPROVALS", card.ts, "the automation was extended")
    assert id in json.dumps((await opened(stack, "U0ALICE", "Nightly")).blocks)


async def test_whether_an_automation_goes_on_is_answered_on_its_owner_s_home(stack: Stack, clock: Clock) -> None:
    await registered(stack, expires_at=(clock() + timedelta(days=2)).isoformat())
    clock.forward(hours=25)
    await tick(stack)
    card = await stack.card("Retire Nightly")
    home = await opened(stack, "U0ALICE", "Keep and extend…")
    asking = await modal(stack, "U0ALICE", home, "Keep and extend…")
    await stack.slack.submit("U0ALICE", asking, {})
    clock.forward(seconds=5)  # changes of Homes are collected for a moment
    await shows(stack, "U0ALICE", "Nightly", without=("Keep and extend…",))
    assert (await one(stack)).expires_at == clock() - timedelta(seconds=5) + timedelta(days=90)
    await stack.shown("C0APPROVALS", card.ts, "Kept and extended* by <@U0ALICE>")


async def test_an_automation_is_retired_on_home_by_its_owner_alone(stack: Stack) -> None:
    await registered(stack)
    home = await opened(stack, "U0ALICE", "Nightly")
    asking = await modal(stack, "U0ALICE", home, "Retire…")
    forged = await modal(stack, "U0CAROL", home, "Retire…")
    await stack.slack.submit("U0CAROL", forged, {"reason": "mine now"})
    assert (await one(stack)).retired_at is None
    await stack.slack.submit("U0ALICE", asking, {"reason": "nobody reads it"})
    home = await shows(stack, "U0ALICE", "🏁 retired")
    assert "Retire…" not in json.dumps(home.blocks)


async def test_grants_of_my_agents_are_on_my_home_and_admins_revoke_there(stack: Stack) -> None:
    id = await registered(stack)
    home = await opened(stack, "U0ADMIN", "Grants", "Give a grant…")
    asking = await modal(stack, "U0ADMIN", home, "Give a grant…")
    filled = {"agent": "stranger", "right": f"aut:{id}", "hours": "8", "reason": "it mends it"}
    await stack.slack.submit("U0ADMIN", asking, filled)
    mine = await shows(stack, "U0ADMIN", "may change Nightly", "home.ungrant")
    theirs = await opened(stack, "U0MALLORY", "may change Nightly")  # the creator of the agent
    assert "home.ungrant" not in json.dumps(theirs.blocks)
    await stack.slack.click("U0ADMIN", mine, "Revoke")
    await shows(stack, "U0ADMIN", "Grants", without=("may change Nightly",))
    (kept,) = await rows(stack.database, Grant)
    assert kept.revoked_by == "person:U0ADMIN"
    assert await count(stack.database, Grant) == 1


async def test_nothing_anybody_types_is_a_fault_or_too_much_for_slack(stack: Stack) -> None:
    """Every word with every odd text behind it; what Slack would refuse fails the test when the stack stops."""
    await registered(stack, "`<!channel>` *x*" + "n" * 150)
    odd = ["", "\u202e", "<!channel>", "<@U0BOB|bob>", "{agent}", "%_/\\'\"", "x" * 4000, "𝕏\ufe0f", "aut_", "grt_",
           "for 99999w", "until 0001-01-01", "a for 1h because \x00", "deployer NaN", "deployer 1e999"]  # fmt: skip
    words = {
        "/grants": ("", "list", "mine", "revoke", "why", "help"),
        "/spend": ("", "show", "cap", "override", "help"),
        "/automations": ("", "list", "show", "review", "extend", "retire", "restore", "pause", "resume", "help"),
    }
    for command, each in words.items():
        for word in each:
            answers = [await stack.slack.command("U0MALLORY", command, f"{word} {text}", DEPLOYS) for text in odd]
            assert {answer.status for answer in answers} == {200}
    said = [message.text for message in stack.slack.workspace.ephemerals("U0MALLORY")]
    assert [text for text in said if "went wrong on our side" in text] == []
