"""Approving several at once: what is offered, what stays ticked is decided one by one, and what changed is left."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.workspace import View
from storage.tables import ApprovalRequest, AuditEntry, Door, KeyKind, Review
from tests.acceptance.test_clicks import told
from tests.acceptance.test_commands import ask, decided, labels
from tests.integration.calls import API
from tests.integration.verbs import count, rows, sql
from tests.policies import tool
from tests.stack import Stack

MEMO = {"action_class": "memo", "scopes": "[]", "risk": "low_write"}
EXTRA = (
    tool("memo.write", title="Write a memo", **MEMO)
    + tool("memo.two", title="Write together", quorum=2, **MEMO)
    + tool("memo.read", title="Read a memo", action_class="memo", scopes="[]", risk="read_only",
           more='approval_mode = "requires_approval"')
)  # fmt: skip


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": EXTRA, "top": "[limits]\nmax_open_requests = 100\n"}


async def memos(stack: Stack, number: int, name: str = "memo.write") -> list[dict[str, Any]]:
    found = []
    for one in range(number):
        status, body = await stack.propose(name, arguments={"service": f"m{one:02}"})
        assert (status, body["state"]) == (202, "pending")
        found.append(body)
    return found


async def opened(stack: Stack, person: str = "U0BOB", holding: str = "Untick") -> View:
    """Type the command and wait until the modal is filled."""
    await stack.slack.command(person, "/approvals", "batch")
    return await filled(stack, person, holding)


async def filled(stack: Stack, person: str, holding: str) -> View:
    workspace = stack.slack.workspace

    def look() -> View | None:
        views = workspace.open_views(person)
        return views[-1] if views and holding in json.dumps(views[-1].blocks) else None

    return await workspace.until(look, timeout=30)


async def result(stack: Stack, view: View, person: str = "U0BOB", values: dict[str, Any] | None = None) -> str:
    """Submit and return what the modal says in the end."""
    sent = await stack.slack.submit(person, view, values)
    assert sent.status == 200

    def ended() -> str | None:
        said = str(view.blocks[0]["text"]["text"])
        return None if "Untick" in said or "Working" in said else said

    return await stack.slack.workspace.until(ended, timeout=30)


def options(view: View) -> list[dict[str, Any]]:
    return [one for block in view.blocks if block["type"] == "input" for one in block["element"]["options"]]


def statuses(requests: list[Any]) -> list[str]:
    return sorted(one.status.value for one in requests)


async def test_only_low_risk_that_waits_for_this_person_is_offered(stack: Stack) -> None:
    await memos(stack, 2)
    await memos(stack, 1, "memo.two")
    await memos(stack, 1, "memo.read")
    await stack.propose()  # of high risk
    await stack.propose("hint.it")  # nobody waits for it
    await stack.propose("memo.write", arguments={"service": "for bob"}, on_behalf_of="U0CAROL")
    view = await opened(stack)
    texts = [one["text"]["text"] for one in options(view)]
    assert sorted(texts) == ["Read a memo · Deployer", *["Write a memo · Deployer"] * 3, "Write together · Deployer"]
    assert all(one["description"]["text"].startswith("Does memo.") for one in options(view))
    assert all(one["value"].startswith("rnd_") for one in options(view))
    assert len(options(await opened(stack, "U0CAROL"))) == 4
    assert "Nothing of low risk waits for you" in json.dumps((await opened(stack, "U0ALICE", "Nothing")).blocks)
    workspace = stack.slack.workspace
    workspace.modals["U0CAROL"].clear()
    await stack.slack.click("U0CAROL", await ask(stack, "U0CAROL"), "Approve several…")
    assert len(options(await filled(stack, "U0CAROL", "Untick"))) == 4


async def test_what_stays_ticked_is_decided_one_by_one_and_the_rest_left(stack: Stack) -> None:
    proposed = await memos(stack, 3)
    (both,) = await memos(stack, 1, "memo.two")
    view = await opened(stack)
    spared = next(one for one in options(view) if "m01" in one["description"]["text"])
    block = next(one for one in view.blocks if one["type"] == "input" and spared in one["element"]["options"])
    kept = [one["value"] for one in block["element"]["options"] if one != spared]
    assert await result(stack, view, values={block["block_id"]: kept}) == (
        "*2* approved · *1* approved by you and waiting for others\n"
        "• Write together · Deployer: approved by you and waiting for others"
    )
    for one in (proposed[0], proposed[2]):
        assert (await stack.settled(one["proposal_id"]))["state"] == "succeeded"
    for one in (proposed[1], both):
        assert (await stack.call("GET", f"{API}/proposals/{one['proposal_id']}"))[1]["state"] == "pending"
    reviews = await rows(stack.database, Review)
    assert {(one.reviewer, one.via) for one in reviews} == {("U0BOB", Door.SLACK)}
    assert len(reviews) == len({one.request_id for one in reviews}) == 3
    assert await count(stack.database, AuditEntry, kind="approval.decided", actor="person:U0BOB") == 2


async def test_what_changed_between_opening_and_submitting_is_not_approved(stack: Stack) -> None:
    decided_one, edited, withdrawn, expired, sound, handed = await memos(stack, 6)
    view = await opened(stack)
    await decided(stack, decided_one, "U0CAROL")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    body = {"arguments": {"service": "other"}, "digest": edited["digest"]}
    assert (await stack.signed(carol, "POST", f"{API}/approvals/{edited['approval']['id']}/edit", body))[0] == 200
    assert (await stack.call("DELETE", f"{API}/proposals/{withdrawn['proposal_id']}"))[0] == 200
    past = stack.database.clock() - timedelta(minutes=1)
    moment: Any = past.replace(tzinfo=None) if stack.database.is_sqlite else past
    await sql(stack.database, "UPDATE approval_requests SET expires_at = :at WHERE id = :id",
              at=str(moment) if stack.database.is_sqlite else moment, id=expired["approval"]["id"])  # fmt: skip
    await sql(stack.database, "UPDATE approval_requests SET reviewers = '[\"U0CAROL\"]' WHERE id = :id",
              id=handed["approval"]["id"])  # fmt: skip
    said = await result(stack, view)
    head, *lines = said.split("\n")
    assert head == (
        "*1* approved · *1* already decided · *1* edited since you looked, not approved · *1* expired before · "
        "*1* withdrawn before · *1* not approved"
    )
    assert "• Write a memo · Deployer: already approved by <@U0CAROL>" in lines
    assert any("You are not among the people" in line for line in lines)
    assert (await stack.settled(sound["proposal_id"]))["state"] == "succeeded"
    approved = await rows(stack.database, Review, reviewer="U0BOB")
    assert [one.request_id for one in approved] == [sound["approval"]["id"]]


async def test_a_riskier_policy_or_a_forged_value_approves_nothing(stack: Stack) -> None:
    await stack.propose()
    card = await stack.card("checkout")
    rendering = next(e["value"] for b in card.blocks if b["type"] == "actions" for e in b["elements"])
    await stack.propose("hint.it")
    await memos(stack, 1)
    view = await opened(stack)
    block = next(one for one in view.blocks if one["type"] == "input")
    state = view.values[block["block_id"]]["ticked"]
    true = state["selected_options"][0]
    state["selected_options"] = [{**true, "value": one} for one in (rendering, "rnd_nothing", "x\u0000é", "")]
    said = await result(stack, view)
    assert said.startswith("*4* not approved")
    assert "decided on its card" in said
    assert said.count("belongs to no request here") == 3
    assert statuses(await rows(stack.database, ApprovalRequest)) == ["pending"] * 3
    again = await opened(stack)
    stack.config.write_text(stack.config.read_text().replace('risk = "low_write"', 'risk = "high_write"'))
    await stack.server.reload_policy()
    assert "decided on its card" in await result(stack, again)
    assert await count(stack.database, Review) == 0


async def test_a_stranger_s_or_a_guest_s_submission_approves_nothing(stack: Stack) -> None:
    await memos(stack, 2)
    view = await opened(stack)
    view.user = "U0MALLORY"
    stack.slack.workspace.modals["U0MALLORY"] = stack.slack.workspace.modals.pop("U0BOB")
    assert (await result(stack, view, "U0MALLORY")).startswith("*2* not approved")
    await stack.slack.command("U0GUEST", "/approvals", "batch")
    assert stack.slack.workspace.open_views("U0GUEST") == []
    view = await opened(stack)
    view.user = "U0GUEST"
    stack.slack.workspace.modals["U0GUEST"] = stack.slack.workspace.modals.pop("U0BOB")
    assert "full members" in (await stack.slack.submit("U0GUEST", view)).body
    assert await count(stack.database, Review) == 0


async def test_more_than_fifty_come_fifty_at_a_time_oldest_first(stack: Stack) -> None:
    proposed = await memos(stack, 53)
    view = await opened(stack)
    assert len(options(view)) == 50
    assert [len(one["element"]["options"]) for one in view.blocks if one["type"] == "input"] == [10] * 5
    assert "3 more are waiting" in json.dumps(view.blocks)
    assert await result(stack, view) == "*50* approved"
    left = {one.id for one in await rows(stack.database, ApprovalRequest, status="pending")}
    assert left == {one["approval"]["id"] for one in proposed[50:]}


async def test_the_same_submission_twice_decides_once(stack: Stack) -> None:
    await memos(stack, 3)
    view = await opened(stack)
    values, form = json.loads(json.dumps(view.values)), json.loads(json.dumps(view.body))
    assert await result(stack, view) == "*3* approved"
    view.body, view.values = form, values
    assert await result(stack, view) == "*3* approved"
    view.body, view.values = form, values
    await asyncio.gather(*(stack.slack.submit("U0BOB", view) for _ in range(2)), return_exceptions=True)
    assert await count(stack.database, Review) == 3
    assert await count(stack.database, AuditEntry, kind="approval.decided") == 3


async def test_nothing_ticked_is_nothing_approved(stack: Stack) -> None:
    await memos(stack, 2)
    view = await opened(stack)
    block = next(one for one in view.blocks if one["type"] == "input")
    assert "nothing was approved" in await result(stack, view, values={block["block_id"]: []})
    assert await count(stack.database, Review) == 0


async def test_a_list_offers_several_only_where_two_would_do(stack: Stack) -> None:
    await memos(stack, 1)
    assert "Approve several…" not in labels(await ask(stack, "U0BOB"))
    await stack.propose("memo.write", arguments={"service": "another"})
    assert "Approve several…" in labels(await ask(stack, "U0BOB", "pending"))
    assert "Approve several…" not in labels(await ask(stack, "U0ALICE", "pending"))
    assert (await ask(stack, "U0BOB", "help batch")).text.startswith("*batch* approve several calls of low risk")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("is_closed", [False, True], ids=["still open", "closed meanwhile"])
async def test_what_takes_longer_than_slack_waits_is_told_when_it_is_done(stack: Stack, is_closed: bool) -> None:
    """closes slack-approval-bots 1"""
    await memos(stack, 2)
    view = await opened(stack)
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Any) -> None:
        await tx.session.execute(text("UPDATE approval_requests SET warned = warned"))
        held.set()
        await release.wait()

    holding = asyncio.create_task(stack.database.write("", hold))
    await held.wait()
    sent = await stack.slack.submit("U0BOB", view)
    assert (sent.status, "Working" in json.dumps(view.blocks)) == (200, True)
    if is_closed:
        await stack.slack.close("U0BOB", view)
    release.set()
    await holding
    workspace = stack.slack.workspace
    shown = (lambda: workspace.dm("U0BOB")[-1:]) if is_closed else (lambda: workspace.open_views("U0BOB"))
    await workspace.until(lambda: any("*2* approved" in str(vars(one)) for one in shown()), timeout=30)
    assert await count(stack.database, Review, reviewer="U0BOB") == 2


async def test_a_modal_that_cannot_be_opened_is_one_private_sentence(stack: Stack) -> None:
    """closes slack-approval-bots 2"""
    await memos(stack, 2)
    stack.slack.workspace.faults.add("views.open", "expired_trigger_id")
    await stack.slack.command("U0BOB", "/approvals", "batch")
    await told(stack, "U0BOB", "Please click again")
