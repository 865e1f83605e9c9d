"""Commands in Slack: what each word answers, to whom, a page at a time, in private or shared."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace import Message
from bot.workspace.cast import APPROVALS, DEPLOYS
from storage.tables import KeyKind
from tests.acceptance.test_clicks import told
from tests.integration.calls import API
from tests.integration.verbs import sql
from tests.stack import Stack


async def ask(stack: Stack, person: str, text: str = "", channel: str = APPROVALS) -> Message:
    """Type a command and return its answer, however it came."""
    before = {one.ts for one in stack.slack.workspace.ephemerals(person)}
    done = await stack.slack.command(person, "/approvals", text, channel)
    assert done.status == 200

    def answered() -> Message | None:
        return next((one for one in stack.slack.workspace.ephemerals(person) if one.ts not in before), None)

    return await stack.slack.workspace.until(answered, timeout=30)


async def several(stack: Stack, number: int, tool: str = "deploy.production") -> list[dict[str, Any]]:
    """Propose some calls, one after the other."""
    return [(await stack.propose(tool, arguments={"service": f"s{one:02}"}))[1] for one in range(number)]


async def decided(stack: Stack, proposed: dict[str, Any], person: str, decision: str = "approve") -> None:
    key = await stack.key(KeyKind.OPERATOR, person)
    path, body = f"{API}/approvals/{proposed['approval']['id']}", {"decision": decision, "reason": "because"}
    assert (await stack.signed(key, "POST", path, body))[0] == 200


def labels(message: Message) -> list[str]:
    """The words on the buttons under a list."""
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [one["text"]["text"] for row in rows for one in row["elements"]]


def entries(message: Message) -> int:
    return sum("accessory" in block for block in message.blocks)


# -- mine


async def test_mine_is_what_one_may_answer_now_and_has_not(stack: Stack) -> None:
    """Alice's own call, a group, a barred creator, a delegated place, a vote given, an edit, and a call put off."""
    await stack.propose("deploy.group", arguments={"service": "oncall"})
    await stack.propose("deploy.barred", arguments={"service": "barred"})
    assert "2 requests wait for you" in (await ask(stack, "U0BOB")).text
    assert "1 request waits for you" in (await ask(stack, "U0CAROL", "my")).text
    assert (await ask(stack, "U0ALICE")).text == "Nothing waits for you."
    _, two = await stack.propose("deploy.two", on_behalf_of="U0CAROL")
    assert "Deploy with two keys" in (await ask(stack, "U0ALICE")).text
    assert "two keys" not in (await ask(stack, "U0CAROL")).text
    await decided(stack, two, "U0ALICE")
    assert (await ask(stack, "U0ALICE")).text == "Nothing waits for you."
    assert "two keys" in (await ask(stack, "U0BOB")).text
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    handed = await stack.signed(bob, "POST", f"{API}/approvals/{two['approval']['id']}/delegate", {"to": "U0ADMIN"})
    assert handed[0] == 200
    assert "two keys" not in (await ask(stack, "U0BOB")).text
    assert "two keys" in (await ask(stack, "U0ADMIN")).text


async def test_who_edited_or_put_off_a_call_is_not_waited_for(stack: Stack) -> None:
    _, edited = await stack.propose()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{edited['approval']['id']}"
    changed = {"arguments": {"service": "search"}, "digest": edited["digest"], "reason": "wrong one"}
    assert (await stack.signed(bob, "POST", f"{path}/edit", changed))[0] == 200
    assert (await ask(stack, "U0BOB")).text == "Nothing waits for you."
    assert "1 request waits" in (await ask(stack, "U0CAROL")).text
    _, later = await stack.propose("deploy.once")
    until = (stack.database.clock() + timedelta(hours=1)).isoformat()
    put_off = {"decision": "defer", "reason": "later", "until": until}
    carol, path = await stack.key(KeyKind.OPERATOR, "U0CAROL"), f"{API}/approvals/{later['approval']['id']}"
    assert (await stack.signed(carol, "POST", path, put_off))[0] == 200
    assert "repeatable" not in (await ask(stack, "U0CAROL")).text
    assert "repeatable" in (await ask(stack, "U0BOB")).text


async def test_a_group_slack_cannot_be_asked_about_is_said_and_hides_nothing_else(stack: Stack) -> None:
    await stack.propose("deploy.group")
    await stack.propose()
    stack.slack.workspace.faults.add("usergroups.users.list", "500")
    found = await ask(stack, "U0BOB")
    assert "1 request waits for you" in found.text
    assert "Slack could not be asked about a user group" in found.text


# -- lists


async def test_a_list_has_pages_that_are_asked_afresh_at_each_click(stack: Stack) -> None:
    proposed = await several(stack, 23)
    first = await ask(stack, "U0BOB", "list")
    assert "23 requests wait" in first.text
    assert (entries(first), labels(first)) == (10, ["Next", "Share here"])
    await stack.slack.click("U0BOB", first, "Next")
    second = await stack.slack.workspace.until(
        lambda: (m := stack.slack.workspace.find(APPROVALS, first.ts)) and "Page 2 of 3" in m.text and m
    )
    assert (entries(second), labels(second)) == (10, ["Previous", "Next", "Share here"])
    for one in proposed[:4]:
        await decided(stack, one, "U0CAROL")
    await stack.slack.click("U0BOB", second, "Next")
    last = await stack.slack.workspace.until(
        lambda: (m := stack.slack.workspace.find(APPROVALS, first.ts)) and "19 requests" in m.text and m
    )
    assert "Page 2 of 2" in last.text
    assert (entries(last), labels(last)) == (9, ["Previous", "Share here"])


async def test_details_open_from_a_list_for_those_who_may_look(stack: Stack) -> None:
    await stack.propose()
    await stack.slack.click("U0BOB", await ask(stack, "U0BOB", "pending"), "Details")
    assert "checkout" in json.dumps((await stack.opened("U0BOB")).blocks)
    listed = await ask(stack, "U0MALLORY", "pending", DEPLOYS)
    assert "Deploy to production" in listed.text
    assert "checkout" not in json.dumps(listed.blocks)
    await stack.slack.click("U0MALLORY", listed, "Details")
    await told(stack, "U0MALLORY", "Details open for the reviewers")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("agent:deployer", 3), ("agent:DEPLOYER", 3), ("agent:stranger", 0), ("tool:deploy.*", 2),
        ("tool:`deploy.production`", 1), ("tool:deploy_*", 0), ("tool:%", 0), ("risk:low_write", 1),
        ("risk:high-write agent:Deployer", 2), ("older:1h", 0), ("older than 1 minutes", 0),
    ],
)  # fmt: skip
async def test_filters_narrow_what_waits(stack: Stack, filters: str, found: int) -> None:
    await stack.propose()
    await stack.propose("deploy.once")
    await stack.propose("hint.it")
    said = await ask(stack, "U0BOB", f"pending {filters}")
    assert entries(said) == found
    assert (said.text == "Nothing that waits looks like that.") is (found == 0)


# -- sharing


async def test_sharing_a_list_shows_the_channel_titles_and_links_and_no_buttons(stack: Stack) -> None:
    await stack.propose()
    await stack.card("checkout")
    listed = await ask(stack, "U0BOB")
    await stack.slack.click("U0BOB", listed, "Share here")
    workspace = stack.slack.workspace
    shared = await workspace.until(
        lambda: [m for m in workspace.messages_in(APPROVALS) if "Shared by" in str(m.blocks)]
    )
    assert "1 request waits for <@U0BOB>" in shared[0].text
    assert "/archives/C0APPROVALS/p" in shared[0].text
    assert (shared[0].only_for, labels(shared[0]), entries(shared[0])) == (None, [], 0)
    assert "checkout" not in json.dumps(shared[0].blocks)
    assert workspace.find(APPROVALS, listed.ts).text == listed.text


async def test_a_list_command_that_ends_in_share_answers_everybody(stack: Stack) -> None:
    await stack.propose()
    await stack.slack.command("U0BOB", "/approvals", "pending share here", DEPLOYS)
    workspace = stack.slack.workspace
    (shared,) = [m for m in workspace.messages_in(DEPLOYS) if "Shared by <@U0BOB>" in str(m.blocks)]
    assert "Deploy to production" in shared.text


async def test_nothing_is_shared_where_outsiders_may_read(stack: Stack) -> None:
    await stack.propose()
    stack.slack.workspace.channels[DEPLOYS].is_ext_shared = True
    said = await ask(stack, "U0BOB", "pending share", DEPLOYS)
    assert said.text == "This channel is shared with another organisation, so nothing was shared."
    listed = await ask(stack, "U0BOB", "pending", DEPLOYS)
    await stack.slack.click("U0BOB", listed, "Share here")
    await told(stack, "U0BOB", "shared with another organisation")
    assert [m for m in stack.slack.workspace.messages_in(DEPLOYS) if "Shared by" in str(m.blocks)] == []


# -- search and show


async def test_search_finds_past_and_open_requests_only_for_those_who_may_look(stack: Stack) -> None:
    _, past = await stack.propose(arguments={"service": "checkout"})
    await decided(stack, past, "U0CAROL", "reject")
    await stack.propose(arguments={"service": "search_100%"})
    assert "2 requests found" in (await ask(stack, "U0BOB", "search PRODUCTION")).text
    assert "1 request found" in (await ask(stack, "U0BOB", "find “checkout”")).text
    assert "rejected" in (await ask(stack, "U0BOB", "search status:rejected")).text
    assert "1 request found" in (await ask(stack, "U0BOB", f"search {past['approval']['id'][:12]} checkout")).text
    for nothing in ("search service", "search %", "search _", "search production agent:stranger"):
        expected = "1 request found" if nothing in ("search %", "search _") else "Nothing found"
        assert expected in (await ask(stack, "U0BOB", nothing)).text
    assert "Nothing found" in (await ask(stack, "U0MALLORY", "search production", DEPLOYS)).text
    assert "2 requests found" in (await ask(stack, "U0ADMIN", "search production")).text
    assert "2 requests found" in (await ask(stack, "U0ALICE", "search production")).text


async def test_show_tells_one_request_in_short_to_those_who_may_look(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    for typed in (
        f"show {proposed['approval']['id']}",
        proposed["proposal_id"].upper(),
        f"show `{proposed['proposal_id']}`.",
    ):
        said = await ask(stack, "U0BOB", typed)
        shown = json.dumps(said.blocks, ensure_ascii=False)
        for part in ("Waiting for approval", "May decide: <@U0BOB>, <@U0CAROL>", "Does deploy.production", "Digest"):
            assert part in shown + said.text
        assert card.ts.replace(".", "") in shown
        assert labels(said) == ["Details"]
    assert "Details open for" in (await ask(stack, "U0MALLORY", f"show {proposed['proposal_id']}", DEPLOYS)).text
    assert "Say which" in (await ask(stack, "U0BOB", "show checkout")).text
    assert "There is nothing under apr_0197" in (await ask(stack, "U0BOB", "show apr_0197")).text
    assert "Decide on the card" in (await ask(stack, "U0BOB", "help")).text


# -- words


async def test_unknown_words_and_near_misses_are_answered_with_the_way_on(stack: Stack) -> None:
    assert (await ask(stack, "U0BOB", "pendign")).text.startswith("I do not know `pendign`. Did you mean `pending`?")
    assert "`/approvals help` lists the words" in (await ask(stack, "U0BOB", "<!channel> `x`")).text
    assert "agent:deployer" in (await ask(stack, "U0BOB", "help")).text
    assert "tier deployer L2 for deploy.production" in (await ask(stack, "U0BOB", "help tier")).text
    assert "To look for words" in (await ask(stack, "U0BOB", "mine checkout")).text


async def test_rules_are_paged_and_only_lists_can_be_turned(stack: Stack) -> None:
    await stack.propose()
    listed = await ask(stack, "U0BOB", "pending")
    forged = listed.snapshot()
    button = next(one for block in forged.blocks if block["type"] == "actions" for one in block["elements"])
    values = ['["pause", "deployer because x", 0]', "x", "[]", '["batch", "", 0]', '["/grants give", "a b", 0]',
              '["/spend cap", "50", 0]', '["/nothing list", "", 0]']  # fmt: skip
    for value in values:
        button["value"] = value
        assert not (await stack.slack.click("U0BOB", forged, "Share here")).timed_out
        await told(stack, "U0BOB", "This button belongs to no list here")
    assert (await stack.propose("note.auto"))[0] == 201


# -- time


async def test_an_answer_that_takes_longer_than_slack_waits_comes_by_itself(stack: Stack) -> None:
    """closes slack-approval-bots 1"""
    workspace = stack.slack.workspace
    workspace.faults.always("usergroups.users.list", "hold")
    await stack.propose("deploy.group")
    await stack.slack.command("U0BOB", "/approvals", "help")
    done = await stack.slack.command("U0BOB", "/approvals", "mine")
    assert (done.status, done.ephemeral) == (200, [])
    workspace.faults.clear()
    said = await workspace.until(
        lambda: [m for m in workspace.ephemerals("U0BOB") if "1 request waits" in m.text], timeout=30
    )
    assert len(said) == 1


async def test_a_fault_of_ours_is_one_sentence(stack: Stack) -> None:
    await stack.propose()
    await sql(stack.database, "ALTER TABLE delegations RENAME TO elsewhere")
    assert "Something went wrong on our side" in (await ask(stack, "U0BOB", "mine")).text
    await sql(stack.database, "ALTER TABLE elsewhere RENAME TO delegations")
    assert "1 request waits" in (await ask(stack, "U0BOB", "mine")).text


async def test_many_people_ask_at_once(stack: Stack) -> None:
    await several(stack, 12)
    said = await asyncio.gather(
        *(stack.slack.command(one, "/approvals", "mine") for one in ("U0BOB", "U0CAROL", "U0ALICE"))
    )
    assert [one.status for one in said] == [200, 200, 200]


async def test_nothing_anybody_types_is_a_fault_or_too_much_for_slack(stack: Stack) -> None:
    """Every word with every odd text behind it; what Slack would refuse fails the test when the stack stops."""
    await several(stack, 3)
    odd = ["", "\u202e", "<!channel>", "<@U0BOB|bob>", "{agent}", "%_/\\'\"", "agent:%", "tool:*", "x" * 4000,
           "𝕏\ufe0f", "apr_", "older:99999w", "status:pending \x00", '","type":"actions"']  # fmt: skip
    for word in ("", "mine", "pending", "show", "search", "rules", "revoke", "pause", "resume", "tier", "help", "what"):
        answers = [await stack.slack.command("U0MALLORY", "/approvals", f"{word} {one}", DEPLOYS) for one in odd]
        assert {one.status for one in answers} == {200}
    said = [one.text for one in stack.slack.workspace.ephemerals("U0MALLORY")]
    assert len(said) >= len(odd) * 12
    assert [text for text in said if "went wrong on our side" in text] == []
