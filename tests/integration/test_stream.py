"""The event stream over real HTTP: who sees what, where it resumes, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.api.stream.door import Places
from bot.api.stream.hub import Pace
from governance.policy import Policy
from operations.keys import revoke_key
from operations.withdraw import withdraw
from scheduler.upkeep import seal_audit
from storage import feed
from storage.database import Database
from storage.opening import open_database
from storage.tables import ApiKey, AuditSeal
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.calls import Key
from tests.integration.streaming import PATH, Line, Site, ids, site
from tests.integration.verbs import REJECT, TENANT, asked, rows, say

AT_ONCE = Pace(heartbeat=0.0, soon=0.0)  # as fast as it gets: what comes every 15 s comes at every turn


@pytest.fixture
async def lite(sqlite_url: str, clock: Clock) -> AsyncIterator[Database]:
    """What is not about SQL is tried on one database."""
    opened = await open_database(sqlite_url, ENCRYPTION_KEY, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def running(lite: Database, policy: Policy) -> AsyncIterator[Site]:
    async with site(lite, policy) as started:
        yield started


async def withdrawn(running: Site, count: int, agent: str = "deployer") -> None:
    """Twice as many events of an agent."""
    for n in range(count):
        found = await asked(running.database, running.policy.current, "hint.it", agent=agent,
                            arguments={"service": f"s{n}"})  # fmt: skip
        await running.database.write(TENANT, lambda tx, id=found.proposal.id: withdraw(tx, id, agent, None))  # type: ignore[misc]


async def test_everybody_sees_what_is_theirs_in_one_order_with_the_status_that_holds_since(
    running: Site, policy: Policy
) -> None:
    """closes approval-api 4, 8"""
    deployer = await running.open(await running.agent())
    stranger = await running.open(await running.agent("stranger"))
    admin = await running.open(running.signed(await running.operator()))
    assert (admin.status, admin.headers["content-type"]) == (200, "text/event-stream")
    assert (admin.headers["cache-control"], admin.headers["x-accel-buffering"]) == ("no-store", "no")
    assert await admin.frame() == {"retry": "2000"}
    mine = await asked(running.database, policy, "deploy.two")
    theirs = await asked(running.database, policy, "hint.it", agent="stranger")
    await say(running.database, mine, "U0BOB")
    await say(running.database, mine, "U0CAROL", REJECT, "not\nnow: data: x")
    seen = await admin.events(4)
    assert ids(seen) == sorted(ids(seen))
    assert [(one["event"], one["agent"], one["status"], one.get("by")) for one in seen] == [
        ("approval_requested", "deployer", "pending", None), ("approval_requested", "stranger", "pending", None),
        ("vote_recorded", "deployer", "pending", "U0BOB"), ("approval_decided", "deployer", "rejected", "U0CAROL"),
    ]  # fmt: skip
    assert mine.request
    assert theirs.request
    assert seen[3] == {
        "event": "approval_decided", "id": seen[3]["id"], "at": "2026-11-23T12:00:00Z", "approval_id": mine.request.id,
        "proposal_id": mine.proposal.id, "agent": "deployer", "tool": "deploy.two", "status": "rejected",
        "by": "U0CAROL", "reason": "not\nnow: data: x", "reason_is_untrusted": True,
    }  # fmt: skip
    assert await deployer.events(3) == [seen[0], *seen[2:]]
    assert await stranger.events(1) == [seen[1]]


async def test_it_resumes_where_it_was_across_a_restart_and_at_another_replica(
    url: str, policy: Policy, clock: Clock
) -> None:
    """closes approval-api 8"""
    headers: dict[str, str] = {}
    last = 0
    for turn in range(3):
        database = await open_database(url, ENCRYPTION_KEY, clock=clock)
        async with site(database, policy) as running:
            headers = headers or await running.agent()
            line = await running.open(headers, last=last)
            await withdrawn(running, 1)
            found = await line.events(2 if turn == 0 else 4)
            assert [one["event"] for one in found] == ["approval_requested", "approval_withdrawn"] * (1 + (turn > 0))
            assert ids(found) == sorted(set(ids(found)))
            assert ids(found)[0] > last
            last = ids(found)[-1]
            line.hang_up()
            await withdrawn(running, 1)  # while nobody listens
        await database.close()


async def test_who_was_away_for_long_is_sent_everything_from_the_database_first(
    database: Database, policy: Policy
) -> None:
    async with site(database, policy, Pace(soon=0.0, kept=5)) as running:
        headers = await running.agent()
        await withdrawn(running, 6)
        await seal_audit(database)
        line = await running.open(headers, last=0)
        seen = await line.events(12)
        await withdrawn(running, 1, "stranger")
        await withdrawn(running, 1)
        seen += await line.events(2)
        async with database.read(TENANT) as tx:
            every, _ = await feed.after(tx, 0, 100)
        assert ids(seen) == [one.id for one in every if one.agent == "deployer"]
        assert len(running.stream.hub.ring) <= 5


async def test_without_an_id_it_begins_now_and_an_id_of_tomorrow_waits_from_now(running: Site) -> None:
    headers = await running.agent()
    await withdrawn(running, 1)
    await seal_audit(running.database)
    lines = [
        await running.open(headers),
        await running.open(headers, last=10**12),
        await running.open(headers, f"{PATH}?after=0", last=10**17),
    ]
    every = await running.open(headers, f"{PATH}?after=0")
    await withdrawn(running, 1, "deployer")
    seen = await every.events(4)
    for line in lines:
        assert await line.events(2) == seen[2:]


@pytest.mark.parametrize("wrong", ["", "-1", "1.5", "x", "٣", "1" * 19, "1,2"])
async def test_an_id_that_cannot_be_one_is_refused(running: Site, wrong: str) -> None:
    headers = await running.agent()
    refused = await running.open(headers, last=wrong)
    told = await refused.body()
    assert (refused.status, told["code"]) == (422, "INVALID_QUERY")
    assert told["error"].startswith("Last-Event-ID:")
    if wrong.isascii():
        assert (await running.open(headers, f"{PATH}?after={wrong}")).status == 422


async def test_nobody_reads_without_a_key_and_no_key_reads_more_often_than_it_may(
    lite: Database, policy: Policy
) -> None:
    """closes approval-api 8"""
    async with site(lite, policy, places=Places(3, 2)) as running:
        deployer, stranger = await running.agent(), await running.agent("stranger")
        admin: Key = await running.operator()
        forged = {**running.signed(admin), "X-Countersign-Signature": "v1=00"}
        for headers in ({}, {"Authorization": "Bearer nobody"}, {"X-Agent-Id": "host:root"}, forged):
            assert (await running.open(headers)).status == 401
        first, second = await running.open(deployer), await running.open(deployer)
        refused = await running.open(deployer)
        assert (refused.status, refused.headers["retry-after"]) == (429, "15")
        assert (await refused.body())["code"] == "TOO_MANY_STREAMS"
        assert (await running.open(stranger)).status == 200
        assert (await running.open(running.signed(admin))).status == 429  # the process's own limit
        first.hang_up()
        second.hang_up()
        await withdrawn(running, 1)  # only who writes notices
        while (await running.open(deployer)).status != 200:
            await withdrawn(running, 1)


async def test_silence_is_broken_by_comments(lite: Database, policy: Policy) -> None:
    async with site(lite, policy, AT_ONCE) as running:
        line = await running.open(await running.agent())
        assert [await line.frame() for _ in range(4)] == [{"retry": "2000"}, {"id": "1"}, *[{"": ""}] * 2]


@pytest.mark.parametrize("end", ["revoked", "dropped"])
async def test_a_stream_ends_with_the_key_it_was_opened_by(lite: Database, policy: Policy, end: str) -> None:
    async with site(lite, policy, AT_ONCE) as running:
        mine, other = await running.open(await running.agent()), await running.open(await running.agent("stranger"))
        await mine.frame()
        if end == "revoked":
            (key,) = await rows(lite, ApiKey, principal="deployer")
            await lite.write(TENANT, lambda tx: revoke_key(tx, key.id))
        else:
            agents = {id: one for id, one in policy.agents.items() if id != "deployer"}
            running.policy.current = replace(policy, agents=agents)
        assert await mine.ended()
        assert await other.frame() is not None


async def test_an_operators_stream_ends_with_their_key(lite: Database, policy: Policy) -> None:
    async with site(lite, policy, AT_ONCE) as running:
        key = await running.operator("U0BOB")
        line = await running.open(running.signed(key))
        await line.frame()
        await lite.write(TENANT, lambda tx: revoke_key(tx, key[0]))
        assert await line.ended()


async def test_streams_end_when_the_server_stops(lite: Database, policy: Policy) -> None:
    async with site(lite, policy) as running:
        lines = [await running.open(await running.agent()) for _ in range(3)]
        async with asyncio.timeout(5):  # they would wait 15 s for anything else
            lite.signals.close()
            assert [await line.ended() for line in lines] == [True] * 3


async def test_where_nobody_reads_nothing_is_read(running: Site) -> None:
    line = await running.open(await running.agent())
    await withdrawn(running, 1)
    await line.events(2)
    assert len(running.stream.hub.ring) == 2
    line.hang_up()
    while len(running.stream.hub.ring):
        running.database.signals.announce(["sealed"])  # its heartbeat would notice by itself
        await withdrawn(running, 1)
        await asyncio.sleep(0.01)


async def test_an_entry_that_is_committed_late_gets_a_later_place_than_anything_read(
    postgresql_url: str, policy: Policy, clock: Clock
) -> None:
    """Ids of entries are handed out before commit; places only afterwards.

    closes approval-api 8
    """
    database = await open_database(postgresql_url, ENCRYPTION_KEY, clock=clock)
    async with site(database, policy) as running:
        line: Line = await running.open(await running.agent())
        late = await asked(database, policy, "hint.it")
        (first,) = await line.events(1)
        going, on = asyncio.Event(), asyncio.Event()

        async def slow(tx: object) -> None:
            await withdraw(tx, late.proposal.id, "deployer", None)  # type: ignore[arg-type]
            await tx.session.flush()  # type: ignore[attr-defined]  # its entry has its id by now
            going.set()
            await on.wait()

        holding = asyncio.create_task(database.write(TENANT, slow))
        await going.wait()
        await asked(database, policy, "deploy.two")
        (second,) = await line.events(1)
        on.set()
        await holding
        (third,) = await line.events(1)
        assert [one["event"] for one in (first, second, third)] == [
            "approval_requested", "approval_requested", "approval_withdrawn"
        ]  # fmt: skip
        assert first["id"] < second["id"] < third["id"]
        entry_of = {one.chain_index: one.entry_id for one in await rows(database, AuditSeal)}
        assert entry_of[third["id"]] < entry_of[second["id"]], "it was not late at all"
    await database.close()
