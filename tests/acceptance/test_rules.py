"""Remembered decisions: made over the API, consulted inside the gate, shown, tried, used up and revoked."""

from datetime import timedelta
from typing import Any

import pytest

from scheduler.upkeep import ask_about_old_rules, seal_for_reader
from storage import feed
from storage.tables import ApprovalRequest, AuditEntry, KeyKind, Rule
from tests.conftest import Clock
from tests.integration.calls import API, Key
from tests.integration.verbs import count, rows
from tests.policies import tool
from tests.stack import Stack

FLAG = (
    tool("deploy.flag")
    .replace('required = ["service"]', 'required = ["flag"]')
    .replace('service = { type = "string" }', 'flag = { type = "boolean" }')
)
EXTRA = FLAG + tool("deploy.mild", risk="low_write") + tool("deploy.shadowed", more='tier = "shadow"')


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "extra": EXTRA}


async def answered(stack: Stack, key: Key, tool: str = "deploy.production", **decision: Any) -> tuple[int, Any]:
    """Propose a call and answer it; returns the decision's status and body."""
    proposal = {name: decision.pop(name) for name in ("arguments", "session_id", "on_behalf_of") if name in decision}
    _, proposed = await stack.propose(tool, **proposal)
    path = f"{API}/approvals/{proposed['approval']['id']}"
    answer = await stack.signed(key, "POST", path, {"decision": "approve", **decision})
    await stack.settled(proposed["proposal_id"])  # while it is open, the same call again would be the same proposal
    return answer


async def live(stack: Stack, key: Key) -> list[Any]:
    status, body = await stack.signed(key, "GET", f"{API}/rules")
    assert status == 200
    found: list[Any] = body["items"]
    return found


async def test_an_approval_remembered_for_good_answers_the_same_call_without_asking(stack: Stack, bob: Key) -> None:
    """closes autonomy-and-trust 14; l1-l2-l3-enforcement 11; approval-api 3"""
    await answered(stack, bob, remember="forever")
    status, again = await stack.propose(wait=30)
    assert (status, again["state"], again["approval"]) == (201, "succeeded", None)
    (rule,) = await live(stack, bob)
    assert (again["rule_id"], rule["uses"], rule["authors"]) == (rule["id"], 1, ["U0BOB"])
    assert "answered by a rule that U0BOB made" in again["reason"]
    assert await count(stack.database, ApprovalRequest) == 1
    recorded = await rows(stack.database, AuditEntry, kind="proposal.allowed")
    assert f'"rule_id":"{rule["id"]}"' in recorded[-1].detail
    _, other = await stack.propose(arguments={"service": "billing"})
    assert (other["state"], other["rule_id"]) == ("pending", None)


async def test_a_rejection_remembered_denies_at_every_tier(stack: Stack, bob: Key, admin: Key) -> None:
    await answered(stack, bob, decision="reject", reason="never", remember="forever")
    status, body = await stack.propose()
    assert (status, body["code"]) == (403, "DENIED_BY_RULE")
    deny = {"agent": "deployer", "tool": "note.*", "decision": "deny", "pattern": {"any": True}, "reason": "not now"}
    assert (await stack.signed(admin, "POST", f"{API}/rules", deny))[0] == 201
    status, body = await stack.propose("note.auto")
    assert (status, body["code"]) == (403, "DENIED_BY_RULE")


async def test_a_session_is_remembered_for_that_session_and_twelve_hours(stack: Stack, bob: Key, clock: Clock) -> None:
    """closes approval-api 3"""
    await answered(stack, bob, remember="session", session_id="s1")
    assert (await stack.propose(session_id="s1"))[1]["state"] == "allowed"
    assert (await stack.propose(session_id="s2"))[1]["state"] == "pending"
    clock.forward(hours=12)
    assert (await stack.propose(session_id="s1", idempotency_key="later"))[1]["state"] == "pending"


@pytest.mark.parametrize(("name", "days"), [("deploy.production", 30), ("deploy.mild", None)])
async def test_a_risky_rule_lapses_after_thirty_days(
    stack: Stack, bob: Key, clock: Clock, name: str, days: int | None
) -> None:
    await answered(stack, bob, name, remember="forever")
    (rule,) = await live(stack, bob)
    expected = (clock.now + timedelta(days=days)).isoformat().replace("+00:00", "Z") if days else None
    assert rule["expires_at"] == expected


async def test_a_rule_is_used_up_after_as_many_uses_as_were_wished(stack: Stack, bob: Key) -> None:
    """closes approval-api 3"""
    await answered(stack, bob, remember="forever", remember_uses=2)
    states = [(await stack.propose(idempotency_key=f"k{i}"))[1]["state"] for i in range(3)]
    assert states == ["allowed", "allowed", "pending"]


async def test_a_quorum_remembers_only_what_everybody_wished_to_remember(stack: Stack, bob: Key) -> None:
    """closes approval-api 4"""
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    for wish, remembered in (("once", 0), ("forever", 1)):
        _, proposed = await stack.propose("deploy.two")
        path = f"{API}/approvals/{proposed['approval']['id']}"
        await stack.signed(bob, "POST", path, {"decision": "approve", "remember": "forever"})
        assert await live(stack, bob) == []
        await stack.signed(carol, "POST", path, {"decision": "approve", "remember": wish})
        assert len(await live(stack, bob)) == remembered
        await stack.settled(proposed["proposal_id"])
    assert (await live(stack, bob))[0]["authors"] == ["U0BOB", "U0CAROL"]
    assert (await stack.propose("deploy.two"))[1]["rule_id"] is not None


async def test_a_rule_does_not_answer_for_its_own_author_as_requester(stack: Stack) -> None:
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    await answered(stack, carol, remember="forever")
    status, asked = await stack.propose(on_behalf_of="U0CAROL")
    assert (status, asked["state"], asked["rule_id"]) == (202, "pending", None)


async def test_a_rule_never_lifts_a_tier_that_does_not_ask(stack: Stack, admin: Key) -> None:
    allow = {
        "agent": "deployer",
        "tool": "deploy.shadowed",
        "decision": "allow",
        "pattern": {"any": True},
        "reason": "x",
    }
    assert (await stack.signed(admin, "POST", f"{API}/rules", allow))[0] == 201
    assert (await stack.propose("deploy.shadowed"))[1]["state"] == "shadowed"
    blocked = {**allow, "tool": "drop.database"}
    assert (await stack.signed(admin, "POST", f"{API}/rules", blocked))[0] == 201
    assert (await stack.propose("drop.database"))[1]["code"] == "ALWAYS_BLOCK"


async def test_an_allow_of_somebody_who_may_not_approve_answers_nothing(stack: Stack, admin: Key) -> None:
    allow = {
        "agent": "deployer", "tool": "deploy.production", "decision": "allow", "pattern": {"any": True}, "reason": "x",
    }  # fmt: skip
    assert (await stack.signed(admin, "POST", f"{API}/rules", allow))[0] == 201
    assert (await stack.propose())[1]["state"] == "pending"


async def test_a_rule_that_contradicts_a_rejection_has_to_be_confirmed(stack: Stack, bob: Key) -> None:
    await answered(stack, bob, arguments={"service": "checkout", "note": "1"})
    await answered(stack, bob, arguments={"service": "checkout", "note": "2"}, decision="reject", reason="no")
    _, proposed = await stack.propose()
    path = f"{API}/approvals/{proposed['approval']['id']}"
    wish = {"decision": "approve", "remember": "forever", "remember_pattern": {"fields": {"/service": "checkout"}}}
    status, body = await stack.signed(bob, "POST", path, wish)
    assert (status, body["code"]) == (409, "RULE_CONTRADICTS")
    assert body["details"] == {"matched": 2, "approved": 1, "rejected": 1}
    assert "would have matched 2 calls of the last 30 days: 1 approved, 1 rejected" in body["error"]
    assert (await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}"))[1]["state"] == "pending"
    assert (await stack.signed(bob, "POST", path, {**wish, "remember_confirmed": True}))[0] == 200
    _, other = await stack.propose(arguments={"service": "checkout", "note": "3"})
    assert other["state"] == "allowed"


async def test_a_rule_can_be_tried_before_it_is_made(stack: Stack, bob: Key, admin: Key) -> None:
    await answered(stack, bob)
    draft = {"agent": "deployer", "tool": "deploy.*", "decision": "deny", "pattern": {"any": True}, "reason": "freeze"}
    status, body = await stack.signed(admin, "POST", f"{API}/rules?dry_run=1", draft)
    assert (status, body["matched"], body["approved"], body["rejected"]) == (200, 1, 1, 0)
    assert await count(stack.database, Rule) == 0
    for path in ("/rules", "/rules?dry_run=1"):
        assert (await stack.signed(bob, "POST", f"{API}{path}", draft))[0] == 403


async def test_the_newest_rule_of_a_key_replaces_the_one_before(stack: Stack, bob: Key) -> None:
    """closes approval-api 3"""
    await answered(stack, bob, remember="forever", remember_uses=1)
    await stack.settled((await stack.propose(idempotency_key="a"))[1]["proposal_id"])
    await answered(stack, bob, remember="forever", remember_uses=5)
    (rule,) = await live(stack, bob)
    assert (rule["max_uses"], rule["uses"]) == (5, 0)
    _, body = await stack.signed(bob, "GET", f"{API}/rules?live=0")
    assert [one["ended_why"] for one in body["items"]] == [None, "replaced by a newer rule"]


async def test_a_revoked_rule_answers_nothing_any_more_and_stops_what_it_allowed(
    stack: Stack, bob: Key, admin: Key
) -> None:
    """closes approval-api 3"""
    await answered(stack, bob, remember="forever")
    (rule,) = await live(stack, bob)
    mallory = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    assert (await stack.signed(mallory, "DELETE", f"{API}/rules/{rule['id']}"))[0] == 403
    status, ended = await stack.signed(bob, "DELETE", f"{API}/rules/{rule['id']}")
    assert (status, ended["ended_by"], ended["ended_why"]) == (200, "U0BOB", "revoked")
    assert (await stack.signed(admin, "DELETE", f"{API}/rules/{rule['id']}"))[0] == 404
    assert (await stack.propose(idempotency_key="after"))[1]["state"] == "pending"
    assert await live(stack, bob) == []


async def test_agents_see_their_own_rules_and_change_none(stack: Stack, bob: Key) -> None:
    """closes approval-api 11"""
    await answered(stack, bob, remember="forever")
    (rule,) = await live(stack, bob)
    status, mine = await stack.call("GET", f"{API}/rules")
    assert (status, [one["id"] for one in mine["items"]]) == (200, [rule["id"]])
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    assert (await stack.call("GET", f"{API}/rules", secret=stranger))[1]["items"] == []
    assert (await stack.call("GET", f"{API}/rules/{rule['id']}", secret=stranger))[0] == 404
    assert (await stack.call("DELETE", f"{API}/rules/{rule['id']}"))[0] == 401


async def test_a_tool_that_changed_is_asked_about_again(stack: Stack, bob: Key) -> None:
    await answered(stack, bob, remember="forever")
    text = stack.config.read_text()
    stack.config.write_text(text.replace('consequence = "Does deploy.production', 'consequence = "Really does it'))
    await stack.server.reload_policy()
    assert (await stack.propose(idempotency_key="new"))[1]["state"] == "pending"


async def test_rules_are_listed_and_revoked_in_slack_and_authors_are_asked_about_old_ones(
    stack: Stack, bob: Key, clock: Clock
) -> None:
    await answered(stack, bob, "deploy.mild", remember="forever")
    (rule,) = await live(stack, bob)
    listed = await stack.slack.command("U0CAROL", "/approvals", "rules")
    assert rule["id"] in listed.ephemeral[0].text
    refused = await stack.slack.command("U0CAROL", "/approvals", f"revoke {rule['id']}")
    assert "Only its authors" in refused.ephemeral[0].text
    clock.forward(days=90)
    workspace = stack.slack.workspace
    await ask_about_old_rules(stack.database)
    said = await workspace.until(lambda: [m for m in workspace.dm("U0BOB") if rule["id"] in m.text])
    assert "used never" in said[0].text
    revoked = await stack.slack.command("U0BOB", "/approvals", f"revoke {rule['id']}")
    assert "Revoked" in revoked.ephemeral[0].text
    assert await live(stack, bob) == []


async def test_where_several_must_agree_nobody_s_limits_are_lost_because_none_are_taken(stack: Stack, bob: Key) -> None:
    """Whoever answers last would make the rule; a limit that an earlier one wished for would be gone."""
    for limit in ({"remember_uses": 1}, {"remember_until": "2126-01-01T00:00:00Z"}):
        status, told = await answered_later(stack, bob, "deploy.two", remember="forever", **limit)
        assert (status, told["code"]) == (422, "UNPROCESSABLE")
    assert await live(stack, bob) == []


@pytest.mark.parametrize("value", [1, 1.0, "true", "TRUE", [True]])
async def test_a_pattern_says_what_the_call_says_to_the_letter(stack: Stack, bob: Key, value: Any) -> None:
    """Python takes 1 for True; rules must not."""
    wish = {"remember": "forever", "remember_pattern": {"fields": {"/flag": value}}}
    status, told = await answered_later(stack, bob, "deploy.flag", arguments={"flag": True}, **wish)
    assert (status, told["code"]) == (422, "UNPROCESSABLE")


async def test_no_rule_looks_at_secrets_nor_answers_for_countersign_itself(stack: Stack, admin: Key) -> None:
    rule = {"agent": "deployer", "tool": "deploy.*", "decision": "allow", "reason": "x"}
    for pointer in ("/token", "token", "/token/0"):
        sent = {**rule, "pattern": {"fields": {pointer: "tok-12345"}}}
        status, told = await stack.signed(admin, "POST", f"{API}/rules", sent)
        assert (status, "is secret" in told["error"]) == (422, True)
    own = {**rule, "agent": "countersign", "tool": "countersign.set_tier", "pattern": {"any": True}}
    assert (await stack.signed(admin, "POST", f"{API}/rules", own))[0] == 422


async def answered_later(stack: Stack, key: Key, tool: str, **decision: Any) -> tuple[int, Any]:
    """Propose a call and answer it; what is proposed stays open where the answer is refused."""
    arguments = decision.pop("arguments", {"service": "checkout"})
    _, proposed = await stack.propose(tool, arguments=arguments)
    path = f"{API}/approvals/{proposed['approval']['id']}"
    return await stack.signed(key, "POST", path, {"decision": "approve", **decision})


async def test_a_vote_below_the_quorum_is_told_as_one_and_makes_no_rule(stack: Stack, bob: Key) -> None:
    """closes approval-api 4"""
    carol, (_, proposed) = await stack.key(KeyKind.OPERATOR, "U0CAROL"), await stack.propose("deploy.two")
    path, wish = f"{API}/approvals/{proposed['approval']['id']}", {"decision": "approve", "remember": "forever"}
    status, told = await stack.signed(bob, "POST", path, wish)
    assert (status, told["status"], told["decision"]) == (200, "pending", None)
    assert await events_of(stack) == [("approval_requested", "pending"), ("vote_recorded", "pending")]
    assert (await stack.signed(carol, "POST", path, {"decision": "approve"}))[1]["status"] == "approved"
    assert (await events_of(stack))[2] == ("approval_decided", "approved")
    assert await count(stack.database, Rule) == 0


async def events_of(stack: Stack) -> list[tuple[str, str | None]]:
    """The public events of everything that was committed so far, in order, each with the status after it."""
    await seal_for_reader(stack.database)
    async with stack.database.read(stack.server.office.tenant) as tx:
        found, _ = await feed.after(tx, 0, 1000)
    return [(str(one.event), one.status) for one in found]


async def test_among_rules_that_fit_one_call_the_denial_wins(stack: Stack, bob: Key, admin: Key) -> None:
    """closes approval-api 3"""
    await answered(stack, bob, remember="forever")
    _, allowed = await stack.propose(idempotency_key="k1")
    assert allowed["rule_id"] is not None
    deny = {"agent": "deployer", "tool": "deploy.*", "decision": "deny", "pattern": {"any": True}, "reason": "freeze"}
    _, made = await stack.signed(admin, "POST", f"{API}/rules", deny)
    status, body = await stack.propose(idempotency_key="k2")
    assert (status, body["code"]) == (403, "DENIED_BY_RULE")
    assert (await stack.signed(admin, "DELETE", f"{API}/rules/{made['id']}"))[0] == 200
    assert (await stack.propose(idempotency_key="k3"))[1]["rule_id"] == allowed["rule_id"]
