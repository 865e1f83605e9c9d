"""`/spend` in Slack: what agents cost, what they may, and asking to let one go on."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.limits import all_changes
from storage.tables import AuditEntry, LimitsInForce, SpendStop
from tests.acceptance.governing import ask, labels, registered, spent, started, status_of
from tests.acceptance.test_home import opened, shows
from tests.integration.verbs import TENANT, rows
from tests.stack import Stack, start_stack, stop_stack


@pytest.fixture
async def stack(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_stack(
        url, tmp_path, admins='["U0ADMIN", "U0BOB"]', agent="report_spend = true",
        extra='\n[limits]\nweekly_spend_cap_usd = "10.00"\n',
    )  # fmt: skip
    yield running
    await stop_stack(running)


async def changed_limits(stack: Stack) -> list[LimitsInForce]:
    async with stack.database.read(TENANT) as tx:
        return await all_changes(tx)


async def test_the_table_shows_each_agent_with_its_week_of_its_cap(stack: Stack) -> None:
    await spent(stack, "4.00")
    said = await ask(stack, "U0CAROL", "/spend")
    assert "2 agents, none stopped" in said.text
    assert "*Deployer* (`deployer`)\n▰▰▰▰▱▱▱▱▱▱ 4.00 of 10.00 USD this week" in said.text
    assert "*Stranger* (`stranger`)\n▱▱▱▱▱▱▱▱▱▱ 0.00 of 10.00 USD this week" in said.text
    assert said.text.index("Deployer") < said.text.index("Stranger")
    assert labels(said) == ["Share here"]
    one = await ask(stack, "U0CAROL", "/spend", "deployer")
    assert "Today: 4.00 USD" in one.text
    assert "Ever: 4.00 USD" in one.text
    await spent(stack, "4.50", "r2")
    assert "8.50 of 10.00 USD this week · ⚠️ near its cap" in (await ask(stack, "U0CAROL", "/spend")).text


async def test_an_agent_at_its_cap_is_let_go_on_by_somebody_else(stack: Stack) -> None:
    run = await started(stack, await registered(stack))
    await spent(stack, "12.00")
    assert await status_of(stack, run) == "paused"
    said = await ask(stack, "U0ALICE", "/spend")
    assert "1 stopped" in said.text
    assert "▰▰▰▰▰▰▰▰▰▰ 12.00 of 10.00 USD this week · 🛑 *stopped*" in said.text
    again = await ask(stack, "U0ALICE", "/spend", "override deployer 24h because the release must go out")
    assert again.text.startswith("🙋 That is being asked already")
    assert (
        "go on until its week ends, which your wish, for 24 hours, does not change: once it is rejected" in again.text
    )
    same = await ask(stack, "U0ALICE", "/spend", "override deployer because the release must go out")
    assert "your wish" not in same.text
    card = await stack.card("Let deployer spend on")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0BOB>")
    assert await status_of(stack, run) == "queued"
    assert "⏫ let go on until" in (await ask(stack, "U0ALICE", "/spend", "show deployer")).text


async def test_an_override_is_asked_for_as_the_person_once_the_first_was_rejected(stack: Stack) -> None:
    await spent(stack, "12.00")
    card = await stack.card("Let deployer spend on")
    asking = await stack.modal("U0BOB", card, "Reject")
    await stack.slack.submit("U0BOB", asking, {"reason": "not this week"})
    await stack.shown("C0APPROVALS", card.ts, "Rejected* by <@U0BOB>")
    text = "override deployer 24h because the release must go out"
    assert "Only operators, admins and the person" in (await ask(stack, "U0CAROL", "/spend", text)).text
    said = await ask(stack, "U0BOB", "/spend", text)
    assert said.text.startswith("🙋 Asked: *")
    assert "May decide: <@U0ADMIN>;" in said.text
    fresh = await stack.card("Lift the spend stop of Deployer")
    await stack.slack.click("U0ADMIN", fresh, "Approve")
    await stack.shown("C0APPROVALS", fresh.ts, "Approved* by <@U0ADMIN>")
    (stop,) = await rows(stack.database, SpendStop)
    assert (stop.lifted_until - stop.at).total_seconds() >= 24 * 3600


async def test_an_admin_changes_caps_and_what_that_lets_go_on_goes_on(stack: Stack) -> None:
    run = await started(stack, await registered(stack))
    await spent(stack, "12.00")
    assert await status_of(stack, run) == "paused"
    said = await ask(stack, "U0ADMIN", "/spend", "cap deployer $75 because it earns more")
    assert said.text.startswith("💰 *deployer* may now cost 75.00 USD a week")
    workspace = stack.slack.workspace
    await workspace.until(lambda: [m for m in workspace.dm("U0ALICE") if "may spend again" in m.text], timeout=30)
    assert await status_of(stack, run) == "queued"
    (kept,) = await changed_limits(stack)
    assert (kept.changed["agent_caps"], kept.by) == ({"deployer": 75_000_000}, "U0ADMIN")
    entry = next(one for one in await rows(stack.database, AuditEntry) if one.kind == "limits.changed")
    assert entry.actor == "person:U0ADMIN"
    assert "it earns more" in entry.detail
    assert "20.50 USD a week" in (await ask(stack, "U0ADMIN", "/spend", "cap 20.5")).text
    assert "there is no cap" in (await ask(stack, "U0ADMIN", "/spend", "cap deployer none")).text
    assert "12.00 USD this week · no cap" in (await ask(stack, "U0ADMIN", "/spend")).text
    assert "10.00 USD a week" in (await ask(stack, "U0ADMIN", "/spend", "cap all reset")).text
    assert "10.00 USD a week" in (await ask(stack, "U0ADMIN", "/spend", "cap deployer reset")).text
    assert "nothing: with its first cost" in (await ask(stack, "U0ADMIN", "/spend", "cap stranger 0 usd")).text


@pytest.mark.parametrize(
    ("person", "text", "sentence"),
    [
        ("U0ALICE", "cap deployer 75", "Only admins may change limits"),
        ("U0CAROL", "cap 75", "Only admins may change limits"),
        ("U0ADMIN", "cap", "Say it like this"),
        ("U0ADMIN", "cap deployer", "Say it like this"),
        ("U0ADMIN", "cap deployer much", "write an amount in dollars"),
        ("U0ADMIN", "cap deployer -5", "cannot be negative"),
        ("U0ADMIN", "cap deployer 7,50", "write an amount in dollars"),
        ("U0ADMIN", "cap depolyer 75", "Did you mean deployer?"),
        ("U0ADMIN", "override deployer 24h", "Say it like this"),
        ("U0ADMIN", "override deployer 24h because I want to", "is not stopped for what it spent"),
        ("U0ADMIN", "override nobody 24h because I want to", "There is no agent"),
        ("U0ADMIN", "shwo", "Did you mean `show`?"),
        ("U0ADMIN", "help", "• `override` "),
        ("U0ADMIN", "help cap", "/spend cap 50"),
    ],
)
async def test_what_cannot_be_done_says_why_and_what_can(stack: Stack, person: str, text: str, sentence: str) -> None:
    assert sentence in (await ask(stack, person, "/spend", text)).text
    assert await changed_limits(stack) == []


async def test_the_bar_of_the_week_is_on_the_home_of_the_creator(stack: Stack) -> None:
    home = await opened(stack, "U0ALICE", "▱▱▱▱▱▱▱▱▱▱ 0.00 of 10.00 USD spent this week")
    assert home is not None
    await spent(stack, "12.00")
    await shows(stack, "U0ALICE", "12.00 of 10.00 USD spent this week", "🛑 *Stopped*")
    assert re.search(r"cap deployer|Give a grant", str((await opened(stack, "U0ALICE")).blocks))
