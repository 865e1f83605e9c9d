"""Slack answers late, wrongly or not at all, and still every card stands there once and tells the truth."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from governance.lifecycle import RequestStatus
from operations.edit import Edit, edit_arguments
from scheduler.expiry import attend_due
from scheduler.ports import Postponed
from scheduler.upkeep import reconcile_surfaces
from storage import outbox
from storage.dossier import Dossier
from storage.outbox import Owed
from storage.tables import AuditEntry, Door, OutboxMessage, Rendering, Surface, SurfaceStatus
from tests.conftest import NOON
from tests.integration.desk import APPROVALS, DEPLOYS, Desk, is_decidable, words
from tests.integration.verbs import REJECT, asked, count, rows, say, sql

pytestmark = pytest.mark.both_databases

POST, UPDATE = "chat.postMessage", "chat.update"


async def approve(desk: Desk, found: Dossier) -> None:
    await say(desk.database, found, "U0BOB")
    await desk.settle()


async def edit(desk: Desk, found: Dossier, person: str, service: str) -> None:
    assert found.request is not None
    request_id, wanted = found.request.id, Edit(person, {"service": service}, Door.API)
    await desk.database.write("default", lambda tx: edit_arguments(tx, desk.policy, request_id, wanted, {}))


async def test_a_card_is_posted_once_and_made_true_by_an_update(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    assert is_decidable(desk.card())
    await approve(desk, found)
    assert not is_decidable(desk.card())
    assert "Approved" in words(desk.card())
    assert [one.text for one in desk.workspace.thread(APPROVALS, desk.card().ts)] == ["✅ Approved by <@U0BOB>"]


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "503", "internal_error", "ratelimited"])
@pytest.mark.parametrize("times", [1, 3])
async def test_whatever_becomes_of_a_post_there_is_exactly_one_card_in_the_end(
    desk: Desk, fault: str, times: int
) -> None:
    """closes slack-approval-bots 8, 22; automation-governance 15"""
    desk.workspace.faults.add(POST, fault, times)
    found = await asked(desk.database, desk.policy)
    await desk.keep_trying(times)
    desk.workspace.faults.clear()
    await desk.settle()
    assert is_decidable(desk.card())
    assert (await desk.surface()).ts == desk.card().ts
    await approve(desk, found)
    assert not is_decidable(desk.card())


async def test_a_card_whose_post_was_never_answered_is_found_again_and_made_true(desk: Desk) -> None:
    """closes slack-approval-bots 6, 22"""
    desk.workspace.faults.add(POST, "lost")
    found = await asked(desk.database, desk.policy)
    await desk.deliver()
    assert is_decidable(desk.card())
    assert (await desk.surface()).ts is None
    await say(desk.database, found, "U0BOB", REJECT, "not today")
    await desk.settle()
    assert not is_decidable(desk.card())
    assert "not today" in words(desk.card())
    assert len(desk.workspace.called(POST)) == 1 + len(desk.workspace.thread(APPROVALS, desk.card().ts)) + 1  # the DM


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "internal_error"])
async def test_lines_and_direct_messages_whose_answer_was_lost_are_not_said_twice(desk: Desk, fault: str) -> None:
    """closes slack-approval-bots 22"""
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.workspace.faults.add(POST, fault, 2)
    await say(desk.database, found, "U0BOB", REJECT, "not today")
    await desk.settle()
    assert len(desk.workspace.thread(APPROVALS, desk.card().ts)) == 1
    assert len(desk.workspace.dm("U0ALICE")) == 1


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "503", "ratelimited", "service_unavailable"])
@pytest.mark.parametrize("times", [1, 4])
async def test_whatever_becomes_of_an_update_the_card_is_true_in_the_end(desk: Desk, fault: str, times: int) -> None:
    """closes governed-proposals 20; slack-approval-bots 6, 8"""
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.workspace.faults.add(UPDATE, fault, times)
    await approve(desk, found)
    assert not is_decidable(desk.card())
    surface = await desk.surface()
    assert (surface.status, surface.rendered) == (SurfaceStatus.POSTED, surface.desired)


@pytest.mark.parametrize(("method", "said"), [(POST, 1), (UPDATE, 2)])
async def test_slacks_retry_after_is_obeyed(desk: Desk, method: str, said: int) -> None:
    """closes slack-approval-bots 8"""
    found = await asked(desk.database, desk.policy)
    if method == UPDATE:
        await desk.settle()
        await say(desk.database, found, "U0BOB")
    desk.workspace.faults.add(method, "ratelimited", retry_after=40)
    before = len(desk.workspace.called(method))
    await desk.deliver()
    (waiting,) = await rows(desk.database, OutboxMessage, kind="show", status="queued")
    assert (waiting.next_attempt_at, waiting.last_error) == (NOON + timedelta(seconds=40), "ratelimited")
    desk.restart()
    desk.clock.forward(seconds=39.9)
    await desk.deliver()
    assert len(desk.workspace.called(method)) == before + 1
    desk.clock.forward(seconds=0.1)
    await desk.deliver()
    assert len(desk.workspace.called(method)) == before + 2
    assert is_decidable(desk.card()) == (said == 1)


async def test_a_card_deleted_while_its_request_waits_is_posted_again_once(desk: Desk) -> None:
    """closes slack-approval-bots 10"""
    found = await asked(desk.database, desk.policy, "deploy.two")
    await desk.settle()
    first = desk.card()
    await desk.slack.seat.happenings.deleted("U0ADMIN", first)
    await say(desk.database, found, "U0BOB")
    await desk.settle()
    second = desk.card()
    assert second.ts != first.ts
    assert is_decidable(second)
    assert "1 of 2" in words(second)
    assert [one.text for one in desk.workspace.thread(APPROVALS, second.ts)] == ["👍 <@U0BOB> approved: 1 of 2"]

    await desk.slack.seat.happenings.deleted("U0ADMIN", second)
    await say(desk.database, found, "U0CAROL")
    await desk.settle()
    assert desk.cards() == []
    assert (await desk.surface()).status is SurfaceStatus.GONE


async def test_a_card_that_is_gone_after_the_decision_is_given_up(desk: Desk) -> None:
    """closes slack-approval-bots 10"""
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    await desk.slack.seat.happenings.deleted("U0ADMIN", desk.card())
    await approve(desk, found)
    assert desk.workspace.messages_in(APPROVALS) == []
    assert (await desk.surface()).status is SurfaceStatus.GONE
    assert await count(desk.database, AuditEntry, kind="surface.lost") == 1
    assert await count(desk.database, OutboxMessage, status="queued") == 0


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_card_that_can_no_longer_be_changed_is_posted_anew_while_its_request_waits(
    desk: Desk, error: str
) -> None:
    found = await asked(desk.database, desk.policy, "deploy.two")
    await desk.settle()
    desk.workspace.faults.add(UPDATE, error)
    await say(desk.database, found, "U0BOB")
    await desk.settle()
    assert (await desk.surface()).ts == desk.cards()[-1].ts
    assert "1 of 2" in words(desk.cards()[-1])


async def test_two_hands_delivering_one_card_at_once_post_it_once(desk: Desk) -> None:
    await asked(desk.database, desk.policy)
    (owed,) = await rows(desk.database, OutboxMessage, kind="show")
    first = desk.delivery.handlers()[Owed.SHOW]
    desk.restart()
    second = desk.delivery.handlers()[Owed.SHOW]
    outcomes = await asyncio.gather(first(owed), second(owed), return_exceptions=True)
    assert all(one is None or isinstance(one, Postponed) for one in outcomes)  # the slower one may come after the other
    assert len(desk.workspace.called(POST)) == 1
    assert is_decidable(desk.card())


async def test_a_process_that_dies_while_it_posts_leaves_one_card_behind(desk: Desk) -> None:
    """closes slack-approval-bots 22"""
    await asked(desk.database, desk.policy)
    desk.workspace.faults.add(POST, "lost")
    (owed,) = await desk.database.write("", lambda tx: outbox.claim(tx, 1))
    assert owed.kind == Owed.SHOW  # the most urgent one
    dying = asyncio.ensure_future(desk.delivery.handlers()[Owed.SHOW](owed))
    await desk.workspace.until(lambda: desk.workspace.called(POST))
    dying.cancel()
    assert isinstance((await asyncio.gather(dying, return_exceptions=True))[0], asyncio.CancelledError)

    desk.restart()
    desk.clock.forward(seconds=29)
    await desk.deliver()
    assert len(desk.workspace.called(POST)) == 1
    desk.clock.forward(seconds=2)
    await desk.deliver()
    assert (len(desk.workspace.called(POST)), (await desk.surface()).ts) == (1, desk.card().ts)


async def test_blocks_that_slack_refuses_are_said_in_plain_text_and_never_as_a_second_post(desk: Desk) -> None:
    """closes slack-approval-bots 5"""
    desk.workspace.faults.add(POST, "invalid_blocks")
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    assert desk.card().blocks == []
    assert "checkout" in desk.card().text
    desk.workspace.faults.add(UPDATE, "invalid_blocks")
    await approve(desk, found)
    assert desk.card().blocks == []
    assert "Approved" in desk.card().text


async def test_an_edit_is_shown_in_lines_where_slack_takes_no_table_and_the_next_one_at_once(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.workspace.faults.add(UPDATE, "invalid_blocks")
    await edit(desk, found, "U0BOB", "search")
    await desk.settle()
    kinds = [block["type"] for block in desk.card().blocks]
    assert "table" not in kinds
    assert "What the edit changed" in words(desk.card())
    assert is_decidable(desk.card())
    before = len(desk.workspace.called(UPDATE))
    await edit(desk, found, "U0CAROL", "payments")
    await desk.deliver()
    assert len(desk.workspace.called(UPDATE)) == before + 1
    assert "payments" in words(desk.card())
    assert len(desk.cards()) == 1


async def test_buttons_go_even_where_slack_refuses_the_blocks_of_the_update(desk: Desk) -> None:
    """closes slack-approval-bots 5"""
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.workspace.faults.add(UPDATE, "invalid_blocks")
    await approve(desk, found)
    assert not is_decidable(desk.card())


async def test_where_the_agent_names_a_thread_the_approvals_channel_gets_a_linked_copy_and_both_tell_the_truth(
    desk: Desk,
) -> None:
    await desk.office.identify()
    talk = await desk.slack.say("U0ALICE", DEPLOYS, "shipping checkout")
    found = await asked(desk.database, desk.policy, thread=(DEPLOYS, talk.ts))
    await desk.settle()
    here, copy = desk.card(DEPLOYS), desk.card(APPROVALS)
    assert here.thread_ts == talk.ts
    assert f"archives/{DEPLOYS}/p{talk.ts.replace('.', '')}" in words(copy)
    assert is_decidable(here)
    assert is_decidable(copy)

    await approve(desk, found)
    for card in (desk.card(DEPLOYS), desk.card(APPROVALS)):
        assert not is_decidable(card)
        assert "Approved" in words(card)
    assert desk.workspace.thread(DEPLOYS, talk.ts)[-1].text == "✅ Approved by <@U0BOB>"
    assert desk.workspace.thread(APPROVALS, copy.ts) == []


async def test_one_copy_in_trouble_does_not_keep_the_other_from_the_truth(desk: Desk) -> None:
    talk = await desk.slack.say("U0ALICE", DEPLOYS, "shipping checkout")
    found = await asked(desk.database, desk.policy, thread=(DEPLOYS, talk.ts))
    await desk.settle()
    await desk.slack.seat.happenings.bot_removed(DEPLOYS)
    await say(desk.database, found, "U0BOB")
    await desk.deliver()
    assert not is_decidable(desk.card(APPROVALS))


async def test_nothing_is_posted_into_a_channel_shared_with_another_organisation(desk: Desk) -> None:
    talk = await desk.slack.say("U0ALICE", DEPLOYS, "shipping checkout")
    desk.workspace.channels[DEPLOYS].is_ext_shared = True
    await asked(desk.database, desk.policy, thread=(DEPLOYS, talk.ts))
    await desk.settle()
    assert desk.cards(DEPLOYS) == []
    assert is_decidable(desk.card(APPROVALS))
    assert await count(desk.database, AuditEntry, kind="surface.refused") == 1


async def test_a_card_waits_until_somebody_invites_the_bot(desk: Desk) -> None:
    """closes slack-approval-bots 9"""
    await desk.slack.seat.happenings.bot_removed(APPROVALS)
    await asked(desk.database, desk.policy)
    await desk.deliver()
    desk.clock.forward(minutes=5)
    await desk.deliver()
    assert desk.cards() == []
    await desk.slack.seat.happenings.bot_invited(APPROVALS, "U0ADMIN")
    await desk.settle()
    assert is_decidable(desk.card())


async def test_a_request_decided_before_its_card_could_be_posted_gets_a_card_without_buttons(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy)
    settled = await say(desk.database, found, "U0BOB")
    assert settled.status is RequestStatus.APPROVED
    await desk.settle()
    assert not is_decidable(desk.card())
    assert desk.card().revision == 0


async def test_a_surface_that_nothing_is_owed_for_any_more_is_repaired_all_the_same(desk: Desk) -> None:
    """closes slack-approval-bots 6"""
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    await say(desk.database, found, "U0BOB")
    await sql(desk.database, "DELETE FROM outbox_messages")
    await reconcile_surfaces(desk.database)
    await desk.settle()
    assert not is_decidable(desk.card())
    await reconcile_surfaces(desk.database)
    assert await count(desk.database, OutboxMessage, status="queued") == 0


async def test_every_button_belongs_to_a_drawing_that_was_stored_before_it_could_be_clicked(desk: Desk) -> None:
    await asked(desk.database, desk.policy)
    desk.workspace.faults.add(POST, "lost")
    await desk.deliver()
    ids = {one.id for one in await rows(desk.database, Rendering)}
    assert any(id in words(desk.card()) for id in ids)


@pytest.mark.parametrize("method", ["conversations.history", "conversations.open"])
async def test_a_search_that_slack_puts_off_is_made_before_anything_is_said_again(desk: Desk, method: str) -> None:
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.workspace.faults.add(POST, "lost", 2)  # the line and the direct message
    await say(desk.database, found, "U0BOB", REJECT, "not today")
    for _ in range(2):
        await desk.deliver()
    desk.workspace.faults.add(method, "ratelimited", 3)
    await desk.settle()
    assert len(desk.workspace.dm("U0ALICE")) == 1
    assert len(desk.workspace.thread(APPROVALS, desk.card().ts)) == 1


async def test_a_line_that_may_have_been_said_is_looked_for_although_its_card_had_to_be_drawn_first(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy, "deploy.two")
    await desk.settle()
    await say(desk.database, found, "U0BOB")
    await desk.deliver()  # the card
    desk.workspace.faults.add(POST, "lost")
    desk.clock.forward(seconds=5)
    await desk.deliver()  # the line
    assert len(desk.workspace.thread(APPROVALS, desk.card().ts)) == 1
    await say(desk.database, found, "U0CAROL")
    await desk.settle()
    lines = [one.text for one in desk.workspace.thread(APPROVALS, desk.card().ts)]
    assert lines.count("👍 <@U0BOB> approved: 1 of 2") == 1


async def test_a_retry_after_for_updates_holds_every_update(desk: Desk) -> None:
    found = [await asked(desk.database, desk.policy, "deploy.two", arguments={"service": f"s{n}"}) for n in range(4)]
    await desk.settle()
    desk.restart()
    for of in (one.proposal.id for one in found[:3]):
        await sql(desk.database, "UPDATE surfaces SET desired = desired + 1 WHERE proposal_id = :of", of=of)
    await reconcile_surfaces(desk.database)
    await sql(desk.database, "UPDATE outbox_messages SET next_attempt_at = created_at WHERE status = 'queued'")
    desk.workspace.faults.add(UPDATE, "ratelimited", retry_after=1)
    before = len(desk.workspace.called(UPDATE))
    (first, *_rest) = await rows(desk.database, OutboxMessage, kind="show", status="queued")
    with contextlib.suppress(Postponed):
        await desk.delivery.handlers()["show"](first)
    assert len(desk.workspace.called(UPDATE)) == before + 1
    await desk.deliver()
    assert len(desk.workspace.called(UPDATE)) == before + 1  # the others did not even ask


async def test_a_warning_under_a_card_that_was_deleted_brings_the_card_back_first(desk: Desk) -> None:
    await asked(desk.database, desk.policy)
    await desk.settle()
    await desk.slack.seat.happenings.deleted("U0ADMIN", desk.card())
    desk.clock.forward(hours=24)
    await attend_due(desk.database)
    await desk.settle()
    (line,) = desk.workspace.thread(APPROVALS, desk.card().ts)
    assert "Half of the time" in line.text
    assert [one for one in desk.workspace.messages_in(APPROVALS) if one.thread_ts is None] == [desk.card()]


@pytest.mark.parametrize(("rows_since", "posts"), [(10, 1), (250, 1)])
async def test_a_lost_card_is_found_behind_what_was_said_since(desk: Desk, rows_since: int, posts: int) -> None:
    desk.workspace.faults.add(POST, "lost")
    await asked(desk.database, desk.policy)
    await desk.deliver()
    for n in range(rows_since):
        await desk.slack.say("U0ALICE", APPROVALS, f"chatter {n}")
    await desk.settle()
    assert len(desk.cards()) == posts
    assert (await desk.surface()).ts == desk.card().ts


async def test_an_app_that_is_shown_fifteen_rows_posts_again_rather_than_never(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.workspace.app.restricted_history = True
    desk.workspace.faults.add(POST, "lost", 2)
    await asked(desk.database, desk.policy)
    await desk.deliver()
    for n in range(5):
        await desk.slack.say("U0ALICE", APPROVALS, f"chatter {n}")
    await desk.settle()
    assert len(desk.cards()) == 1  # among the fifteen
    await asked(desk.database, desk.policy, arguments={"service": "other"})
    await desk.deliver()
    for n in range(20):
        await desk.slack.say("U0ALICE", APPROVALS, f"chatter {n}")
    await desk.settle()
    surfaces = await rows(desk.database, Surface)
    assert all(one.status is SurfaceStatus.POSTED for one in surfaces)
    assert "too few to find" in caplog.text
