"""Details: everything about a call, page by page and as a file, for whoever may look and for nobody else."""

import json
from typing import Any

from bot.workspace import Message, View
from governance.canonical import canonical
from tests.acceptance.test_clicks import told
from tests.acceptance.test_menu import choose, said
from tests.stack import Stack

LONG = {"service": "checkout", "note": "\u202e😀\n" * 9000, "token": "tok-secret"}
FILE = "Send me all of it as a file"


async def sent_files(stack: Stack, person: str, modal: View) -> list[tuple[str, bytes]]:
    """What files came to somebody's direct messages, once their Details say that it was sent."""
    workspace = stack.slack.workspace
    await workspace.until(lambda: "it is in your direct messages" in said(modal), timeout=30)
    return [(one.name, one.data or b"") for message in workspace.dm(person) for one in message.files]


async def test_all_of_a_long_call_comes_as_a_file_with_its_secrets_masked(stack: Stack) -> None:
    _, proposed = await stack.propose(arguments=LONG)
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Details")
    await stack.slack.click("U0BOB", modal, FILE)
    ((name, data),) = await sent_files(stack, "U0BOB", modal)
    assert name == f"{proposed['proposal_id']}-arguments.json"
    assert canonical(json.loads(data)) == canonical({**LONG, "token": "••••••••"})
    assert b"\\u202e\\ud83d\\ude00" in data


async def test_an_edited_call_comes_with_its_first_version(stack: Stack) -> None:
    _, proposed = await stack.propose(arguments=LONG)
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    await stack.slack.submit("U0BOB", modal, {"service": "search"})
    edited = (await stack.shown("C0APPROVALS", card.ts, "Arguments edited")).snapshot()
    modal = await stack.modal("U0CAROL", edited, "Details")
    await stack.slack.click("U0CAROL", modal, FILE)
    files = {name.removeprefix(proposed["proposal_id"]): json.loads(data) for name, data in
             await sent_files(stack, "U0CAROL", modal)}  # fmt: skip
    assert files["-arguments.json"]["service"] == "search"
    assert files["-as-proposed.json"]["service"] == "checkout"


async def test_a_short_call_needs_no_file(stack: Stack) -> None:
    await stack.propose()
    assert FILE not in said(await stack.modal("U0BOB", await stack.card("checkout"), "Details"))


async def test_nobody_else_gets_the_file_not_even_from_a_modal_they_were_shown(stack: Stack) -> None:
    await stack.propose(arguments=LONG)
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Details")
    await stack.slack.click("U0MALLORY", modal, FILE)
    assert "Details open for the reviewers" in await dm_of(stack, "U0MALLORY", "Details open")
    assert [one for message in stack.slack.workspace.dm("U0MALLORY") for one in message.files] == []


async def test_where_slack_does_not_take_the_file_the_person_is_told(stack: Stack) -> None:
    await stack.propose(arguments=LONG)
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Details")
    stack.slack.workspace.faults.add("files.completeUploadExternal", "internal_error")
    await stack.slack.click("U0BOB", modal, FILE)
    assert "Slack did not take our answer" in await dm_of(stack, "U0BOB", "Slack did not take")
    assert [one for message in stack.slack.workspace.dm("U0BOB") for one in message.files] == []


async def test_details_tell_the_whole_story_with_its_reasons(stack: Stack) -> None:
    _, proposed = await stack.propose("deploy.two")
    card = await stack.card("checkout")
    modal = await stack.modal("U0BOB", card, "Defer")
    until = int(stack.database.clock().timestamp()) + 3600
    await stack.slack.submit("U0BOB", modal, {"until": until, "reason": "after lunch"})
    shown = (await stack.shown("C0APPROVALS", card.ts, "Put off")).snapshot()
    modal = await stack.modal("U0CAROL", shown, "Reject")
    await stack.slack.submit("U0CAROL", modal, {"reason_preset": "risk", "reason": "at night"})
    reviews = (await stack.settled(proposed["proposal_id"]))["approval"]["reviews"]
    assert reviews[-1]["reason"] == "Too risky: at night"
    story = said(await details_of(stack, "U0BOB", shown))
    for part in ("after lunch", "Too risky: at night", "*proposal pending*", "*approval decided* · <@U0CAROL>",
                 "tier act_with_approval"):  # fmt: skip
        assert part in story, part


async def details_of(stack: Stack, person: str, card: Message) -> View:
    workspace = stack.slack.workspace
    await stack.slack.click(person, card, "Details")
    return (await workspace.until(lambda: [v for v in workspace.open_views(person) if v.title == "Details"]))[-1]


async def dm_of(stack: Stack, person: str, containing: str) -> str:
    """Wait for a direct message that holds a text: where a modal's button says why not."""
    workspace = stack.slack.workspace
    found: list[Any] = await workspace.until(
        lambda: [one for one in workspace.dm(person) if containing in (one.text or "")], timeout=30
    )
    return str(found[-1].text)


# -- a Slack that takes its time


async def test_a_modal_opens_at_once_and_is_filled_when_slack_says_who_is_in_the_group(stack: Stack) -> None:
    await stack.propose("deploy.group")
    card = await stack.card("checkout")
    workspace = stack.slack.workspace
    workspace.faults.always("usergroups.users.list", "hold")
    await stack.slack.click("U0CAROL", card, "Reject")
    workspace.faults.clear()
    view = await workspace.until(lambda: (v := workspace.open_views("U0CAROL")) and v[-1].title == "Reject" and v[-1])
    assert [one.method for one in workspace.calls if one.method.startswith("views.")] == ["views.open", "views.update"]
    await stack.slack.submit("U0CAROL", view, {"reason": "no"})
    await stack.shown("C0APPROVALS", card.ts, "Rejected")


async def test_a_refusal_that_comes_late_takes_the_place_of_the_skeleton(stack: Stack) -> None:
    await stack.propose("deploy.group")
    card = await stack.card("checkout")
    workspace = stack.slack.workspace
    workspace.faults.always("usergroups.users.list", "hold")
    await stack.slack.click("U0MALLORY", card, "card.more", "Edit arguments")
    workspace.faults.clear()
    view = await workspace.until(
        lambda: (v := workspace.open_views("U0MALLORY")) and "You may not answer" in said(v[-1]) and v[-1]
    )
    assert not any(block["type"] == "input" for block in view.blocks)


async def test_a_check_that_is_quick_opens_the_modal_complete(stack: Stack) -> None:
    await stack.propose("deploy.group")
    await stack.modal("U0CAROL", await stack.card("checkout"), "Reject")
    workspace = stack.slack.workspace
    assert [one.method for one in workspace.calls if one.method.startswith("views.")] == ["views.open"]
    await stack.slack.click("U0MALLORY", await stack.card("checkout"), "Reject")
    await told(stack, "U0MALLORY", "You may not answer")
