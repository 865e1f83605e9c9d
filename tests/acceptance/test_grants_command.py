"""`/grants` in Slack: who may give and revoke, what is countersigned, what everybody reads."""

import json
import re
from typing import Any

import pytest

from bot.workspace.cast import DEPLOYS
from storage.tables import Automation, Grant, KeyKind
from tests.acceptance.governing import ask, labels, registered
from tests.integration.calls import API
from tests.integration.verbs import count, rows
from tests.stack import Stack

BECAUSE = "because the release needs it"


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"admins": '["U0ADMIN", "U0BOB"]'}


async def given(stack: Stack, name: str = "Nightly") -> str:
    """An admin lets another agent change an automation; returns the grant's id."""
    said = await ask(stack, "U0ADMIN", "/grants", f"give stranger {name} for 2 days {BECAUSE}")
    found = re.search(r"grt_[0-9a-z]+", said.text)
    assert found, said.text
    return found[0]


async def test_an_admin_lets_an_agent_change_an_automation_and_takes_it_back(stack: Stack) -> None:
    id = await registered(stack)
    grant = await given(stack)
    (kept,) = await rows(stack.database, Grant)
    assert (kept.agent_id, kept.automation_id, kept.granted_by) == ("stranger", id, "U0ADMIN")
    assert kept.reason == "the release needs it"
    assert (kept.expires_at - kept.created_at).days == 2
    listed = await ask(stack, "U0CAROL", "/grants")
    assert "1 grant in force" in listed.text
    assert f"`{grant}` *stranger* may change Nightly" in listed.text
    why = await ask(stack, "U0CAROL", "/grants", "why Stranger")
    assert "“the release needs it”" in why.text
    assert (await ask(stack, "U0CAROL", "/grants", "STRANGER")).text == why.text
    said = await ask(stack, "U0BOB", "/grants", f"revoke {grant} because it is done")
    assert said.text.startswith("🗑️ Revoked:")
    (kept,) = await rows(stack.database, Grant)
    assert (kept.revoked_by, kept.revoke_reason) == ("person:U0BOB", "it is done")
    assert (await rows(stack.database, Automation))[0].paused_for_lifecycle is True
    assert "No grant is in force" in (await ask(stack, "U0CAROL", "/grants")).text
    assert "ended" in (await ask(stack, "U0CAROL", "/grants", "list all")).text


async def test_a_capability_is_countersigned_by_somebody_else(stack: Stack) -> None:
    said = await ask(stack, "U0ALICE", "/grants", f"give deployer note.write for 3h {BECAUSE}")
    assert said.text.startswith("🙋 Asked: *")
    assert "<@U0ADMIN>, <@U0BOB>" in said.text
    assert await count(stack.database, Grant) == 0
    card = await stack.card("Capability for Deployer")
    assert (await stack.slack.click("U0BOB", card, "Approve")).status == 200
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0BOB>")
    (kept,) = await rows(stack.database, Grant)
    assert (kept.capability, kept.agent_id, kept.granted_by) == ("note.write", "deployer", "U0BOB")
    assert (kept.expires_at - kept.created_at).total_seconds() == 3 * 3600
    why = await ask(stack, "U0CAROL", "/grants", "why deployer")
    assert "countersigned as `apr_" in why.text
    assert "the release needs it" not in json.dumps(why.blocks)
    await stack.slack.click("U0ALICE", why, "Details")
    workspace = stack.slack.workspace
    view = (await workspace.until(lambda: workspace.open_views("U0ALICE")))[-1]
    assert "the release needs it" in json.dumps(view.blocks)


@pytest.mark.parametrize(
    ("person", "text", "sentence"),
    [
        ("U0CAROL", f"give stranger Nightly {BECAUSE}", "Only admins may give rights"),
        ("U0ALICE", f"give stranger Nightly {BECAUSE}", "Only admins may give rights"),
        ("U0CAROL", f"give deployer deploy {BECAUSE}", "Only operators, admins and the person"),
        ("U0CAROL", "revoke grt_0197", "Only admins may give rights"),
        ("U0ADMIN", "revoke grt_0197", "There is no grant under this id"),
        ("U0ADMIN", "revoke", "Say which"),
        ("U0ADMIN", "give deployer", "Say it like this"),
        ("U0ADMIN", "give deployer deploy", "Say why, too"),
        ("U0ADMIN", f"give depolyer deploy {BECAUSE}", "Did you mean deployer?"),
        ("U0ADMIN", f"give deployer deplyo {BECAUSE}", "Did you mean deploy?"),
        ("U0ADMIN", f"give deployer deploy for 99 days {BECAUSE}", "at most 30 days"),
        ("U0ADMIN", f"give deployer deploy for 0h {BECAUSE}", "write how long"),
        ("U0ADMIN", "why nobody", "There is no agent “nobody”"),
        ("U0ADMIN", "why", "Say which agent"),
        ("U0ADMIN", "gvie deployer", "Did you mean `give`?"),
        ("U0ADMIN", "list nothing", "There is no automation “nothing”"),
        ("U0ADMIN", "", "No grant is in force"),
        ("U0ADMIN", "why deployer", "holds no grant"),
        ("U0ADMIN", "help", "• `give` "),
        ("U0ADMIN", "help give", "for 8h because the release needs it"),
    ],
)
async def test_what_cannot_be_done_says_why_and_what_can(stack: Stack, person: str, text: str, sentence: str) -> None:
    await registered(stack)
    assert sentence in (await ask(stack, person, "/grants", text)).text
    assert await count(stack.database, Grant) == 0


async def test_a_name_that_several_have_is_asked_back(stack: Stack) -> None:
    ids = [await registered(stack, "Twice") for _ in range(2)]
    said = await ask(stack, "U0ADMIN", "/grants", f"give stranger twice {BECAUSE}")
    assert "say which" in said.text
    assert all(id in said.text for id in ids)
    assert "may change Twice" in (await ask(stack, "U0ADMIN", "/grants", f"give stranger {ids[0]} {BECAUSE}")).text


async def test_give_alone_opens_a_form_that_marks_what_is_wrong(stack: Stack) -> None:
    id = await registered(stack)
    workspace = stack.slack.workspace
    assert (await stack.slack.command("U0ADMIN", "/grants", "give")).status == 200
    view = (await workspace.until(lambda: workspace.open_views("U0ADMIN")))[-1]
    filled = {"agent": "stranger", "right": f"aut:{id}", "hours": "8", "reason": "the release"}
    await stack.slack.submit("U0ADMIN", view, {**filled, "hours": "9999"})
    assert await count(stack.database, Grant) == 0
    await stack.slack.submit("U0ADMIN", view, filled)
    said = await workspace.until(
        lambda: [v for v in workspace.open_views("U0ADMIN") if "🔑" in json.dumps(v.blocks, ensure_ascii=False)]
    )
    assert "may change Nightly" in json.dumps(said[-1].blocks)
    assert await count(stack.database, Grant) == 1


async def test_the_form_is_for_those_who_may_give(stack: Stack) -> None:
    await registered(stack)
    assert "Only admins, operators and the creators" in (await ask(stack, "U0CAROL", "/grants", "give")).text
    workspace = stack.slack.workspace
    await stack.slack.command("U0ALICE", "/grants", "give")
    view = (await workspace.until(lambda: workspace.open_views("U0ALICE")))[-1]
    said = json.dumps(view.blocks)
    assert '"cap:deploy"' in said
    assert '"deployer"' in said
    assert '"stranger"' not in said
    assert "aut:" not in said


async def test_lists_have_pages_and_are_shared_without_buttons(stack: Stack) -> None:
    admin = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    for number in range(10):
        await stack.signed(admin, "POST", f"{API}/automations", {"name": f"Job {number:02}"})
        await given(stack, f"job {number:02}")
    await ask(stack, "U0ADMIN", "/grants", f"give deployer note.write {BECAUSE}")
    card = await stack.card("Capability for Deployer")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Approved* by <@U0BOB>")
    listed = await ask(stack, "U0BOB", "/grants", "list")
    assert "11 grants in force" in listed.text
    assert labels(listed) == ["Next", "Share here"]
    await stack.slack.click("U0BOB", listed, "Next")
    workspace = stack.slack.workspace
    second = await workspace.until(
        lambda: (m := workspace.find("C0APPROVALS", listed.ts)) and "Page 2 of 2" in m.text and m
    )
    assert labels(second) == ["Previous", "Share here"]
    await stack.slack.command("U0BOB", "/grants", "mine share", DEPLOYS)
    (shared,) = [m for m in workspace.messages_in(DEPLOYS) if "Shared by <@U0BOB>" in str(m.blocks)]
    assert labels(shared) == []
    assert "capability" not in shared.text
