"""Handing a place on: who may, to whom, what it does to answers, and how it is taken back."""

from typing import Any

import pytest

from governance.errors import AlreadyDecided, ApprovalExpired, ArgumentsChanged, NotAReviewer, SelfReview, Unprocessable
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from governance.rules import Remember
from operations.delegate import Handing, delegate
from operations.remember import Wish
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Delegation, Door, OutboxMessage, Rule
from tests.conftest import Clock
from tests.integration.test_editing import edit
from tests.integration.verbs import REJECT, TENANT, asked, look, rows, say

Groups = dict[str, frozenset[str]]


async def hand(
    database: Database, policy: Policy, found: Dossier, giver: str, taker: str, *, members: Groups | None = None,
    **more: Any,
) -> ApprovalRequest:  # fmt: skip
    assert found.request is not None
    handing, request_id = Handing(giver, taker, Door.SLACK, **more), found.request.id
    return await database.write(TENANT, lambda tx: delegate(tx, policy, request_id, handing, members or {}))


async def test_an_admin_answers_in_the_place_of_a_reviewer(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ADMIN")
    await hand(database, policy, found, "U0BOB", "U0ADMIN", reason="on leave")
    settled = await say(database, found, "U0ADMIN")
    assert (settled.status, settled.decided_by) == (RequestStatus.APPROVED, "U0ADMIN")
    (review,) = (await look(database, found)).reviews
    assert (review.reviewer, review.on_behalf_of) == ("U0ADMIN", "U0BOB")


async def test_handing_on_is_recorded_shown_and_told(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await hand(database, policy, found, "U0BOB", "U0ADMIN", reason="on leave")
    (entry,) = await rows(database, AuditEntry, kind="approval.delegated")
    assert entry.actor == "person:U0BOB"
    (told,) = await rows(database, OutboxMessage, kind="tell")
    assert (told.payload["person"], told.payload["event"], told.payload["by"]) == ("U0ADMIN", "delegated", "U0BOB")
    (noted,) = await rows(database, OutboxMessage, kind="note")
    assert (noted.payload["event"], noted.payload["to"], noted.payload["reason"]) == (
        "delegated", "U0ADMIN", "on leave",
    )  # fmt: skip
    assert [(one.giver, one.taker) for one in (await look(database, found)).delegations] == [("U0BOB", "U0ADMIN")]


async def test_what_the_giver_answered_is_void_and_a_later_answer_takes_the_place_back(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    assert (await look(database, found)).reviews == ()
    await say(database, found, "U0ADMIN")
    await say(database, found, "U0BOB")
    now = await look(database, found)
    assert [(one.reviewer, one.on_behalf_of) for one in now.reviews] == [("U0BOB", None)]
    assert now.delegations == ()
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ADMIN")


async def test_one_place_has_one_voice(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    assert (await say(database, found, "U0ADMIN")).status is RequestStatus.PENDING
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.APPROVED


async def test_a_reviewer_who_gets_a_second_place_still_counts_once(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await hand(database, policy, found, "U0BOB", "U0CAROL")
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.PENDING
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.PENDING
    assert (await say(database, found, "U0ALICE")).status is RequestStatus.APPROVED


async def test_nobody_hands_a_place_to_somebody_where_too_few_would_be_left(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await hand(database, policy, found, "U0BOB", "U0CAROL")
    with pytest.raises(Unprocessable, match="2 different people must agree"):
        await hand(database, policy, found, "U0ALICE", "U0CAROL")


@pytest.mark.parametrize(
    ("tool", "taker", "why", "more"),
    [
        ("deploy.production", "U0BOB", "yours", {}),
        ("deploy.production", "U0MALLORY", "may not answer this request", {}),
        ("deploy.production", "U0ALICE", "may not answer this request", {}),
        ("deploy.production", "U0CAROL", "on their behalf", {"on_behalf_of": "U0CAROL"}),
        ("deploy.barred", "U0ALICE", "on their behalf", {}),
        ("deploy.barred", "U0ALICE", "created the agent", {"on_behalf_of": "U0CAROL"}),
    ],
)
async def test_a_place_goes_only_to_somebody_who_may_decide(
    database: Database, policy: Policy, tool: str, taker: str, why: str, more: dict[str, str]
) -> None:
    found = await asked(database, policy, tool, **more)
    with pytest.raises(Unprocessable, match=f"^to: .*{why}"):
        await hand(database, policy, found, "U0BOB", taker)
    assert await rows(database, Delegation) == []


async def test_only_who_has_a_place_can_hand_it_on(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, on_behalf_of="U0CAROL")
    with pytest.raises(NotAReviewer):
        await hand(database, policy, found, "U0MALLORY", "U0ADMIN")
    with pytest.raises(SelfReview):
        await hand(database, policy, found, "U0CAROL", "U0ADMIN")


async def test_members_of_a_group_hand_on_while_they_are_in_it(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.group")
    on_call = {"S0ONCALL": frozenset({"U0BOB"})}
    await hand(database, policy, found, "U0BOB", "U0ADMIN", members=on_call)
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ADMIN", members={"S0ONCALL": frozenset({"U0CAROL"})})
    assert (await say(database, found, "U0ADMIN", members=on_call)).status is RequestStatus.APPROVED


async def test_a_taker_hands_on_three_times_at_most_and_only_the_last_may_answer(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy)
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    await hand(database, policy, found, "U0ADMIN", "U0CAROL")
    assert [(one.giver, one.taker) for one in (await look(database, found)).delegations] == [("U0BOB", "U0CAROL")]
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ADMIN")
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    with pytest.raises(Unprocessable, match="changed hands 3 times"):
        await hand(database, policy, found, "U0BOB", "U0CAROL")


async def test_a_settled_expired_or_changed_request_is_not_handed_on(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    with pytest.raises(ArgumentsChanged):
        await hand(database, policy, found, "U0BOB", "U0ADMIN", seen_version=2)
    clock.forward(hours=49)
    with pytest.raises(ApprovalExpired):
        await hand(database, policy, found, "U0BOB", "U0ADMIN")
    clock.forward(hours=-49)
    await say(database, found, "U0CAROL", REJECT, "no")
    with pytest.raises(AlreadyDecided) as refused:
        await hand(database, policy, found, "U0BOB", "U0ADMIN")
    assert refused.value.details["winner"]["by"] == "U0CAROL"


async def test_who_edited_the_call_takes_nobody_s_place(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)
    with pytest.raises(Unprocessable, match=r"^to: they edited"):
        await hand(database, policy, found, "U0CAROL", "U0BOB")
    await hand(database, policy, found, "U0CAROL", "U0ADMIN")
    assert (await say(database, found, "U0ADMIN", seen_version=2)).status is RequestStatus.APPROVED


async def test_who_was_handed_a_place_answers_this_call_and_makes_no_rule_of_it(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy)
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    with pytest.raises(Unprocessable, match="handed to you for this call only"):
        await say(database, found, "U0ADMIN", wish=Wish(Remember.FOREVER))
    assert (await say(database, found, "U0ADMIN")).status is RequestStatus.APPROVED
    assert await rows(database, Rule) == []
