"""Agents while they run: paused and resumed, promoted by two people and demoted by one, never by themselves."""

import asyncio
from typing import Any

import pytest

from governance.errors import Conflict
from governance.tiers import Tier
from operations.stand import TierChange, promote
from storage.tables import AuditEntry, KeyKind, Standing
from tests.integration.calls import API, Key
from tests.integration.verbs import rows
from tests.stack import Stack


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"admins": '["U0ADMIN", "U0BOB"]'}


async def post(stack: Stack, key: Key, path: str, **body: Any) -> tuple[int, Any]:
    return await stack.signed(key, "POST", f"{API}/agents/{path}", body)


async def test_a_paused_agent_is_denied_until_somebody_resumes_it(stack: Stack, admin: Key) -> None:
    status, told = await post(stack, admin, "deployer/pause", reason="it loops")
    assert (status, told["paused"]["by"], told["paused"]["reason"]) == (200, "U0ADMIN", "it loops")
    status, body = await stack.propose("note.auto")
    assert (status, body["code"]) == (403, "AGENT_PAUSED")
    assert "U0ADMIN" in body["error"]
    assert "it loops" in body["error"]
    assert (await post(stack, admin, "deployer/pause", reason="again"))[1]["paused"]["reason"] == "it loops"
    status, told = await post(stack, admin, "deployer/resume", reason="mended")
    assert (status, told["paused"]) == (200, None)
    assert (await stack.propose("note.auto"))[0] == 201
    assert (await post(stack, admin, "deployer/resume", reason="again"))[1]["code"] == "NOT_PAUSED"
    said = await stack.slack.workspace.until(lambda: stack.slack.workspace.dm("U0ALICE"))
    assert "paused your agent" in said[0].text


async def test_what_was_approved_does_not_start_while_its_agent_is_paused(stack: Stack, admin: Key) -> None:
    _, proposed = await stack.propose()
    await post(stack, admin, "deployer/pause", reason="wait")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    path = f"{API}/approvals/{proposed['approval']['id']}"
    assert (await stack.signed(carol, "POST", path, {"decision": "approve"}))[0] == 200
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], stack.service.calls) == ("invalidated", [])
    assert "was paused by U0ADMIN" in ended["execution"]["error"]


async def test_the_creator_may_pause_their_own_agent_and_strangers_may_not(stack: Stack) -> None:
    alice, mallory = await stack.key(KeyKind.OPERATOR, "U0ALICE"), await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    assert (await post(stack, mallory, "deployer/pause", reason="x"))[0] == 403
    assert (await post(stack, alice, "deployer/pause", reason="x"))[0] == 200
    assert (await post(stack, mallory, "deployer/resume", reason="x"))[0] == 403
    assert (await post(stack, alice, "deployer/resume", reason="x"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nobody/pause", {"reason": "x"}, 404),
        ("countersign/pause", {"reason": "x"}, 404),
        ("deployer/pause", {}, 422),
        ("deployer/pause", {"reason": " "}, 422),
        ("deployer/tier", {"tier": "L4", "reason": "x"}, 422),
        ("deployer/tier", {"tier": "l1", "reason": "x"}, 422),
        ("deployer/tier", {"tier": "L3", "target": "nothing.like.it", "reason": "x"}, 422),
        ("deployer/tier", {"tier": "L3"}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(
    stack: Stack, admin: Key, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await post(stack, admin, path, **body))[0] == status


async def test_no_agent_governs_itself(stack: Stack) -> None:
    """closes autonomy-and-trust 5"""
    for path in ("pause", "resume", "tier"):
        status, body = await stack.call("POST", f"{API}/agents/deployer/{path}", {"tier": "L1", "reason": "me"})
        assert (status, body["code"]) == (401, "UNAUTHENTICATED")
    call = {"agent": "deployer", "target": "", "tier": "act_auto", "replaces": None, "reason": "me"}
    status, body = await stack.propose("countersign.set_tier", arguments=call)
    assert (status, body["code"]) == (404, "UNSUPPORTED")


async def test_a_demotion_takes_effect_at_once_and_is_recorded(stack: Stack, admin: Key) -> None:
    """closes l1-l2-l3-enforcement 9"""
    status, told = await post(
        stack, admin, "deployer/tier", tier="shadow", target="note.write", reason="too many notes"
    )
    assert (status, told["recorded_tiers"][0]["tier"], told["recorded_tiers"][0]["replaces"]) == (
        200, "shadow", "act_auto",
    )  # fmt: skip
    _, proposed = await stack.propose("note.auto")
    assert (proposed["state"], proposed["tier"]) == ("shadowed", "shadow")
    assert "recorded by U0ADMIN" in proposed["reason"]
    (entry,) = await rows(stack.database, AuditEntry, kind="tier.changed")
    assert '"from":"act_auto"' in entry.detail
    assert entry.actor == "person:U0ADMIN"


async def test_a_promotion_waits_for_another_admin_and_then_stands(stack: Stack, admin: Key) -> None:
    """closes autonomy-and-trust 5; approval-api 11"""
    status, asked = await post(stack, admin, "deployer/tier", tier="L1", target="deploy", reason="it has done well")
    assert (status, asked["state"], asked["tool"]) == (202, "pending", "countersign.set_tier")
    path = f"{API}/approvals/{asked['approval']['id']}"
    assert (await stack.signed(admin, "POST", path, {"decision": "approve"}))[1]["code"] == "SELF_REVIEW"
    assert (await stack.propose(idempotency_key="before"))[1]["state"] == "pending"
    card = await stack.card("Promote an agent")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.shown("C0APPROVALS", card.ts, "Succeeded")
    _, proposed = await stack.propose(idempotency_key="after", wait=30)
    assert (proposed["tier"], proposed["state"]) == ("act_auto", "succeeded")
    status, told = await stack.signed(admin, "GET", f"{API}/agents/deployer")
    assert told["recorded_tiers"][0]["proposal_id"] == asked["proposal_id"]


async def test_a_recorded_tier_ends_when_the_file_says_something_new(stack: Stack, admin: Key) -> None:
    await post(stack, admin, "deployer/tier", tier="shadow", target="note.write", reason="x")
    text = stack.config.read_text()
    stack.config.write_text(text.replace('"note.write" = "L1"', '"note.write" = "L2"'))
    await stack.server.reload_policy()
    assert (await stack.propose("note.auto"))[1]["tier"] == "act_and_notify"


async def test_pausing_and_tiers_work_in_slack_too(stack: Stack) -> None:
    async def say(person: str, text: str) -> str:
        return (await stack.slack.command(person, "/approvals", text)).ephemeral[0].text

    assert "Only operators and admins may" in await say("U0CAROL", "pause deployer because I can")
    assert "is paused" in await say("U0BOB", "pause deployer because it loops")
    assert (await stack.propose("note.auto"))[1]["code"] == "AGENT_PAUSED"
    assert "may go on" in await say("U0BOB", "resume deployer because it is mended")
    assert "Say it like this" in await say("U0BOB", "pause deployer")
    assert "Say it like this" in await say("U0BOB", "tier deployer L9 because x")
    assert "another admin has to countersign" in await say("U0BOB", "tier deployer L1 for deploy because it is good")
    assert "now acts at tier shadow for `deploy`" in await say("U0BOB", "tier deployer shadow for deploy because no")
    assert (await stack.propose())[1]["state"] == "shadowed"


async def test_a_creator_cannot_undo_an_operator_s_pause_by_having_paused_first(stack: Stack, admin: Key) -> None:
    alice = await stack.key(KeyKind.OPERATOR, "U0ALICE")
    await post(stack, alice, "deployer/pause", reason="mine first")
    status, told = await post(stack, admin, "deployer/pause", reason="an incident")
    assert (status, told["paused"]["by"]) == (200, "U0ADMIN")
    assert (await post(stack, alice, "deployer/pause", reason="mine again"))[1]["paused"]["by"] == "U0ADMIN"
    assert (await post(stack, alice, "deployer/resume", reason="x"))[0] == 403
    assert (await stack.propose("note.auto"))[1]["code"] == "AGENT_PAUSED"


async def test_a_promotion_does_not_override_what_the_file_has_said_since(stack: Stack, admin: Key) -> None:
    _, asked = await post(stack, admin, "deployer/tier", tier="L1", target="deploy", reason="it has done well")
    text = stack.config.read_text()
    stack.config.write_text(text.replace('"note.write" = "L1"', '"note.write" = "L1"\n"deploy" = "shadow"'))
    await stack.server.reload_policy()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{asked['approval']['id']}"
    assert (await stack.signed(bob, "POST", path, {"decision": "approve"}))[0] == 200
    card = await stack.card("Promote an agent")
    await stack.shown("C0APPROVALS", card.ts, "says something else since")
    assert (await stack.propose())[1]["state"] == "shadowed"


async def test_a_promotion_does_not_override_a_tier_set_after_it_was_countersigned(stack: Stack, admin: Key) -> None:
    change = TierChange(stack.server.office.policy.current.agents["deployer"], "deploy", Tier.ACT_AUTO, "x")
    now = stack.database.clock()
    await post(stack, admin, "deployer/tier", tier="shadow", target="deploy", reason="an incident")
    with pytest.raises(Conflict, match="after it was countersigned"):
        await stack.database.write("default", lambda tx: promote(tx, change, "U0BOB", "prp_1", now))
    assert (await stack.propose())[1]["state"] == "shadowed"


async def test_a_promotion_is_countersigned_each_time(stack: Stack, admin: Key) -> None:
    _, asked = await post(stack, admin, "deployer/tier", tier="L1", target="deploy", reason="it has done well")
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{asked['approval']['id']}"
    sent = {"decision": "approve", "remember": "forever", "remember_pattern": {"any": True}}
    status, told = await stack.signed(bob, "POST", path, sent)
    assert (status, "countersigned one by one" in told["error"]) == (422, True)


async def test_who_left_the_workspace_governs_nothing_any_more(stack: Stack, admin: Key) -> None:
    stack.slack.workspace.users["U0ADMIN"].deleted = True
    rule = {"agent": "deployer", "tool": "note.*", "decision": "deny", "pattern": {"any": True}, "reason": "x"}
    for path, body in (
        ("agents/deployer/pause", {"reason": "x"}),
        ("agents/deployer/resume", {"reason": "x"}),
        ("agents/deployer/tier", {"tier": "shadow", "reason": "x"}),
        ("rules", rule),
    ):
        status, told = await stack.signed(admin, "POST", f"{API}/{path}", body)
        assert (status, told["code"]) == (403, "NOT_A_MEMBER"), path
    assert (await stack.signed(admin, "DELETE", f"{API}/rules/rul_1"))[1]["code"] == "NOT_A_MEMBER"
    assert await rows(stack.database, Standing) == []


async def test_two_who_pause_at_once_pause_once(stack: Stack, admin: Key) -> None:
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    calls = [post(stack, key, "deployer/pause", reason="x") for key in (admin, bob) * 4]
    assert {status for status, _ in await asyncio.gather(*calls)} == {200}
    assert len(await rows(stack.database, Standing, ended_at=None)) == 1
