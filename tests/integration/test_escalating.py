"""Silence widens the panel once: who is added, when it is dropped, and what everybody sees of it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from governance.errors import NotAReviewer
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from scheduler.expiry import attend_due
from storage.database import Database
from storage.tables import AuditEntry, OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration.verbs import APPROVE, DEFER, Dossier, asked, count, look, policy_from, rows, say
from tests.policies import tool

ESCALATING = 'escalate_after = "4h"\nescalate_to = {to}\n{more}'


def escalating(folder: Path, to: str = '["U0ADMIN", "S0LEADS"]', more: str = "", **kind: object) -> Policy:
    text = tool("deploy.slow", title="Deploy slowly", more=ESCALATING.format(to=to, more=more), **kind)  # type: ignore[arg-type]
    return policy_from(folder, extra=text)


async def at(database: Database, clock: Clock, hours: float) -> None:
    clock.now = NOON + timedelta(hours=hours)
    await attend_due(database)


async def reviewers(database: Database, found: Dossier) -> list[str]:
    request = (await look(database, found)).request
    assert request is not None
    return request.reviewers


async def test_silence_adds_reviewers_once_and_everybody_sees_it(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    found = await asked(database, escalating(tmp_path), "deploy.slow")
    await at(database, clock, 3.9)
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ADMIN")
    for hours in (4, 4, 5):
        await at(database, clock, hours)
    assert await reviewers(database, found) == ["U0BOB", "U0CAROL", "U0ADMIN", "S0LEADS"]
    (entry,) = await rows(database, AuditEntry, kind="approval.escalated")
    assert (entry.actor, json.loads(entry.detail)) == ("system", {"added": ["U0ADMIN", "S0LEADS"], "status": "pending"})
    (line,) = await rows(database, OutboxMessage, kind="note")
    assert (line.payload["event"], line.payload["to"]) == ("escalated", "U0ADMIN S0LEADS")
    now = (await look(database, found)).request
    assert now is not None
    assert (now.version, now.escalate_at, now.status) == (1, None, RequestStatus.PENDING)
    assert (await say(database, found, "U0ADMIN", seen_version=1)).status is RequestStatus.APPROVED


@pytest.mark.parametrize(
    ("verdict", "more"), [(APPROVE, {}), (DEFER, {"reason": "later", "until": NOON + timedelta(hours=20)})]
)
async def test_any_answer_ends_the_silence_for_good(
    database: Database, clock: Clock, tmp_path: Path, verdict: object, more: dict[str, object]
) -> None:
    found = await asked(database, escalating(tmp_path, quorum=2), "deploy.slow")
    await say(database, found, "U0BOB", verdict, **more)  # type: ignore[arg-type]
    await at(database, clock, 5)
    now = (await look(database, found)).request
    assert now is not None
    assert (now.reviewers, now.escalate_at, now.escalate_to) == (["U0BOB", "U0CAROL"], None, [])
    assert await count(database, AuditEntry, kind="approval.escalated") == 0
    await at(database, clock, 6)
    assert await reviewers(database, found) == ["U0BOB", "U0CAROL"]


async def test_a_settled_request_does_not_escalate(database: Database, clock: Clock, tmp_path: Path) -> None:
    found = await asked(database, escalating(tmp_path), "deploy.slow")
    await say(database, found, "U0BOB")
    await at(database, clock, 5)
    assert await reviewers(database, found) == ["U0BOB", "U0CAROL"]


async def test_replicas_ticking_at_once_escalate_once(database: Database, clock: Clock, tmp_path: Path) -> None:
    policy = escalating(tmp_path)
    for number in range(5):
        await asked(database, policy, "deploy.slow", arguments={"service": f"s{number}"})
    clock.forward(hours=4)
    await asyncio.gather(*(attend_due(database) for _ in range(4)))
    assert await count(database, AuditEntry, kind="approval.escalated") == 5
    assert await count(database, OutboxMessage, kind="note") == 5


@pytest.mark.parametrize(
    ("to", "more", "on_behalf_of", "added"),
    [
        ('["U0BOB", "U0ADMIN"]', "", None, ["U0ADMIN"]),
        ('["U0ALICE", "U0ADMIN"]', "creator_may_approve = false", None, ["U0ADMIN"]),
        ('["U0ALICE", "U0ADMIN"]', "creator_may_approve = false", "U0CAROL", ["U0ADMIN"]),
        ('["U0CAROL", "U0ADMIN"]', "", "U0CAROL", ["U0ADMIN"]),
        ('["U0BOB"]', "", None, []),
    ],
)
async def test_only_those_are_added_who_may_answer_and_could_not(
    database: Database, clock: Clock, tmp_path: Path, to: str, more: str, on_behalf_of: str | None, added: list[str]
) -> None:
    policy = escalating(tmp_path, to, more)
    found = await asked(database, policy, "deploy.slow", on_behalf_of=on_behalf_of)
    await at(database, clock, 4)
    assert await reviewers(database, found) == ["U0BOB", "U0CAROL", *added]
    assert await count(database, AuditEntry, kind="approval.escalated") == bool(added)


async def test_an_escalation_and_a_half_time_warning_both_come(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    found = await asked(database, escalating(tmp_path), "deploy.slow")
    await at(database, clock, 25)
    await at(database, clock, 25)
    events = [one.payload["event"] for one in await rows(database, OutboxMessage, kind="note")]
    assert sorted(events) == ["escalated", "warned_half"]
    assert "U0ADMIN" in await reviewers(database, found)
