"""Who is out of office is stood in for under the rules of delegating, and it is said where nobody is there."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.coverage import Sight
from governance.errors import Forbidden, NotAReviewer
from governance.hours import Absence
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from operations.cover import Seen, cover
from operations.prefer import come_back, leave
from scheduler.expiry import attend_due
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, OutboxMessage
from tests.conftest import Clock
from tests.integration.test_delegating import hand
from tests.integration.test_editing import edit
from tests.integration.test_escalating import at, escalating
from tests.integration.verbs import DEFER, REJECT, TENANT, asked, count, look, policy_from, rows, say, sql
from tests.policies import tool

EVERYBODY = ("U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN", "U0MALLORY")
Groups = Mapping[str, frozenset[str]]


async def covered(
    database: Database, policy: Policy, found: Dossier, *, gone: tuple[str, ...] = (),
    status: Mapping[str, Absence] | None = None, members: Groups | None = None,
) -> ApprovalRequest:  # fmt: skip
    """Look once: everybody is a full member except those `gone`, with the absences their Slack status tells of."""
    sights = {one: Sight(one not in gone, (status or {}).get(one)) for one in EVERYBODY}
    assert found.request is not None
    request_id, seen = found.request.id, Seen(members or {}, sights)
    request = await database.write(TENANT, lambda tx: cover(tx, policy, request_id, seen))
    assert request is not None
    return request


async def gone_away(database: Database, person: str, delegate: str | None = None, until: Any = None) -> None:
    await database.write(TENANT, lambda tx: leave(tx, person, until, delegate))


async def places(database: Database, found: Dossier) -> dict[str, str]:
    return {one.giver: one.taker for one in (await look(database, found)).delegations}


async def told(database: Database, event: str) -> list[str]:
    """Whom a direct message about this event is owed to, in the order of their ids."""
    owed = await rows(database, OutboxMessage, kind="tell")
    return sorted(one.payload["person"] for one in owed if one.payload["event"] == event)


async def kinds(database: Database) -> list[str]:
    entries = await rows(database, AuditEntry)
    kept = ("approval.covered", "approval.uncovered", "approval.unreachable", "approval.reachable")
    return [one.kind for one in sorted(entries, key=lambda one: one.id) if one.kind in kept]


async def test_a_delegate_answers_for_who_is_away_and_it_is_recorded_as_theirs_for_them(
    database: Database, policy: Policy, clock: Clock
) -> None:
    until = clock() + timedelta(days=3)
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0ADMIN", until)
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0ADMIN"}
    (entry,) = await rows(database, AuditEntry, kind="approval.covered")
    assert (entry.actor, json.loads(entry.detail)) == (
        "system", {"place": "U0BOB", "to": "U0ADMIN", "through": [], "until": until.isoformat(), "version": 1},
    )  # fmt: skip
    assert await told(database, "covered") == ["U0ADMIN"]
    (line,) = await rows(database, OutboxMessage, kind="note")
    assert line.payload["event"] == "covered"
    assert (line.payload["by"], line.payload["to"], line.payload["until"]) == (
        "U0BOB", "U0ADMIN", until.isoformat(),
    )  # fmt: skip
    settled = await say(database, found, "U0ADMIN")
    assert (settled.status, settled.decided_by) == (RequestStatus.APPROVED, "U0ADMIN")
    (review,) = (await look(database, found)).reviews
    assert (review.reviewer, review.on_behalf_of) == ("U0ADMIN", "U0BOB")


async def test_looking_again_changes_nothing_more(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0ADMIN")
    for _ in range(3):
        await covered(database, policy, found)
    assert await kinds(database) == ["approval.covered"]


async def test_a_chain_is_followed_to_whoever_is_there(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0CAROL")
    await gone_away(database, "U0CAROL", "U0ADMIN")
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0ADMIN", "U0CAROL": "U0ADMIN"}
    (first, _) = await rows(database, AuditEntry, kind="approval.covered")
    assert json.loads(first.detail)["through"] == ["U0CAROL"]


async def test_whose_stand_in_leaves_too_is_stood_in_for_by_the_next(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0CAROL")
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0CAROL"}
    await gone_away(database, "U0CAROL", "U0ADMIN")
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0ADMIN", "U0CAROL": "U0ADMIN"}


async def test_people_who_name_each_other_are_stood_in_for_by_nobody(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0CAROL")
    await gone_away(database, "U0CAROL", "U0BOB")
    request = await covered(database, policy, found)
    assert await places(database, found) == {}
    assert request.unreachable_since is not None


@pytest.mark.parametrize(
    ("name", "delegate", "more"),
    [
        ("deploy.production", "U0MALLORY", {}),
        ("deploy.production", "U0CAROL", {"on_behalf_of": "U0CAROL"}),
        ("deploy.barred", "U0ALICE", {}),
    ],
)
async def test_the_circle_does_not_widen(
    database: Database, policy: Policy, name: str, delegate: str, more: dict[str, str]
) -> None:
    found = await asked(database, policy, name, **more)
    await gone_away(database, "U0BOB", delegate)
    await covered(database, policy, found)
    assert await places(database, found) == {}
    with pytest.raises(Forbidden):
        await say(database, found, delegate)


async def test_who_edited_the_call_stands_in_for_nobody(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await edit(database, policy, found)  # by Bob
    await gone_away(database, "U0CAROL", "U0BOB")
    request = await covered(database, policy, found)
    assert await places(database, found) == {}
    assert request.unreachable_since is not None


async def test_a_delegate_who_left_the_workspace_gets_nothing(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found, gone=("U0ADMIN",))
    assert await places(database, found) == {}


async def test_enough_different_voices_are_kept_even_where_that_leaves_a_place_empty(
    database: Database, tmp_path: Path
) -> None:
    pair = tool("deploy.pair", title="Deploy as a pair", quorum=2, reviewers='["U0BOB", "U0CAROL"]')
    policy = policy_from(tmp_path, extra=pair)
    found = await asked(database, policy, "deploy.pair")
    await gone_away(database, "U0BOB", "U0CAROL")
    request = await covered(database, policy, found)
    assert await places(database, found) == {}
    assert request.unreachable_since is not None
    assert await told(database, "unreachable") == ["U0ADMIN", "U0ALICE"]


async def test_who_has_answered_is_not_stood_in_for(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found)
    assert await places(database, found) == {}
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.APPROVED


async def test_who_only_put_it_off_is_stood_in_for(database: Database, policy: Policy, clock: Clock) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "later", until=clock() + timedelta(hours=2))
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0ADMIN"}


async def test_who_is_away_may_answer_all_the_same_and_takes_their_place_back(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy, "deploy.two")
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found)
    await say(database, found, "U0ADMIN")
    await say(database, found, "U0BOB")
    assert [(one.reviewer, one.on_behalf_of) for one in (await look(database, found)).reviews] == [("U0BOB", None)]
    await covered(database, policy, found)
    assert await places(database, found) == {}


async def test_places_come_back_with_their_owner_unless_they_were_answered_on(
    database: Database, policy: Policy
) -> None:
    first, second = await asked(database, policy), await asked(database, policy, "deploy.two")
    await gone_away(database, "U0BOB", "U0ADMIN")
    for one in (first, second):
        await covered(database, policy, one)
    await say(database, second, "U0ADMIN")
    await database.write(TENANT, lambda tx: come_back(tx, "U0BOB"))
    assert (await places(database, first), await places(database, second)) == ({}, {"U0BOB": "U0ADMIN"})
    assert await kinds(database) == ["approval.covered", "approval.covered", "approval.uncovered"]
    with pytest.raises(NotAReviewer):
        await say(database, first, "U0ADMIN")
    assert (await say(database, first, "U0BOB", REJECT, "no")).status is RequestStatus.REJECTED


async def test_what_a_reviewer_handed_on_themselves_stays_handed_on(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await hand(database, policy, found, "U0BOB", "U0ADMIN")
    await gone_away(database, "U0BOB")
    await database.write(TENANT, lambda tx: come_back(tx, "U0BOB"))
    await covered(database, policy, found)
    assert await places(database, found) == {"U0BOB": "U0ADMIN"}


async def test_an_absence_that_has_lapsed_gives_places_back_at_the_next_look(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0ADMIN", clock() + timedelta(hours=3))
    await covered(database, policy, found)
    clock.forward(hours=3)
    await covered(database, policy, found)
    assert await places(database, found) == {}


async def test_one_s_own_word_goes_before_the_slack_status(database: Database, policy: Policy, clock: Clock) -> None:
    found = await asked(database, policy)
    vacation = Absence(clock() - timedelta(days=1))
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found, status={"U0BOB": vacation})
    assert await places(database, found) == {"U0BOB": "U0ADMIN"}


async def test_it_is_said_once_that_nobody_is_there_and_again_when_that_came_about_anew(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    gone = {one: Absence(clock() - timedelta(days=1)) for one in ("U0BOB", "U0CAROL")}
    for _ in range(3):
        await covered(database, policy, found, status=gone)
    assert await told(database, "unreachable") == ["U0ADMIN", "U0ALICE"]
    alert, _ = await rows(database, OutboxMessage, kind="tell")
    assert (alert.payload["reachable"], alert.payload["asked"]) == ("", "U0BOB U0CAROL")
    assert (await covered(database, policy, found)).unreachable_since is None
    await covered(database, policy, found, status=gone)
    assert await told(database, "unreachable") == ["U0ADMIN", "U0ADMIN", "U0ALICE", "U0ALICE"]
    assert await kinds(database) == ["approval.unreachable", "approval.reachable", "approval.unreachable"]


@pytest.mark.parametrize("members", [(), ("U0MALLORY",)], ids=["empty", "of people who may not decide"])
async def test_a_group_in_which_nobody_may_decide_reaches_nobody(
    database: Database, policy: Policy, members: tuple[str, ...]
) -> None:
    found = await asked(database, policy, "deploy.group")
    groups = {"S0ONCALL": frozenset(members)}
    request = await covered(database, policy, found, gone=("U0MALLORY",), members=groups)
    assert request.unreachable_since is not None
    request = await covered(database, policy, found, members={"S0ONCALL": frozenset({*members, "U0BOB"})})
    assert request.unreachable_since is None


async def test_the_creator_counts_for_nobody_where_the_tool_keeps_them_out(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.barred")
    assert (await covered(database, policy, found)).unreachable_since is None
    await gone_away(database, "U0BOB")
    assert (await covered(database, policy, found)).unreachable_since is not None


async def test_who_approved_before_they_left_counts(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    await gone_away(database, "U0BOB")
    await gone_away(database, "U0ALICE")
    assert (await covered(database, policy, found)).unreachable_since is None


async def test_what_was_not_looked_at_raises_no_alarm(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.group")
    groups = {"S0ONCALL": frozenset({"U0BOB", "U0UNSEEN"})}
    request = await covered(database, policy, found, gone=("U0BOB",), members=groups)
    assert request.unreachable_since is None


async def owed(database: Database) -> list[str]:
    return sorted(one.subject for one in await rows(database, OutboxMessage, kind="cover", status="queued"))


async def paid(database: Database) -> None:
    await sql(database, "UPDATE outbox_messages SET status = 'sent' WHERE kind = 'cover'")


async def test_a_look_is_owed_when_people_are_asked_leave_and_come_back(
    database: Database, policy: Policy, clock: Clock
) -> None:
    tools = ("deploy.production", "deploy.group", "deploy.default")
    named, grouped, other = [(await asked(database, policy, name)).request for name in tools]
    assert named is not None
    assert grouped is not None
    assert other is not None
    assert await owed(database) == sorted([named.id, grouped.id, other.id])
    await paid(database)
    await gone_away(database, "U0BOB")
    assert await owed(database) == sorted([named.id, grouped.id])
    await paid(database)
    await database.write(TENANT, lambda tx: come_back(tx, "U0BOB"))
    assert await owed(database) == sorted([named.id, grouped.id])
    await paid(database)
    clock.forward(hours=24)
    await attend_due(database)
    assert await owed(database) == sorted([named.id, grouped.id, other.id])


async def test_a_look_is_owed_when_a_stand_in_leaves_and_none_for_what_is_settled(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy)
    assert found.request is not None
    await gone_away(database, "U0BOB", "U0ADMIN")
    await covered(database, policy, found)
    await paid(database)
    await gone_away(database, "U0ADMIN")
    assert await owed(database) == [found.request.id]
    await paid(database)
    await say(database, found, "U0CAROL")
    await gone_away(database, "U0CAROL")
    assert await owed(database) == []


async def test_escalating_owes_a_look_and_a_new_alarm(database: Database, clock: Clock, tmp_path: Path) -> None:
    policy = escalating(tmp_path)
    found = await asked(database, policy, "deploy.slow")
    await covered(database, policy, found, gone=("U0BOB", "U0CAROL"))
    await paid(database)
    await at(database, clock, 4)
    assert found.request is not None
    assert await owed(database) == [found.request.id]
    groups = {"S0LEADS": frozenset[str]()}
    await covered(database, policy, found, gone=("U0BOB", "U0CAROL", "U0ADMIN"), members=groups)
    assert len(await told(database, "unreachable")) == 4


async def test_a_settled_request_is_left_alone(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await gone_away(database, "U0BOB", "U0ADMIN")
    await say(database, found, "U0CAROL")
    assert found.request is not None
    request_id, nobody = found.request.id, Seen({}, {})
    assert await database.write(TENANT, lambda tx: cover(tx, policy, request_id, nobody)) is None
    assert await kinds(database) == []


async def test_whoever_never_left_comes_back_without_a_trace(database: Database, policy: Policy) -> None:
    """A button of an old Home can be pressed again and again; each press would owe a look at everything open."""
    await asked(database, policy, "deploy.group")
    before = await count(database, AuditEntry), await count(database, OutboxMessage)
    for _ in range(3):
        await database.write(TENANT, lambda tx: come_back(tx, "U0MALLORY"))
    assert (await count(database, AuditEntry), await count(database, OutboxMessage)) == before
