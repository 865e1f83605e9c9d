"""Real calls to a real receiver: what it is told, in which order, how often, and when we give up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from bot.webhooks import sender as sending
from governance.errors import Conflict, NotFound
from governance.policy import Policy
from operations import webhook_queue, webhook_sending, webhooks
from operations.keys import create_key
from operations.propose import propose
from operations.submission import Submission
from scheduler.outbox import Outbox
from scheduler.upkeep import forget_webhooks, seal_audit
from storage import feed, outbox
from storage import webhooks as stored
from storage.database import Database
from storage.opening import open_database
from storage.tables import AuditEntry, DeliveryStatus, KeyKind, OutboxMessage, WebhookDelivery, WebhookEndpoint
from tests.conftest import NOON, Clock
from tests.integration.hooking import ADMIN, Hooks, all_signed_by, hooks_of
from tests.integration.verbs import APPROVE, TENANT, asked, count, rows, say
from tests.integration.wire import Wire
from tests.receiver import Receiver

DEAD, DELIVERED, QUEUED = DeliveryStatus.DEAD, DeliveryStatus.DELIVERED, DeliveryStatus.QUEUED
OTHER = "T0OTHER"

sqlite_only = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
async def hooks(database: Database, policy: Policy, clock: Clock) -> AsyncIterator[Hooks]:
    async with hooks_of(database, policy, clock) as made:
        yield made


async def test_each_event_is_told_once_in_order_signed_and_as_the_stream_tells_it(hooks: Hooks) -> None:
    id, secret = await hooks.endpoint()
    found = await asked(hooks.database, hooks.policy, "deploy.two")
    await say(hooks.database, found, "U0BOB")
    await say(hooks.database, found, "U0CAROL", APPROVE, "looks right")
    await seal_audit(hooks.database)
    await seal_audit(hooks.database)
    await hooks.send()
    assert hooks.receiver.kinds == ["approval_requested", "vote_recorded", "approval_decided"]
    async with hooks.database.read(TENANT) as tx:
        happened, _ = await feed.after(tx, 0, 100)
    assert hooks.receiver.places == [one.id for one in happened]
    assert hooks.receiver.calls[-1].body["data"] == {
        "event": "approval_decided", "id": happened[-1].id, "at": "2026-11-23T12:00:00Z",
        "approval_id": happened[-1].approval_id, "proposal_id": found.proposal.id, "agent": "deployer",
        "tool": "deploy.two", "status": "approved", "by": "U0CAROL", "reason": "looks right",
        "reason_is_untrusted": True,
    }  # fmt: skip
    assert all_signed_by(hooks.receiver, secret)
    told = hooks.receiver.calls[0].headers
    assert (told["content-type"], told["user-agent"]) == ("application/json", "Countersign-Webhooks")
    assert {one.timestamp for one in hooks.receiver.calls} == {int(NOON.timestamp())}
    kept = await hooks.deliveries(endpoint_id=id)
    assert {(one.status, one.attempts, one.last_status, one.last_error) for one in kept} == {(DELIVERED, 1, 200, None)}
    assert {one.raw.decode() for one in hooks.receiver.calls} == {one.body for one in kept}
    await hooks.send()
    assert len(hooks.receiver.calls) == 3
    assert await count(hooks.database, OutboxMessage, kind="webhook", status="sent") == 1


async def test_many_events_of_many_batches_arrive_in_their_order(hooks: Hooks) -> None:
    await hooks.endpoint(events=("approval_requested",))
    for _ in range(4):
        await hooks.happen(6)
    await hooks.send()
    assert len(hooks.receiver.places) == 24
    assert hooks.receiver.places == sorted(set(hooks.receiver.places))


async def test_endpoints_are_told_of_the_events_and_agents_they_asked_for(hooks: Hooks) -> None:
    everything, _ = await hooks.endpoint()
    requests, _ = await hooks.endpoint(events=("approval_requested",))
    strangers, _ = await hooks.endpoint(agents=("stranger",))
    found = await asked(hooks.database, hooks.policy)
    await say(hooks.database, found, "U0BOB")
    await seal_audit(hooks.database)
    told = {id: [one.event for one in await hooks.deliveries(endpoint_id=id)] for id in (everything, requests)}
    assert told == {everything: ["approval_requested", "approval_decided"], requests: ["approval_requested"]}
    assert await hooks.deliveries(endpoint_id=strangers) == []


@sqlite_only
async def test_a_failed_try_comes_again_later_freshly_signed_under_the_same_id_and_holds_nothing_up(
    hooks: Hooks,
) -> None:
    _, secret = await hooks.endpoint()
    hooks.receiver.script = [500]
    await hooks.happen(2)
    await hooks.send()
    first, second = await hooks.deliveries()
    assert (first.status, first.attempts, first.last_status, first.last_error) == (QUEUED, 1, 500, "HTTP 500")
    assert second.status is QUEUED
    hooks.clock.forward(seconds=2)
    await hooks.send()
    assert [one.status for one in await hooks.deliveries()] == [QUEUED, DELIVERED]
    hooks.clock.forward(seconds=4)
    await hooks.send()
    assert [one.status for one in await hooks.deliveries()] == [DELIVERED, DELIVERED]
    ids = [one.id for one in hooks.receiver.calls]
    assert ids == [first.id, second.id, first.id]
    assert len({hooks.receiver.calls[n].raw for n in (0, 2)}) == 1
    assert hooks.receiver.calls[2].timestamp - hooks.receiver.calls[0].timestamp == 6
    assert hooks.receiver.calls[0].headers["webhook-signature"] != hooks.receiver.calls[2].headers["webhook-signature"]
    assert all_signed_by(hooks.receiver, secret)


@sqlite_only
@pytest.mark.parametrize("header", ["120", format_datetime(NOON + timedelta(seconds=120), usegmt=True)])
async def test_the_next_try_waits_as_long_as_the_receiver_asks(hooks: Hooks, header: str) -> None:
    await hooks.endpoint()
    hooks.receiver.script = [(429, {"Retry-After": header})]
    await hooks.happen()
    await hooks.send()
    assert (await hooks.only()).next_attempt_at == NOON + timedelta(seconds=120)


@sqlite_only
async def test_something_new_is_told_at_once_while_something_else_waits(hooks: Hooks) -> None:
    await hooks.endpoint()
    hooks.receiver.script = [(503, {"Retry-After": "3600"})]
    await hooks.happen()
    await hooks.send()
    hooks.clock.forward(seconds=1)
    await hooks.happen()
    await hooks.send()
    assert sorted(one.status for one in await hooks.deliveries()) == [DELIVERED, QUEUED]


async def test_after_a_day_of_failures_a_delivery_is_dead_is_told_once_and_can_be_replayed(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint(events=("approval_requested",))
    hooks.receiver.always = 500
    await hooks.happen(2)
    await hooks.send_through(200)
    lost = await hooks.deliveries()
    assert [(one.status, one.attempts) for one in lost] == [(DEAD, 9), (DEAD, 9)]
    assert timedelta(hours=22) < hooks.clock.now - NOON < timedelta(hours=29)
    assert await count(hooks.database, AuditEntry, kind="webhook.dead") == 2
    (message,) = await rows(hooks.database, OutboxMessage, kind="say")
    assert (message.payload["event"], message.payload["person"]) == ("webhook_dead", ADMIN)

    hooks.receiver.always, tried = 200, len(hooks.receiver.calls)
    replay = lambda tx: webhook_queue.replay_dead(tx, id, NOON, ADMIN)  # noqa: E731
    assert await hooks.database.write(TENANT, replay) == (2, False)
    await hooks.send()
    again = hooks.receiver.calls[tried:]
    assert [one.id for one in again] == [one.message_id for one in lost] == [one.id for one in lost]
    assert [one.raw.decode() for one in again] == [one.body for one in lost]
    assert [one.status for one in await hooks.deliveries(replay=1)] == [DELIVERED, DELIVERED]
    assert await hooks.database.write(TENANT, replay) == (0, False), "what was replayed is not lost any more"
    assert (await hooks.stored(id)).alarmed_at is None


@sqlite_only
async def test_a_replay_of_everything_dead_is_bounded_and_goes_on_where_it_ended(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    made = [
        WebhookDelivery(
            id=f"whd_{n:05}", tenant=TENANT, endpoint_id=id, message_id=f"whd_{n:05}", place=n + 1, event="x",
            body="{}", status=DEAD, created_at=NOON, next_attempt_at=NOON,
        )
        for n in range(webhook_queue.REPLAYED_AT_ONCE + 1)
    ]  # fmt: skip

    async def add(tx: object) -> None:
        tx.session.add_all(made)  # type: ignore[attr-defined]

    await hooks.database.write(TENANT, add)
    replay = lambda tx: webhook_queue.replay_dead(tx, id, NOON, ADMIN)  # noqa: E731
    answers = [await hooks.database.write(TENANT, replay) for _ in range(3)]
    assert answers == [(1000, True), (1, False), (0, False)]


async def test_a_delivery_is_replayed_as_often_as_wished_but_not_while_it_is_under_way(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    await hooks.happen()
    first = await hooks.only()
    again = lambda which: lambda tx: webhook_queue.replay_delivery(tx, id, which, ADMIN)  # noqa: E731
    with pytest.raises(Conflict, match="under way"):
        await hooks.database.write(TENANT, again(first.id))
    await hooks.send()
    second = await hooks.database.write(TENANT, again(first.id))
    await hooks.send()
    await hooks.database.write(TENANT, again(second.id))
    await hooks.send()
    assert [one.id for one in hooks.receiver.calls] == [first.id] * 3
    assert [one.replay for one in await hooks.deliveries()] == [0, 1, 2]
    with pytest.raises(NotFound):
        await hooks.database.write(TENANT, again("whd_nothing"))
    other, _ = await hooks.endpoint()
    with pytest.raises(NotFound):
        await hooks.database.write(TENANT, lambda tx: webhook_queue.replay_delivery(tx, other, first.id, ADMIN))


async def test_killed_between_sending_and_settling_it_is_sent_again_under_the_same_id(hooks: Hooks) -> None:
    id, secret = await hooks.endpoint()
    await hooks.happen()
    entered, killed = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        entered.set()
        await killed.wait()

    hooks.receiver.script = [hang]
    doomed = Outbox(hooks.database, hooks.sender.handlers(), lane="webhooks")
    await doomed.drain()
    await asyncio.wait_for(entered.wait(), 10)
    await doomed.stop(grace=0)
    killed.set()
    hooks.clock.forward(seconds=29)
    await hooks.send()
    assert len(hooks.receiver.calls) == 1, "somebody may still be at it"
    hooks.clock.forward(seconds=2)
    await hooks.send()
    assert [one.id for one in hooks.receiver.calls] == [(await hooks.only()).id] * 2
    assert (await hooks.only()).status is DELIVERED
    assert (await hooks.stored(id)).busy_until is None
    assert all_signed_by(hooks.receiver, secret)


async def test_two_hands_never_send_to_one_endpoint_at_once(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    await hooks.happen()
    take = lambda tx: webhook_sending.take_turn(tx, id)  # noqa: E731
    mine = await hooks.database.write(TENANT, take)
    theirs = await hooks.database.write(TENANT, take)
    assert mine is not None
    assert theirs is not None
    assert mine.delivery is not None
    assert (theirs.delivery, theirs.at) == (None, NOON + timedelta(seconds=1))
    hooks.clock.forward(seconds=31)
    later = await hooks.database.write(TENANT, take)
    assert later is not None
    assert later.delivery is not None
    settle = lambda turn: lambda tx: webhook_sending.settle_try(tx, turn, webhook_sending.Tried(200), [])  # noqa: E731
    assert await hooks.database.write(TENANT, settle(later)) is not None
    assert await hooks.database.write(TENANT, settle(mine)) is None, "it came too late"
    assert (await hooks.only()).attempts == 1


@sqlite_only
async def test_redirects_are_not_followed(hooks: Hooks) -> None:
    await hooks.endpoint()
    async with Receiver() as elsewhere:
        hooks.receiver.script = [(307, {"Location": elsewhere.url})]
        await hooks.happen()
        await hooks.send()
        assert elsewhere.calls == []
    one = await hooks.only()
    assert (one.status, one.last_status) == (QUEUED, 307)
    assert one.last_error == "HTTP 307; redirects are not followed"


@sqlite_only
async def test_gone_switches_an_endpoint_off_with_everything_that_waited_and_tells_the_admins(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    await hooks.happen(3)
    hooks.receiver.script = [410]
    await hooks.send()
    await hooks.send()
    assert len(hooks.receiver.calls) == 1
    assert {one.status for one in await hooks.deliveries()} == {DEAD}
    off = await hooks.stored(id)
    assert (off.disabled_at, off.disabled_why) == (NOON, "HTTP 410")
    assert await count(hooks.database, AuditEntry, kind="webhook.disabled", actor="system") == 1
    (told,) = await rows(hooks.database, OutboxMessage, kind="say")
    assert told.payload["event"] == "webhook_gone"


@sqlite_only
async def test_an_endpoint_that_is_off_is_told_nothing_until_it_is_on_again(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    await hooks.happen()
    switch = lambda off: lambda tx: webhooks.change_endpoint(tx, id, {"disabled": off}, ADMIN)  # noqa: E731
    await hooks.database.write(TENANT, switch(True))
    await hooks.happen()
    await hooks.send()
    assert hooks.receiver.calls == []
    assert [one.status for one in await hooks.deliveries()] == [DEAD], "and nothing is kept for it"
    with pytest.raises(Conflict, match="switched off"):
        await hooks.database.write(TENANT, lambda tx: webhook_queue.ping_endpoint(tx, id, ADMIN))
    await hooks.database.write(TENANT, switch(False))
    await hooks.happen()
    await hooks.send()
    assert len(hooks.receiver.calls) == 1


@sqlite_only
async def test_while_secrets_overlap_two_signatures_are_sent_and_then_the_new_one_alone(hooks: Hooks) -> None:
    id, old = await hooks.endpoint(events=("approval_requested",))
    rotate = lambda tx: webhooks.rotate_secret(tx, id, timedelta(hours=24), ADMIN)  # noqa: E731
    _, new = await hooks.database.write(TENANT, rotate)
    sealed = await hooks.stored(id)
    assert old not in sealed.model_dump_json()
    assert new not in sealed.model_dump_json()
    for hours, signed in ((0, [True, True]), (23.99, [True, True]), (0.02, [True, False])):
        hooks.clock.forward(hours=hours)
        await hooks.happen()
        await hooks.send()
        call = hooks.receiver.calls[-1]
        assert [call.is_signed_by(new), call.is_signed_by(old)] == signed
        assert len(call.headers["webhook-signature"].split()) == sum(signed)
    await forget_webhooks(hooks.database)
    assert (await hooks.stored(id)).previous_secret is None


@sqlite_only
async def test_a_secret_moved_to_another_row_signs_nothing(hooks: Hooks) -> None:
    first, _ = await hooks.endpoint()
    second, _ = await hooks.endpoint()
    stolen = (await hooks.stored(second)).sealed_secret

    async def move(tx: object) -> None:
        row = await stored.locked(tx, first)  # type: ignore[arg-type]
        assert row is not None
        row.sealed_secret = stolen

    await hooks.database.write(TENANT, move)
    await hooks.database.write(TENANT, lambda tx: webhook_queue.ping_endpoint(tx, first, ADMIN))
    await hooks.send()
    assert hooks.receiver.calls == []
    assert (await hooks.only()).last_error == sending.NO_SECRET


@sqlite_only
@pytest.mark.parametrize("host", ["localhost", "localhost.", "127.0.0.1", "[::1]", "0x7f000001", "2130706433"])
@pytest.mark.parametrize("listening", [True, False])
async def test_what_leads_inside_is_not_called_and_nobody_learns_whether_something_listens(
    hooks: Hooks, host: str, listening: bool
) -> None:
    """Written into the database behind the policy's back, as an address that was allowed once."""
    hooks.held.current = replace(hooks.policy, private_webhooks=False)
    port = hooks.receiver.port if listening else free_port()
    await hooks.endpoint(url=f"https://{host}:{port}/hook")
    await hooks.happen()
    await hooks.send()
    assert hooks.receiver.calls == []
    assert (await hooks.only()).last_error == (sending.NOT_ALLOWED)


@sqlite_only
@pytest.mark.parametrize("listening", [True, False])
async def test_a_name_that_leads_inside_is_not_even_connected_to_and_reads_like_one_that_leads_nowhere(
    hooks: Hooks, listening: bool
) -> None:
    connections: list[object] = []

    def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.close()

    hooks.held.current = replace(hooks.policy, private_webhooks=False)
    async with await asyncio.start_server(connected, "0.0.0.0", 0) as server:
        port = server.sockets[0].getsockname()[1] if listening else free_port()
        own = socket.gethostname()  # a name of this machine, which leads to itself
        for url in (f"https://{own}:{port}/", "https://nothing.invalid/"):
            await hooks.endpoint(url=url)
        await hooks.happen()
        await hooks.send()
    assert connections == []
    assert {one.last_error for one in await hooks.deliveries()} == {sending.NO_ANSWER}


@sqlite_only
async def test_opened_by_the_policy_an_open_and_a_closed_port_that_speak_no_http_read_alike(
    hooks: Hooks, wire: Wire
) -> None:
    wire.script = [b"220 not HTTP at all\r\n"]
    await hooks.endpoint(url=wire.url)
    await hooks.endpoint(url=f"http://127.0.0.1:{free_port()}/")
    await hooks.happen()
    await hooks.send()
    assert len(wire.requests) == 1
    found = await hooks.deliveries()
    assert {(one.status, one.attempts, one.last_status, one.last_error) for one in found} == {
        (QUEUED, 1, None, sending.NO_ANSWER)
    }


@sqlite_only
async def test_an_answer_without_end_is_not_waited_for(hooks: Hooks, wire: Wire) -> None:
    wire.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000]
    await hooks.endpoint(url=wire.url)
    await hooks.happen()
    await hooks.send()
    assert (await hooks.only()).status is DELIVERED


@sqlite_only
async def test_a_slow_endpoint_holds_up_neither_others_nor_slack(hooks: Hooks) -> None:
    release = asyncio.Event()

    async def hang() -> None:
        await release.wait()

    async with Receiver(always=hang) as slow:
        await hooks.endpoint(url=slow.url)
        await hooks.endpoint()
        await hooks.happen(30)
        lane = Outbox(hooks.database, hooks.sender.handlers(), lane="webhooks", at_once=2)
        await lane.drain()
        await hooks.receiver.until(lambda: len(hooks.receiver.calls) == 30)
        assert len(slow.calls) == 1
        owed_to_slack = await hooks.database.write("", lambda tx: outbox.claim(tx, 1000))
        assert owed_to_slack
        assert "webhook" not in {one.kind for one in owed_to_slack}
        release.set()
        await lane.stop()


async def test_workspaces_are_told_of_their_own_events_alone(hooks: Hooks) -> None:
    mine, _ = await hooks.endpoint()
    async with Receiver() as theirs:
        other, _ = await hooks.endpoint(tenant=OTHER, url=theirs.url)
        await hooks.happen()
        caller = hooks.policy.agents["deployer"]
        call = Submission("deploy.production", {"service": "checkout"})
        await hooks.database.write(OTHER, lambda tx: propose(tx, hooks.policy, caller, call))
        await seal_audit(hooks.database)
        await hooks.send()
        assert (len(hooks.receiver.calls), len(theirs.calls)) == (1, 1)
        assert hooks.receiver.calls[0].body["data"]["proposal_id"] != theirs.calls[0].body["data"]["proposal_id"]
    for verb in (
        lambda tx: webhooks.delete_endpoint(tx, other, ADMIN),
        lambda tx: webhooks.change_endpoint(tx, other, {"disabled": True}, ADMIN),
        lambda tx: webhooks.rotate_secret(tx, other, timedelta(), ADMIN),
        lambda tx: webhook_queue.ping_endpoint(tx, other, ADMIN),
        lambda tx: webhook_queue.replay_dead(tx, other, NOON, ADMIN),
    ):
        with pytest.raises(NotFound):
            await hooks.database.write(TENANT, verb)
    assert (await hooks.stored(mine)).disabled_at is None


async def test_a_removed_webhook_takes_its_secrets_with_it_and_gives_up_what_waited(hooks: Hooks) -> None:
    id, _ = await hooks.endpoint()
    await hooks.happen()
    await hooks.database.write(TENANT, lambda tx: webhooks.delete_endpoint(tx, id, ADMIN))
    await hooks.send()
    assert hooks.receiver.calls == []
    assert await count(hooks.database, WebhookEndpoint) == 0
    assert (await hooks.only()).status is DEAD


async def test_what_was_delivered_is_forgotten_after_a_month_and_what_was_not_after_three(hooks: Hooks) -> None:
    await hooks.endpoint(events=("approval_requested",))
    await hooks.happen(2)
    await hooks.send()
    gone, _ = await hooks.endpoint(events=("approval_requested",))
    await hooks.happen()
    await hooks.database.write(TENANT, lambda tx: webhooks.delete_endpoint(tx, gone, ADMIN))
    await hooks.send()
    left = []
    for days in (29.9, 0.2, 59.8, 0.2):
        hooks.clock.forward(days=days)
        await forget_webhooks(hooks.database)
        left.append(sorted(one.status for one in await hooks.deliveries()))
    assert left == [[DEAD, DELIVERED, DELIVERED, DELIVERED], [DEAD], [DEAD], []]


@sqlite_only
async def test_without_webhooks_a_batch_costs_one_query_and_without_events_none(hooks: Hooks) -> None:
    assert await queries(hooks, lambda: asked(hooks.database, hooks.policy)) == 1
    await hooks.endpoint()
    await seal_audit(hooks.database)
    make = lambda tx: create_key(tx, KeyKind.AGENT, "deployer")  # noqa: E731
    assert await queries(hooks, lambda: hooks.database.write(TENANT, make)) == 0


async def queries(hooks: Hooks, happens: object) -> int:
    """How many statements that name a table of webhooks it takes to seal what happens."""
    from sqlalchemy import event

    await happens()  # type: ignore[operator]
    seen: list[str] = []
    engine = hooks.database.writer.sync_engine
    note = lambda _connection, _cursor, statement, *_: seen.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    await seal_audit(hooks.database)
    event.remove(engine, "before_cursor_execute", note)
    return len([one for one in seen if "webhook" in one])


@sqlite_only
async def test_there_are_at_most_twenty_and_none_without_a_key_to_seal_their_secrets(hooks: Hooks) -> None:
    for _ in range(webhooks.MOST):
        await hooks.endpoint()
    with pytest.raises(Conflict, match="20 webhooks already"):
        await hooks.endpoint()


async def test_without_an_encryption_key_the_next_step_is_said(empty_postgresql_url: str) -> None:
    plain = await open_database(empty_postgresql_url, "")
    wish = webhooks.Wish("https://hooks.example.com/")
    with pytest.raises(Conflict, match="set COUNTERSIGN_ENCRYPTION_KEY") as refused:
        await plain.write(TENANT, lambda tx: webhooks.create_endpoint(tx, wish, ADMIN))
    assert refused.value.name == "NO_ENCRYPTION_KEY"
    await plain.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@sqlite_only
async def test_receivers_leave_no_cookies_with_us(hooks: Hooks) -> None:
    await hooks.endpoint()
    hooks.receiver.always = (200, {"Set-Cookie": "track=1"})
    await hooks.happen(2)
    await hooks.send()
    assert len(hooks.receiver.calls) == 2
    assert not any("cookie" in one.headers for one in hooks.receiver.calls)


@sqlite_only
async def test_the_log_tells_neither_the_path_of_an_address_nor_lines_of_the_receivers(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 abc nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(garbage, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await hooks.endpoint(url=f"http://127.0.0.1:{port}/services/s3cret")
        await hooks.happen()
        with caplog.at_level("INFO", logger="bot.webhooks.sender"):
            await hooks.send()
    (said,) = [one.getMessage() for one in caplog.records if one.name == "bot.webhooks.sender"]
    assert "ClientResponseError" in said
    assert "s3cret" not in said
    assert "\n" not in said
