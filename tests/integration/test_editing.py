"""Editing a call that waits: what changes, what becomes void, who may still approve, and what cannot be edited in."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from governance.errors import (
    AlreadyDecided,
    ApprovalExpired,
    ArgumentsChanged,
    Conflict,
    Forbidden,
    IdempotencyConflict,
    NotAReviewer,
    SelfReview,
    Unprocessable,
)
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from governance.rules import Effect, Scope
from governance.secret_fields import MASK
from operations.edit import Edit, edit_arguments
from operations.remember import Draft, add_rule
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Door, Execution
from tests.conftest import Clock
from tests.integration.running import worker
from tests.integration.verbs import DEFER, REJECT, TENANT, asked, count, look, policy_from, rows, say, submit

SEARCH = {"service": "search"}


async def edit(
    database: Database, policy: Policy, found: Dossier, editor: str = "U0BOB", arguments: Any = None, **more: Any
) -> ApprovalRequest:
    assert found.request is not None
    members = more.pop("members", {})
    request_id, wanted = found.request.id, Edit(editor, SEARCH if arguments is None else arguments, Door.SLACK, **more)
    return await database.write(TENANT, lambda tx: edit_arguments(tx, policy, request_id, wanted, members))


async def test_an_edit_is_a_new_version_with_a_new_digest_and_what_it_would_do(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy)
    edited = await edit(database, policy, found, reason="wrong service")
    now = await look(database, found)
    assert (edited.version, edited.editor, edited.status) == (2, "U0BOB", RequestStatus.PENDING)
    assert edited.digest == now.proposal.digest != found.proposal.digest
    assert now.proposal.call_hash != found.proposal.call_hash
    assert json.loads(now.proposal.arguments) == SEARCH
    assert json.loads(now.proposal.proposed_arguments or "") == {"service": "checkout"}
    assert now.proposal.consequence == "Does deploy.production with search"
    (entry,) = await rows(database, AuditEntry, kind="approval.edited")
    detail = json.loads(entry.detail)
    assert (entry.actor, detail["digest_before"], detail["digest"], detail["reason"]) == (
        "person:U0BOB", found.proposal.digest, now.proposal.digest, "wrong service",
    )  # fmt: skip


async def test_the_editor_cannot_approve_and_another_reviewer_can(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    with pytest.raises(SelfReview):
        await say(database, found, "U0BOB", seen_version=2)
    assert (await say(database, found, "U0CAROL", seen_version=2)).status is RequestStatus.APPROVED
    done = worker(database, policy)
    await done.work()
    assert [call.arguments for call in done.connector.calls] == [SEARCH]


async def test_the_editor_may_still_reject(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    assert (await say(database, found, "U0BOB", REJECT, "no", seen_version=2)).status is RequestStatus.REJECTED


async def test_earlier_answers_are_void_and_older_cards_change_nothing(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0CAROL", seen_version=1)
    await edit(database, policy, found)
    assert (await look(database, found)).reviews == ()
    with pytest.raises(ArgumentsChanged):
        await say(database, found, "U0CAROL", seen_version=1)
    with pytest.raises(ArgumentsChanged):
        await say(database, found, "U0CAROL")
    await say(database, found, "U0CAROL", seen_version=2)
    assert (await say(database, found, "U0ALICE", seen_version=2)).status is RequestStatus.APPROVED


async def test_the_first_version_stays_what_the_agent_proposed(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    await edit(database, policy, found, "U0CAROL", {"service": "payments"})
    now = await look(database, found)
    assert json.loads(now.proposal.proposed_arguments or "") == {"service": "checkout"}
    assert now.request is not None
    assert (now.request.version, now.request.editor) == (3, "U0CAROL")
    assert (await say(database, found, "U0BOB", seen_version=3)).status is RequestStatus.APPROVED


async def test_a_deferred_request_waits_again_after_an_edit(database: Database, policy: Policy, clock: Clock) -> None:
    found = await asked(database, policy)
    clock.forward(hours=1)
    until = found.request.expires_at.replace(hour=1) if found.request else None
    await say(database, found, "U0CAROL", DEFER, "later", until=until)
    edited = await edit(database, policy, found)
    assert (edited.status, edited.reopen_at) == (RequestStatus.PENDING, None)


async def test_masked_secrets_stay_and_new_ones_are_sealed(database: Database, policy: Policy) -> None:
    first = {"service": "checkout", "token": "tok-1"}
    found = await asked(database, policy, arguments=first)
    await edit(database, policy, found, arguments={"service": "search", "token": MASK})
    assert json.loads((await look(database, found)).proposal.proposed_arguments or "")["token"] == MASK
    await edit(database, policy, found, "U0CAROL", {"service": "search", "token": "tok-2"})
    now = await look(database, found)
    assert "tok-" not in now.proposal.arguments + (now.proposal.proposed_arguments or "")
    assert json.loads(now.proposal.proposed_arguments or "")["token"] == f"{MASK} (replaced)"
    await say(database, found, "U0BOB", seen_version=3)
    done = worker(database, policy)
    await done.work()
    assert [call.arguments for call in done.connector.calls] == [{"service": "search", "token": "tok-2"}]


async def test_a_secret_that_the_agent_repeated_elsewhere_survives_an_edit_and_is_never_bared(
    database: Database, policy: Policy
) -> None:
    found = await asked(
        database, policy, arguments={"service": "checkout", "token": "tok-12345", "note": "use tok-12345"}
    )
    assert json.loads(found.proposal.arguments)["note"] == MASK
    with pytest.raises(Unprocessable, match="/note repeats a secret"):
        await edit(database, policy, found, arguments={"service": "search", "token": "tok-67890", "note": MASK})
    with pytest.raises(Unprocessable, match="stands where no secret was"):
        await edit(database, policy, found, arguments={"service": f"x{MASK}", "token": MASK, "note": MASK})
    await edit(database, policy, found, arguments={"service": "search", "token": MASK, "note": MASK})
    await say(database, found, "U0CAROL", seen_version=2)
    done = worker(database, policy)
    await done.work()
    assert [call.arguments for call in done.connector.calls] == [
        {"service": "search", "token": "tok-12345", "note": "use tok-12345"}
    ]


async def test_a_mask_where_there_was_no_secret_is_refused(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    with pytest.raises(Unprocessable, match="/token had no value to keep"):
        await edit(database, policy, found, arguments={"service": "search", "token": MASK})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"service": "checkout"}, "nothing is changed"),
        ({}, "service"),
        ({"service": 7}, "/service"),
        ({"service": "search", "extra": 1}, "extra"),
        (["service"], "JSON object"),
    ],
)
async def test_what_the_tool_would_not_take_is_refused_and_nothing_changes(
    database: Database, policy: Policy, arguments: Any, why: str
) -> None:
    found = await asked(database, policy)
    with pytest.raises(Unprocessable, match=f"^arguments: .*{why}"):
        await edit(database, policy, found, arguments=arguments)
    now = await look(database, found)
    assert now.request is not None
    assert (now.request.version, now.proposal.arguments) == (1, found.proposal.arguments)


async def test_who_may_not_answer_may_not_edit(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, on_behalf_of="U0CAROL")
    with pytest.raises(NotAReviewer):
        await edit(database, policy, found, "U0MALLORY")
    with pytest.raises(SelfReview):
        await edit(database, policy, found, "U0CAROL")


@pytest.mark.parametrize(
    ("tool", "more"), [("hint.it", {}), ("deploy.production", {"on_behalf_of": "U0CAROL"}), ("deploy.barred", {})]
)
async def test_an_edit_nobody_could_countersign_is_refused(
    database: Database, policy: Policy, tool: str, more: dict[str, str]
) -> None:
    found = await asked(database, policy, tool, **more)
    with pytest.raises(Forbidden, match="0 of the 1 people") as refused:
        await edit(database, policy, found)
    assert refused.value.name == "NOT_ENOUGH_REVIEWERS"


async def test_the_live_members_of_a_group_count_as_others(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.group")
    alone = {"S0ONCALL": frozenset({"U0BOB"})}
    with pytest.raises(Forbidden, match="0 of the 1"):
        await edit(database, policy, found, members=alone)
    assert (await edit(database, policy, found, members={"S0ONCALL": frozenset({"U0BOB", "U0CAROL"})})).version == 2


async def test_a_tool_that_changed_since_cannot_be_edited(database: Database, policy: Policy, tmp_path: Path) -> None:
    found = await asked(database, policy)
    changed = policy_from(tmp_path, replace={'consequence = "Does deploy.production': 'consequence = "Now'})
    with pytest.raises(Conflict) as refused:
        await edit(database, changed, found)
    assert refused.value.name == "TOOL_CHANGED"


async def test_an_edit_does_not_carry_a_call_past_a_rule_that_denies_it(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    draft = Draft(
        "deployer", "deploy.production", Effect.DENY, Scope.FOREVER, {"fields": {"/service": "search"}}, ("U0ADMIN",)
    )
    await database.write(TENANT, lambda tx: add_rule(tx, draft))
    with pytest.raises(Forbidden, match="denied by a rule") as refused:
        await edit(database, policy, found)
    assert refused.value.name == "DENIED_BY_RULE"


async def test_a_stale_settled_or_expired_request_is_not_edited(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    for stale in ({"seen_version": 2}, {"seen_digest": "sha256:" + "0" * 64}):
        with pytest.raises(ArgumentsChanged):
            await edit(database, policy, found, **stale)
    clock.forward(hours=49)
    with pytest.raises(ApprovalExpired):
        await edit(database, policy, found)
    clock.forward(hours=-49)
    await say(database, found, "U0CAROL")
    with pytest.raises(AlreadyDecided):
        await edit(database, policy, found)


async def test_an_unkeyed_call_is_found_under_what_it_is_now(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    repeated = await submit(database, policy, arguments=SEARCH)
    assert repeated.duplicate
    assert repeated.proposal is not None
    assert repeated.proposal.id == found.proposal.id
    assert not (await submit(database, policy)).duplicate


async def test_a_call_the_agent_has_open_already_cannot_be_edited_in(database: Database, policy: Policy) -> None:
    other = await asked(database, policy, arguments=SEARCH)
    found = await asked(database, policy)
    with pytest.raises(Conflict) as refused:
        await edit(database, policy, found)
    assert (refused.value.name, refused.value.details) == ("ALREADY_OPEN", {"proposal_id": other.proposal.id})
    now = await look(database, found)
    assert now.request is not None
    assert (now.request.version, now.proposal.state) == (1, ProposalState.PENDING)


async def test_a_key_still_means_the_call_it_came_with(database: Database, policy: Policy) -> None:
    sent = {"service": "checkout", "token": "tok-1"}
    found = await asked(database, policy, idempotency_key="k1", arguments=sent)
    await edit(database, policy, found, arguments={"service": "search", "token": MASK})
    again = await submit(database, policy, idempotency_key="k1", arguments=sent)
    assert again.duplicate
    assert again.proposal is not None
    assert again.proposal.id == found.proposal.id
    with pytest.raises(IdempotencyConflict):
        await submit(database, policy, idempotency_key="k1", arguments={"service": "payments"})


async def test_an_edit_and_an_approval_at_the_same_instant_run_what_was_approved(
    database: Database, policy: Policy
) -> None:
    for number in range(6):
        found = await asked(database, policy, arguments={"service": f"s{number}"})
        outcomes = await asyncio.gather(
            edit(database, policy, found, arguments={"service": f"edited{number}"}, seen_version=1),
            say(database, found, "U0CAROL", seen_version=1),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, Exception)]
        assert [type(one) for one in refused] in ([ArgumentsChanged], [AlreadyDecided])
        now = await look(database, found)
        assert (now.execution is not None) is (now.proposal.proposed_arguments is None)
    done = worker(database, policy)
    await done.work()
    assert not any("edited" in json.dumps(call.arguments) for call in done.connector.calls)
    assert await count(database, Execution) == len(done.connector.calls)
