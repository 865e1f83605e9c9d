"""What each ending of a call means for trust, and what proves that people approved it."""

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.canonical import canonical
from governance.receipts import RuleFacts
from governance.trust import means_record, record_of
from tests.unit.histories import NOON, event, finished, opening, settled, vote

KEY = b"audit key"
AUTO, NOTIFY, ASKED = "act_auto", "act_and_notify", "act_with_approval"


def record(*story, rules=None, key=KEY):
    """The record that the last entry of a story means, as it would be written, or None."""
    draft = record_of(story[-1], list(story), rules or {}, key)
    return draft and draft.body()


def brief(found):
    return found and (found["outcome"], found["autonomy_tier"], found["metadata"]["autonomy.enforcement"])


ENDINGS = {
    "shadowed": ([opening("shadowed", "shadow")], ("denied", "shadow", "shadow_noop")),
    "suggested": ([opening("suggested", "suggest")], ("denied", "suggest", "suggest_approval_request")),
    "denied by policy": (
        [opening("denied", None, outcome="policy_denied", code="ALWAYS_BLOCK")], ("denied", "shadow", "policy_denied")
    ),
    "wrong input": ([opening("denied", None, outcome="needs_input")], ("denied", "shadow", "input_denied")),
    "no scope": ([opening("denied", None, outcome="scope_invalid")], ("denied", "shadow", "scope_denied")),
    "needs a human": (
        [opening("denied", None, outcome="policy_denied", code="NEEDS_HUMAN")],
        ("denied", "shadow", "needs_human_denied"),
    ),
    "denied by a rule": (
        [opening("denied", None, outcome="policy_denied", rule_id="rul_1")], ("denied", "shadow", "rule_denied")
    ),
    "unknown tool": (
        [event(1, "proposal.unsupported", "agent:deployer", proposal_id=None, tool="rm -rf /")],
        ("denied", "shadow", "unsupported"),
    ),
    "rejected": (
        [opening(), vote(2, "U0BOB", "approval.decided", verdict="reject", status="rejected")],
        ("denied", ASKED, "approval_denied"),
    ),
    "a suggestion rejected": (
        [opening("suggested", "suggest"), vote(2, "U0BOB", "approval.decided", verdict="reject", status="rejected")],
        ("denied", "suggest", "approval_denied"),
    ),
    "expired": (
        [opening(), event(2, "approval.expired", request_id="apr_1", status="expired")],
        ("timeout", ASKED, "approval_timeout"),
    ),
    "ran at act_auto": ([opening("allowed", AUTO), finished(2)], ("success", AUTO, "auto")),
    "ran at act_and_notify": ([opening("allowed", NOTIFY), finished(2)], ("success", AUTO, "auto_notified")),
    "failed": ([opening("allowed", AUTO), finished(2, "failed")], ("failure", AUTO, "auto")),
    "unknown": ([opening("allowed", AUTO), finished(2, "unknown")], ("failure", AUTO, "auto")),
    "invalidated": (
        [opening("allowed", AUTO), finished(2, "invalidated")], ("denied", AUTO, "revalidation_denied")
    ),
    "approved and ran": (
        [opening(), settled(2, "U0BOB", quorum=1), finished(3)], ("success", ASKED, "approval_granted")
    ),
    "approved and failed": (
        [opening(), settled(2, "U0BOB", quorum=1), finished(3, "failed")], ("failure", ASKED, "approval_granted")
    ),
    "a suggestion approved and ran": (
        [opening("suggested", "suggest"), settled(2, "U0BOB", quorum=1), finished(3)],
        ("success", "suggest", "approval_granted"),
    ),
}  # fmt: skip

SILENT = {
    "pending": opening(),
    "allowed": opening("allowed", AUTO),
    "approved": settled(2, "U0BOB"),
    "one vote of two": vote(2, "U0BOB"),
    "deferred": vote(2, "U0BOB", "approval.deferred", status="deferred"),
    "withdrawn": event(2, "approval.withdrawn", "agent:deployer"),
    "started": finished(2, "running", "execution.started"),
    "postponed": finished(2, "queued", "execution.postponed"),
    "reopened": event(2, "approval.reopened", status="pending"),
    "a key": event(2, "key.created", agent=None, key_id="key_1"),
    "a tier that is none": event(2, "tier.changed", tier="act_wildly"),
    "nobody's": event(2, "proposal.denied", agent=None),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_has_its_outcome_its_tier_and_its_label(name):
    """closes autonomy-and-trust 11"""
    story, expected = ENDINGS[name]
    assert means_record(story[-1])
    assert brief(record(*story)) == expected


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_written_while_nothing_has_ended(name):
    assert not means_record(SILENT[name])
    assert record(opening(), SILENT[name]) is None


def test_a_record_says_who_did_what_under_which_trace_and_never_with_which_arguments():
    """closes autonomy-and-trust 12, 13"""
    found = record(opening("allowed", NOTIFY, arguments={"token": "secret"}), finished(2, error="token secret"))
    assert {key: found[key] for key in found if key != "metadata"} == {
        "agent": "deployer", "action": "deploy", "approver": None, "outcome": "success", "trace_id": "trace-7",
        "autonomy_tier": "act_auto", "timestamp": "2026-11-23T12:00:02Z", "cost_usd": None,
    }  # fmt: skip
    assert found["metadata"] == {
        "autonomy.enforcement": "auto_notified", "state": "succeeded", "tier": "act_and_notify",
        "tool": "deploy.production", "action_class": "deploy", "capability": "deploy.production",
        "digest": "sha256:d1", "proposal_id": "prp_1", "execution_id": "exe_1",
    }  # fmt: skip


def test_without_a_trace_of_its_own_a_call_is_traced_by_its_proposal():
    assert record(opening("shadowed", "shadow", trace_id=None))["trace_id"] == "prp_1"


def test_a_refused_name_of_a_tool_is_kept_out_of_the_action():
    found = record(event(9, "proposal.unsupported", proposal_id=None, tool="\x00rm", trace_id=None))
    assert (found["action"], found["trace_id"], found["metadata"]["tool"]) == ("unsupported", "audit-9", "\x00rm")


def test_who_rejected_is_named_but_is_no_approver():
    rejected = vote(2, "U0BOB", "approval.decided", verdict="reject", status="rejected")
    found = record(opening(), rejected)
    assert (found["approver"], found["metadata"]["decided_by"]) == (None, "U0BOB")
    assert "approval" not in found["metadata"]


def test_an_approved_call_names_its_approver_and_everybody_who_signed_in_the_order_they_did():
    found = record(opening(), vote(2, "U0CAROL"), settled(3, "U0BOB", "U0CAROL"), finished(4))
    approval = found["metadata"]["approval"]
    assert found["approver"] == "U0BOB"
    assert (approval["required"], approval["quorum"], approval["request_id"]) == (True, 2, "apr_1")
    assert [(one["reviewer"], one["signed_at"]) for one in approval["signatures"]] == [
        ("U0CAROL", "2026-11-23T12:00:02Z"), ("U0BOB", "2026-11-23T12:00:03Z")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stray",
    [
        vote(2, "U0MALLORY"),
        vote(2, "U0DAVE", verdict="reject"),
        vote(2, "U0CAROL", version=0),
        vote(2, "U0CAROL", request_id="apr_0"),
    ],
    ids=["no longer counted", "not an approval", "of an older version", "of another request"],
)
def test_only_approvals_that_counted_sign(stray):
    found = record(opening(), stray, settled(3, "U0BOB", "U0CAROL", "U0DAVE"), finished(4))
    assert [one["reviewer"] for one in found["metadata"]["approval"]["signatures"]] == ["U0BOB"]


def signature(*story, **more):
    return record(opening(), *story, finished(9), **more)["metadata"]["approval"]["signatures"][0]["signature"]


def test_a_receipt_is_keyed_and_covers_the_whole_request():
    """closes autonomy-and-trust 9"""
    covered = {
        "purpose": "countersign approval receipt v1", "request": "apr_1", "digest": "sha256:d1", "version": 1,
        "quorum": 2, "expires_at": "2026-11-25T12:00:00+00:00", "verdict": "approve", "reason": None,
        "on_behalf_of": None, "reviewer": "U0BOB", "signed_at": "2026-11-23T12:00:02Z",
    }  # fmt: skip
    by_hand = hmac.new(KEY, canonical(covered), hashlib.sha256).hexdigest()
    assert signature(settled(2, "U0BOB")) == f"hmac-sha256:{by_hand}"


@pytest.mark.parametrize(
    "other",
    [
        {"digest": "sha256:d2"}, {"version": 2}, {"quorum": 1}, {"expires_at": "2026-11-26T12:00:00+00:00"},
        {"reason": "fine"}, {"request_id": "apr_2"}, {"on_behalf_of": "U0CAROL"},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_a_receipt_of_anything_else_is_another_receipt(other):
    assert signature(settled(2, "U0BOB", **other)) != signature(settled(2, "U0BOB"))
    assert signature(settled(2, "U0BOB", **other)) == signature(settled(2, "U0BOB", **other))


def test_without_a_key_a_receipt_is_a_plain_hash_and_says_so():
    assert signature(settled(2, "U0BOB"), key=None).startswith("sha256:")
    unkeyed = settled(2, "U0BOB", keyed=False)  # written before there was a key, sealed after
    assert signature(unkeyed, key=KEY) == signature(settled(2, "U0BOB"), key=None)


RULE = RuleFacts("rul_1", ("U0BOB", "U0CAROL"), NOON - timedelta(days=1), "apr_0")


def test_a_call_that_a_rule_answered_names_the_authors_of_the_rule():
    found = record(opening("allowed", ASKED, rule_id="rul_1"), finished(2), rules={"rul_1": RULE})
    approval = found["metadata"]["approval"]
    assert brief(found) == ("success", ASKED, "rule_granted")
    assert (found["approver"], found["metadata"]["rule_id"]) == ("U0BOB", "rul_1")
    assert found["metadata"]["rule_authors"] == ["U0BOB", "U0CAROL"]
    assert (approval["quorum"], approval["request_id"]) == (2, "apr_0")
    assert [one["reviewer"] for one in approval["signatures"]] == ["U0BOB", "U0CAROL"]
    assert {one["signed_at"] for one in approval["signatures"]} == {"2026-11-22T12:00:00Z"}


def test_the_receipts_of_a_rule_cover_the_rule_and_the_call():
    def receipts(rule, digest):
        story = (opening("allowed", ASKED, rule_id="rul_1"), replace(finished(2), detail=digest))
        found = record(*story, rules={"rul_1": rule})
        return [one["signature"] for one in found["metadata"]["approval"]["signatures"]]

    one, two = {"status": "succeeded", "digest": "sha256:1"}, {"status": "succeeded", "digest": "sha256:2"}
    every = {*receipts(RULE, one), *receipts(RULE, two), *receipts(replace(RULE, id="rul_2"), one)}
    assert len(every) == 6


def test_a_denial_by_a_rule_names_the_rule_and_its_authors_but_no_approval():
    found = record(opening("denied", None, outcome="policy_denied", rule_id="rul_1"), rules={"rul_1": RULE})
    assert (found["approver"], found["metadata"]["rule_authors"]) == (None, ["U0BOB", "U0CAROL"])
    assert "approval" not in found["metadata"]


@pytest.mark.parametrize(("word", "outcome"), [("succeeded", "success"), ("failed", "failure")])
def test_an_outcome_that_people_found_out_names_the_unknown_it_replaces(word, outcome):
    story = [opening("allowed", AUTO), finished(2, "unknown"), finished(3, word, "execution.reconciled")]
    draft = record_of(story[-1], story, {}, KEY)
    assert (draft.outcome, draft.corrects) == (outcome, 2)
    assert draft.body("trr_2")["metadata"]["corrects"] == "trr_2"


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ("shadow", ASKED, "trust.promote"), (ASKED, "shadow", "trust.demote"), (AUTO, NOTIFY, "trust.demote"),
        (None, "suggest", "trust.demote"), (None, AUTO, "trust.promote"),
    ],
)  # fmt: skip
def test_a_change_of_tier_is_a_promotion_or_a_demotion_by_its_direction(before, after, action):
    change = {"agent": "deployer", "target": "deploy", "tier": after, "from": before, "by": "U0ADMIN", "reason": "ok"}
    found = record(event(5, "tier.changed", "person:U0ADMIN", proposal_id=None, **change))
    assert (found["action"], found["outcome"], found["approver"]) == (action, "success", "U0ADMIN")
    assert (found["metadata"].get("from_tier"), found["metadata"]["to_tier"]) == (before, after)
    assert (found["metadata"]["control"], found["metadata"]["target"]) == (True, "deploy")


def test_a_countersigned_change_of_tier_carries_its_approval():
    change = event(4, "tier.changed", "system", tier=ASKED, **{"from": "shadow"}, by="U0ADMIN", reason="ok")
    found = record(opening(), settled(2, "U0BOB", quorum=1), finished(3), change)
    assert [one["reviewer"] for one in found["metadata"]["approval"]["signatures"]] == ["U0BOB"]
    assert found["trace_id"] == "trace-7"


def test_what_comes_later_does_not_change_what_an_entry_meant():
    story = [opening(), settled(2, "U0BOB", quorum=1), finished(3), settled(4, "U0CAROL", quorum=1)]
    assert record_of(story[2], story, {}, KEY) == record_of(story[2], story[:3], {}, KEY)


def test_an_entry_without_its_history_still_makes_a_record_and_stops_nobody():
    assert brief(record(finished(3))) == ("success", "shadow", "unevidenced")
    assert record(replace(finished(3), detail={"status": "failed", "digest": 7, "code": []}))["outcome"] == "failure"
