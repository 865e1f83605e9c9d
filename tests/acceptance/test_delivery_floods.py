"""However much one agent asks for and takes back, the others' cards come through and nothing is tried in a loop."""

from operations.withdraw import withdraw
from scheduler.upkeep import reconcile_surfaces
from storage.dossier import Dossier
from storage.tables import OutboxMessage, Surface, SurfaceStatus
from tests.integration.desk import APPROVALS, Desk, is_decidable, words
from tests.integration.verbs import TENANT, asked, count, rows, sql

POST = "chat.postMessage"


async def take_back(desk: Desk, found: Dossier) -> None:
    await desk.database.write(TENANT, lambda tx: withdraw(tx, found.proposal.id, "deployer", "changed my mind"))


async def test_what_was_withdrawn_before_anybody_saw_it_is_never_posted(desk: Desk) -> None:
    for n in range(20):
        await take_back(desk, await asked(desk.database, desk.policy, arguments={"service": f"flood{n}"}))
    await asked(desk.database, desk.policy, arguments={"service": "checkout"})
    await desk.settle()
    assert is_decidable(desk.card())
    assert "checkout" in words(desk.card())
    assert len(desk.workspace.called(POST)) == 1
    assert await count(desk.database, Surface, status=SurfaceStatus.GONE) == 20
    assert await count(desk.database, OutboxMessage, status="dead") == 0


async def test_a_card_that_may_have_been_posted_is_looked_for_before_it_is_given_up(desk: Desk) -> None:
    desk.workspace.faults.add(POST, "lost")
    posted = await asked(desk.database, desk.policy)
    await desk.deliver()
    await take_back(desk, posted)
    desk.workspace.faults.add(POST, "drop")
    never = await asked(desk.database, desk.policy, arguments={"service": "other"})
    await desk.deliver()
    await take_back(desk, never)
    await desk.settle()
    assert "checkout" in words(desk.card())
    assert not is_decidable(desk.card())
    assert await count(desk.database, Surface, status=SurfaceStatus.GONE) == 1


async def test_only_a_card_that_stands_there_is_urgent(desk: Desk) -> None:
    await take_back(desk, await asked(desk.database, desk.policy))
    (owed,) = await rows(desk.database, OutboxMessage, kind="show")
    assert owed.priority == 10
    shown = await asked(desk.database, desk.policy)
    await desk.settle()
    await take_back(desk, shown)
    (owed,) = await rows(desk.database, OutboxMessage, kind="show", status="queued")
    assert owed.priority == 0


async def test_what_waits_for_a_channel_comes_back_one_by_one_instead_of_all_together(desk: Desk) -> None:
    """closes slack-approval-bots 8"""
    for n in range(30):
        await asked(desk.database, desk.policy, arguments={"service": f"many{n}"})
    for _ in range(5):
        await desk.deliver()
    waiting = await rows(desk.database, OutboxMessage, kind="show", status="queued")
    assert {one.attempts for one in waiting} == {1}
    assert (max(one.next_attempt_at for one in waiting) - desk.clock.now).total_seconds() > len(waiting) - 2


async def test_a_card_that_cannot_be_posted_is_tried_less_and_less_often(desk: Desk) -> None:
    await desk.slack.seat.happenings.bot_removed(APPROVALS)
    await asked(desk.database, desk.policy)
    waits = []
    for _ in range(7):
        desk.restart()
        await desk.deliver()
        (owed,) = await rows(desk.database, OutboxMessage, kind="show", subject=(await desk.surface()).id)
        waits.append((owed.next_attempt_at - desk.clock.now).total_seconds())
        desk.clock.now = owed.next_attempt_at
    assert waits == [30, 60, 120, 240, 480, 600, 600]


async def test_surfaces_that_cannot_be_drawn_do_not_keep_others_from_being_repaired(desk: Desk) -> None:
    await asked(desk.database, desk.policy)
    (model,) = await rows(desk.database, Surface)
    columns = "tenant, proposal_id, channel, status, desired, rendered, reposts, created_at"
    for n in range(150):
        await sql(
            desk.database,
            f"INSERT INTO surfaces (id, {columns}) SELECT :id, {columns} FROM surfaces WHERE id = :of",
            id=f"sfc_0{n:03}", of=model.id,
        )  # fmt: skip
    await reconcile_surfaces(desk.database)
    await reconcile_surfaces(desk.database)
    owed = {one.subject for one in await rows(desk.database, OutboxMessage, kind="show", status="queued")}
    assert len(owed) == 151
    before = {one.id: one.next_attempt_at for one in await rows(desk.database, OutboxMessage)}
    desk.clock.forward(seconds=30)
    await reconcile_surfaces(desk.database)
    assert {one.id: one.next_attempt_at for one in await rows(desk.database, OutboxMessage)} == before
