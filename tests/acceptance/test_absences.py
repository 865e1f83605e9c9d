"""People who are away: who stands in for them, who hears that nobody is there, and what the card says of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace import Message
from bot.workspace.model import UserGroup
from operations.prefer import come_back, leave
from storage.database import utc_now
from storage.tables import AuditEntry, OutboxMessage, Review
from tests.acceptance.test_clicks import told
from tests.acceptance.test_clocks import line, words
from tests.integration.verbs import TENANT, rows
from tests.policies import tool
from tests.stack import Stack

EXTRA = (
    tool("deploy.guests", title="Deploy by guests", reviewers='["S0GUESTS"]')
    + tool("deploy.named", title="Deploy by a guest", reviewers='["U0GUEST", "U0NOBODY"]')
)  # fmt: skip


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": EXTRA}


async def gone(stack: Stack, person: str, delegate: str | None = None, **until: float) -> None:
    end = utc_now() + timedelta(**until) if until else None
    await stack.database.write(TENANT, lambda tx: leave(tx, person, end, delegate))


def status(stack: Stack, person: str, emoji: str = ":palm_tree:", text: str = "On holiday", until: float = 0) -> None:
    user = stack.slack.workspace.users[person]
    user.status_emoji, user.status_text, user.status_expiration = emoji, text, int(until)


async def dm(stack: Stack, person: str, containing: str) -> Message:
    workspace = stack.slack.workspace
    return await workspace.until(lambda: next((m for m in workspace.dm(person) if containing in words(m)), None))


async def unpaid(stack: Stack) -> bool:
    return any(one.status != "sent" for one in await rows(stack.database, OutboxMessage, kind="cover"))


async def looked_at(stack: Stack) -> None:
    """Wait until every look that is owed was taken."""
    async with asyncio.timeout(30):
        while await unpaid(stack):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


async def test_a_stand_in_is_invited_shown_and_decides_for_who_is_away(stack: Stack) -> None:
    await gone(stack, "U0BOB", "U0ADMIN", days=3)
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    shown = (await stack.shown("C0APPROVALS", card.ts, "*Out of office* · <@U0ADMIN> for <@U0BOB>")).snapshot()
    said = await line(stack, card, "answers for <@U0BOB>, who is out of office until")
    assert "<@U0ADMIN> answers" in words(said)
    invited = await dm(stack, "U0ADMIN", "You answer for <@U0BOB>, who is out of office until")
    assert "checkout" in words(invited)
    await stack.slack.click("U0ADMIN", shown, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (review,) = await rows(stack.database, Review)
    assert (review.reviewer, review.on_behalf_of) == ("U0ADMIN", "U0BOB")
    await stack.shown("C0APPROVALS", card.ts, "<@U0ADMIN> for <@U0BOB>")


async def test_leaving_hands_on_what_waits_already_and_coming_back_takes_it_back(stack: Stack) -> None:
    await stack.propose()
    card = await stack.card("checkout")
    await gone(stack, "U0BOB", "U0ADMIN")
    shown = (await stack.shown("C0APPROVALS", card.ts, "*Out of office*")).snapshot()
    await stack.database.write(TENANT, lambda tx: come_back(tx, "U0BOB"))
    await line(stack, card, "<@U0BOB> is back")
    await stack.slack.click("U0ADMIN", shown, "Approve")
    await told(stack, "U0ADMIN", "You may not answer")
    now = await stack.shown("C0APPROVALS", card.ts, "Waiting for approval")
    assert "*Out of office*" not in words(now)


async def unreachable(stack: Stack, name: str) -> Message:
    """Propose a call and wait until its creator was told that nobody is there; the card says so too."""
    await stack.propose(name)
    card = await stack.card("checkout")
    alarm = await dm(stack, "U0ALICE", "Nobody who may decide is there")
    await dm(stack, "U0ADMIN", "Nobody who may decide is there")
    await stack.shown("C0APPROVALS", card.ts, "*Too few who may decide are there*")
    await line(stack, card, "Nobody who may decide is there")
    return alarm


async def test_a_slack_status_counts_as_away_and_the_admins_and_the_creator_hear_of_it_once(stack: Stack) -> None:
    status(stack, "U0BOB")
    status(stack, "U0CAROL", "", "out sick", utc_now().timestamp() + 3600)
    alarm = await unreachable(stack, "deploy.group")
    for part in ("Asked: @oncall", "/approvals who deploy.group", "It expires"):
        assert part in words(alarm)
    await gone(stack, "U0BOB")  # another look, the same finding
    await looked_at(stack)
    assert len(await rows(stack.database, AuditEntry, kind="approval.unreachable")) == 1
    assert sum("Nobody who may decide" in words(one) for one in stack.slack.workspace.dm("U0ALICE")) == 1


async def test_who_is_away_by_status_may_decide_all_the_same(stack: Stack) -> None:
    status(stack, "U0BOB")
    status(stack, "U0CAROL")
    await unreachable(stack, "deploy.production")
    _, listed = await stack.call("GET", "/api/v1/approvals?status=pending")
    (waiting,) = listed["items"]
    card = await stack.card("checkout")
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(waiting["proposal_id"]))["state"] == "succeeded"


async def test_a_status_that_has_run_out_or_tells_of_work_is_none(stack: Stack) -> None:
    status(stack, "U0BOB", until=utc_now().timestamp() - 60)
    status(stack, "U0CAROL", ":house_with_garden:", "Working remotely")
    await stack.propose()
    card = await stack.card("checkout")
    await looked_at(stack)
    assert "Too few" not in words(card)
    assert await rows(stack.database, AuditEntry, kind="approval.unreachable") == []


@pytest.mark.parametrize("name", ["deploy.guests", "deploy.named"])
async def test_guests_and_people_nobody_knows_are_nobody(stack: Stack, name: str) -> None:
    stack.slack.workspace.add_group(UserGroup("S0GUESTS", "guests", "Guests", ["U0GUEST"]))
    await unreachable(stack, name)
    card = await stack.card("checkout")
    await stack.slack.click("U0GUEST", card, "Approve")
    await told(stack, "U0GUEST", "full members")


async def test_the_server_says_at_its_start_whom_the_policy_names_in_vain(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[str]:
        records = [*caplog.get_records("setup"), *caplog.get_records("call")]
        return [one.getMessage() for one in records if "who may not decide" in one.getMessage()]

    async with asyncio.timeout(30):
        while len(said()) < 2:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
    assert sorted(said()) == [
        "tool deploy.named names U0GUEST, who may not decide (guest); mend countersign.toml",
        "tool deploy.named names U0NOBODY, who may not decide (unknown); mend countersign.toml",
    ]


async def test_while_slack_is_away_the_look_waits_and_is_taken_afterwards(stack: Stack) -> None:
    stack.slack.workspace.faults.add("users.info", "503", times=3)
    await gone(stack, "U0BOB", "U0ADMIN")
    await stack.propose()
    card = await stack.card("checkout")
    await stack.shown("C0APPROVALS", card.ts, "*Out of office*")
