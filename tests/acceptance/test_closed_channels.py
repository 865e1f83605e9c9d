"""A channel that takes no cards keeps nobody from deciding: who may gets a card of their own, and admins hear once."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from bot.delivery import Delivery
from bot.workspace import Message
from operations.delegate import Handing, delegate
from scheduler.expiry import attend_due
from scheduler.outbox import Outbox
from storage.tables import AuditEntry, Door, OutboxMessage, Surface, SurfaceStatus
from tests.conftest import NOON, Clock
from tests.integration.desk import APPROVALS, DEPLOYS, Desk, is_decidable, words
from tests.integration.running import SILENT, another, worker
from tests.integration.verbs import REJECT, TENANT, asked, count, rows, say, submit
from tests.stack import Stack

ALICE, BOB, CAROL, DANA = "U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN"
POST, UPDATE = "chat.postMessage", "chat.update"


def archived(desk: Desk, channel: str) -> None:
    desk.workspace.channels[channel].is_archived = True


def left(desk: Desk, channel: str) -> None:
    desk.workspace.channels[channel].members.remove("U0BOT")


def gone(desk: Desk, channel: str) -> None:
    left(desk, channel)
    desk.workspace.channels[channel].is_private = True


CLOSING = [
    (archived, "is_archived", "unarchive the channel"),
    (left, "not_in_channel", "/invite @Countersign"),
    (gone, "channel_not_found", "countersign.toml"),
]


def cards(desk: Desk, person: str) -> list[Message]:
    return [one for one in desk.workspace.dm(person) if desk.key_of(one).startswith("sfc_")]


def notices(desk: Desk, person: str = DANA) -> list[Message]:
    return [one for one in desk.workspace.dm(person) if "🚧" in one.text]


async def deliver(desk: Desk, **later: float) -> None:
    """Deliver what is due, and what that owes; each time another process."""
    desk.clock.forward(**later)
    for _ in range(4):
        desk.restart()
        await desk.deliver()


@pytest.mark.parametrize(("close", "error", "remedy"), CLOSING)
async def test_those_who_may_decide_get_a_card_of_their_own_that_stays_true(
    desk: Desk, close: Callable[[Desk, str], None], error: str, remedy: str
) -> None:
    close(desk, APPROVALS)
    found = await asked(desk.database, desk.policy)
    await deliver(desk)
    assert [len(cards(desk, person)) for person in (ALICE, BOB, CAROL, DANA)] == [0, 1, 1, 0]
    assert all(is_decidable(cards(desk, person)[0]) for person in (BOB, CAROL))
    (notice,) = notices(desk)
    assert error in notice.text
    assert remedy in notice.text
    await say(desk.database, found, BOB, REJECT, "not today")
    await deliver(desk)
    for person in (BOB, CAROL):
        (card,) = cards(desk, person)
        assert not is_decidable(card)
        assert "not today" in words(card)
    assert await count(desk.database, AuditEntry, kind="surface.fell_back") == 1


async def test_a_channel_where_posting_is_restricted_is_no_different(desk: Desk) -> None:
    desk.workspace.faults.add(POST, "restricted_action")
    await asked(desk.database, desk.policy)
    await desk.deliver()
    await deliver(desk)
    assert [len(cards(desk, person)) for person in (BOB, CAROL)] == [1, 1]
    assert "let Countersign post there" in notices(desk)[0].text


async def test_members_of_groups_are_found_live_and_without_anybody_the_admins_are_asked(desk: Desk) -> None:
    archived(desk, APPROVALS)
    await desk.slack.seat.happenings.group_changed("S0ONCALL", [DANA, CAROL])
    await asked(desk.database, desk.policy, "deploy.group")
    await deliver(desk)
    assert [len(cards(desk, person)) for person in (BOB, CAROL, DANA)] == [0, 1, 1]
    await desk.slack.seat.happenings.group_changed("S0ONCALL", [])
    await asked(desk.database, desk.policy, "deploy.group", arguments={"service": "other"})
    await deliver(desk)
    assert [len(cards(desk, person)) for person in (BOB, CAROL, DANA)] == [0, 1, 2]


async def test_admins_hear_once_a_day_however_many_cards_it_concerns(desk: Desk) -> None:
    archived(desk, APPROVALS)
    for n in range(12):
        await asked(desk.database, desk.policy, arguments={"service": f"s{n}"})
    for _ in range(6):
        await deliver(desk, minutes=20)
    assert [len(cards(desk, person)) for person in (BOB, CAROL)] == [12, 12]
    assert len(notices(desk)) == 1
    await deliver(desk, hours=23)
    assert len(notices(desk)) == 2


async def test_a_channel_that_is_open_again_gets_the_next_card_and_the_one_that_waited(desk: Desk) -> None:
    archived(desk, APPROVALS)
    first = await asked(desk.database, desk.policy)
    await deliver(desk)
    desk.workspace.channels[APPROVALS].is_archived = False
    await asked(desk.database, desk.policy, arguments={"service": "next"})
    await desk.settle()
    assert len(desk.cards()) == 2
    assert len(cards(desk, BOB)) == 1
    await say(desk.database, first, BOB)
    await desk.settle()
    assert sum(map(is_decidable, desk.cards())) == 1
    assert not is_decidable(cards(desk, CAROL)[0])


async def test_a_card_in_a_channel_that_is_archived_later_has_copies_as_soon_as_that_is_found_out(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy, "deploy.two")
    await desk.settle()
    desk.workspace.faults.add(UPDATE, "is_archived", 2)
    await say(desk.database, found, BOB)
    await deliver(desk)
    assert {person: len(cards(desk, person)) for person in (ALICE, BOB, CAROL)} == {ALICE: 1, BOB: 0, CAROL: 1}
    assert "1 of 2" in words(cards(desk, CAROL)[0])


async def test_who_is_handed_a_place_gets_a_card_too(desk: Desk) -> None:
    archived(desk, APPROVALS)
    found = await asked(desk.database, desk.policy)
    assert found.request is not None
    await deliver(desk)
    request_id, handing = found.request.id, Handing(BOB, DANA, Door.SLACK, None)
    await desk.database.write(TENANT, lambda tx: delegate(tx, desk.policy, request_id, handing, {}))
    await deliver(desk, minutes=10)
    assert len(cards(desk, DANA)) == 1


async def test_a_deleted_copy_is_posted_again_once_while_its_request_waits(desk: Desk) -> None:
    archived(desk, APPROVALS)
    found = await asked(desk.database, desk.policy, "deploy.two")
    await deliver(desk)
    await desk.slack.seat.happenings.deleted(DANA, cards(desk, CAROL)[0])
    await say(desk.database, found, BOB)
    await deliver(desk)
    (card,) = cards(desk, CAROL)
    assert "1 of 2" in words(card)


async def test_a_call_whose_outcome_nobody_knows_asks_its_creator_and_the_admins(desk: Desk) -> None:
    archived(desk, APPROVALS)
    plain = desk.policy.tools["note.l2"].connector.idempotent
    assert plain
    await submit(desk.database, desk.policy, "note.l2")
    work = worker(desk.database, desk.policy, *[SILENT] * 3)
    for _ in range(3):
        await work.work()
        desk.clock.forward(minutes=5)
    await deliver(desk)
    assert ["card.happened" in words(cards(desk, person)[0]) for person in (ALICE, DANA)] == [True, True]


async def test_what_was_decided_before_it_could_be_posted_makes_no_copies(desk: Desk) -> None:
    archived(desk, APPROVALS)
    await say(desk.database, await asked(desk.database, desk.policy), BOB)
    await deliver(desk)
    assert [cards(desk, person) for person in (BOB, CAROL)] == [[], []]


async def test_one_who_has_left_the_company_keeps_nobody_else_from_their_copy(desk: Desk) -> None:
    archived(desk, APPROVALS)
    await desk.slack.seat.happenings.person_changed(BOB, deleted=True)
    await asked(desk.database, desk.policy)
    await deliver(desk)
    assert len(cards(desk, CAROL)) == 1
    gone_for_good = await rows(desk.database, Surface, person=BOB)
    assert {one.status for one in gone_for_good} == {SurfaceStatus.GONE}


@pytest.mark.parametrize("fault", ["lost", "500", "ratelimited"])
async def test_copies_in_trouble_are_posted_once_each(desk: Desk, fault: str) -> None:
    archived(desk, APPROVALS)
    found = await asked(desk.database, desk.policy)
    await desk.deliver()
    desk.workspace.faults.add(POST, fault, 2)
    for _ in range(4):
        await deliver(desk, minutes=1)
    await say(desk.database, found, BOB)
    await deliver(desk, minutes=1)
    for person in (BOB, CAROL):
        (card,) = cards(desk, person)
        assert not is_decidable(card)


async def test_two_processes_that_find_the_channel_closed_at_once_make_one_copy_each(
    desk: Desk, url: str, clock: Clock
) -> None:
    archived(desk, APPROVALS)
    for n in range(6):
        await asked(desk.database, desk.policy, arguments={"service": f"s{n}"})
    async with AsyncExitStack() as processes:
        outboxes = []
        for _ in range(2):
            database = await processes.enter_async_context(another(url, clock))
            office = type(desk.office)(database, desk.source, desk.office.client)
            outboxes.append(Outbox(database, Delivery(office).handlers()))
        for _ in range(5):
            await asyncio.gather(*(one.drain() for one in outboxes))
            await asyncio.gather(*(one.stop() for one in outboxes))
    await deliver(desk, minutes=1)
    await deliver(desk, minutes=1)
    assert [len(cards(desk, person)) for person in (BOB, CAROL)] == [6, 6]
    assert len(notices(desk)) == 1


@pytest.mark.parametrize(("close", "error", "remedy"), CLOSING)
async def test_a_thread_that_takes_no_card_leaves_it_to_the_approvals_channel_with_the_trail(
    desk: Desk, close: Callable[[Desk, str], None], error: str, remedy: str
) -> None:
    talk = await desk.slack.say(ALICE, DEPLOYS, "shipping checkout")
    close(desk, DEPLOYS)
    found = await asked(desk.database, desk.policy, thread=(DEPLOYS, talk.ts))
    await say(desk.database, found, BOB, REJECT, "not today")
    await deliver(desk)
    await desk.settle()
    assert (desk.cards(DEPLOYS), not is_decidable(desk.card())) == ([], True)
    assert [one.text for one in desk.workspace.thread(APPROVALS, desk.card().ts)] == ["❌ Rejected by <@U0BOB>"]
    (entry,) = await rows(desk.database, AuditEntry, kind="surface.refused")
    assert error in json.dumps(entry.detail)
    assert remedy in notices(desk)[0].text
    assert cards(desk, BOB) == []


async def test_the_last_call_links_to_no_one_elses_copy(desk: Desk) -> None:
    await desk.office.identify()
    archived(desk, APPROVALS)
    await asked(desk.database, desk.policy)
    await deliver(desk)
    desk.clock.now = NOON + timedelta(hours=44)
    await attend_due(desk.database)
    await deliver(desk)
    last = next(one for one in desk.workspace.dm(BOB) if "Last call" in one.text)
    assert "/archives/D" not in words(last)
    assert await count(desk.database, OutboxMessage, kind="tell", status="sent") == 2


async def test_a_copy_decides_like_any_card(stack: Stack) -> None:
    workspace = stack.slack.workspace
    workspace.channels[APPROVALS].is_archived = True
    _, proposed = await stack.propose()
    card = await workspace.until(lambda: next((one for one in workspace.dm(BOB) if "card.approve" in words(one)), None))
    await stack.slack.click(BOB, card.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    for person in (BOB, CAROL):
        copy = await workspace.until(lambda who=person: next(iter(workspace.dm(who)), None))
        await stack.shown(copy.channel, copy.ts, "Succeeded")
