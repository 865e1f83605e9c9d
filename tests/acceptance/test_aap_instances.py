"""Instances over the Agent Approval Protocol: made, notified by webhook, ended; with a real receiver."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from agentapprovalprotocol import (
    Allow,
    CredentialRefused,
    NotFound,
    Pending,
    ProvisionError,
    Receiver,
    WebhookVerificationFailed,
)
from sqlalchemy import select
from sqlmodel import col

from governance.errors import Conflict
from operations.keys import rotate_key
from storage import outbox
from storage.outbox import Owed
from storage.tables import AapInstance, KeyKind, OutboxMessage, OutboxStatus
from tests.acceptance.aap_desk import OWN_TOOLS, Bench, Ear, call, listening
from tests.stack import start_stack, stop_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("aap")
    (folder / "countersign.db").write_bytes(sqlite_template.read_bytes())
    stack = await start_stack(
        f"sqlite:///{folder / 'countersign.db'}", folder, extra=OWN_TOOLS, top="[webhooks]\nallow_private = true\n"
    )
    keys = [await stack.key(KeyKind.OPERATOR, person) for person in ("U0BOB", "U0CAROL")]
    running = Bench(stack, *keys)
    yield running
    await running.close()
    await stop_stack(stack)


@pytest_asyncio.fixture(loop_scope="module")
async def ear() -> AsyncIterator[Ear]:
    async with listening() as found:
        yield found


async def made(bench: Bench, receiver: Receiver, url: str, **more: Any) -> Any:
    return await receiver.provision(
        provider_url=bench.url, provisioner_token=await bench.provisioner(), url=url, **more
    )  # fmt: skip


async def plain(bench: Bench, name: str = "one") -> tuple[str, Any]:
    """An instance without notifications; returns its provisioner's token and what was answered."""
    token = await bench.provisioner()
    answer = await bench.raw("POST", "/v1/instances", {"instance_name": name}, token=token, Idempotency_Key=ascii(name))
    assert answer.status_code == 201
    return token, answer.json()


async def notices(bench: Bench, request_id: str) -> list[OutboxMessage]:
    async with bench.stack.database.read("default") as tx:
        query = select(OutboxMessage).where(col(OutboxMessage.kind) == Owed.AAP)
        return [one for one in await tx.session.scalars(query) if one.payload["request_id"] == request_id]


async def test_a_paused_run_is_woken_by_the_decision_and_runs_once(bench: Bench) -> None:
    woken: asyncio.Queue[str] = asyncio.Queue()
    async with listening({"here": lambda handle, request: woken.put_nowait(request.id)}) as ear:
        instance = await made(bench, ear.receiver, ear.url, instance_name="night-shift")
        assert instance.instance_name == "night-shift"
        gate = bench.gate(instance.token, mode="async")
        asked = call("wake-1", resume={"framework": "here", "run": 1})
        paused = await gate.check(asked)
        assert isinstance(paused, Pending)
        await bench.decide(paused.request_id)
        async with asyncio.timeout(30):
            assert await woken.get() == paused.request_id
        assert isinstance(await gate.check(asked), Allow)
    assert [one.status for one in await notices(bench, paused.request_id)] == [OutboxStatus.SENT]
    assert len({one["webhook-id"] for one in ear.got}) == 2  # the challenge and the one event


@pytest.mark.parametrize("how", ["approved at once", "denied at once", "rejected", "cancelled", "expired"])
async def test_every_end_is_one_event(bench: Bench, ear: Ear, how: str) -> None:
    instance = await made(bench, ear.receiver, ear.url)
    tool = {"approved at once": "note.own", "denied at once": "no.such"}.get(how, "refund")
    timeout = "1s" if how == "expired" else "1h"
    request = await bench.asked(call(f"end-{how}", tool), timeout=timeout, token=instance.token)
    if how == "rejected":
        await bench.decide(request.id, "reject", reason="no")
    if how == "cancelled":
        await bench.client(instance.token).cancel(request.id)
    (notice,) = await bench.until(lambda: delivered(bench, request.id))
    read = await bench.client(instance.token).get(request.id)
    assert read.decision is not None
    assert notice.created_at == read.decision.decided_at
    assert ear.got[-1]["webhook-id"] == notice.subject


async def delivered(bench: Bench, request_id: str) -> list[OutboxMessage] | None:
    found = await notices(bench, request_id)
    return found if found and all(one.status is OutboxStatus.SENT for one in found) else None


async def test_a_receiver_that_fails_is_told_again_under_the_same_id(bench: Bench, ear: Ear) -> None:
    instance = await made(bench, ear.receiver, ear.url)
    ear.answers = [500, 302]
    request = await bench.asked(call("again-1", "note.own"), token=instance.token)
    for _ in range(2):
        await bench.until(lambda: waiting(bench, request.id))
        await make_due(bench)
    (notice,) = await bench.until(lambda: delivered(bench, request.id))
    assert [one["webhook-id"] for one in ear.got[1:]] == [notice.subject] * 3


async def waiting(bench: Bench, request_id: str) -> OutboxMessage | None:
    (found,) = await notices(bench, request_id)
    return found if found.status is OutboxStatus.QUEUED and found.attempts else None


async def make_due(bench: Bench) -> None:
    await bench.stack.database.write("default", outbox.wake)


async def test_a_redirect_is_not_followed(bench: Bench, ear: Ear) -> None:
    ear.redirects = True
    with pytest.raises(WebhookVerificationFailed):
        await made(bench, ear.receiver, ear.url)
    assert len(ear.got) == 1


async def test_no_instance_without_the_challenge_answered(bench: Bench, ear: Ear) -> None:
    token, receiver = await bench.provisioner(), Receiver(resumers={})  # another one than the one that listens
    provision = lambda: receiver.provision(provider_url=bench.url, provisioner_token=token, url=ear.url)  # noqa: E731
    with pytest.raises(WebhookVerificationFailed):
        await provision()
    ear.receiver = receiver
    assert (await provision()).instance_name.startswith("deployer-")  # the same key, once it is mended


async def test_the_same_call_gives_the_same_instance_and_asks_its_receiver_once(bench: Bench, ear: Ear) -> None:
    token = await bench.provisioner()
    provision = lambda: ear.receiver.provision(provider_url=bench.url, provisioner_token=token, url=ear.url)  # noqa: E731
    first = await provision()
    await first_client(ear).aclose()
    second = await provision()
    assert (first.instance_id, first.token) == (second.instance_id, second.token)
    assert len(ear.got) == 1
    with pytest.raises(ProvisionError) as refused:
        await ear.receiver.provision(
            provider_url=bench.url, provisioner_token=token, url=ear.url, instance_name="other",
            idempotency_key=ear.receiver.registration_id,
        )  # fmt: skip
    assert (refused.value.status, refused.value.code) == (409, "idempotency_conflict")


def first_client(ear: Ear) -> Any:
    assert ear.receiver.client is not None
    return ear.receiver.client


async def test_instances_of_one_agent_do_not_see_each_others_requests(bench: Bench) -> None:
    tokens = [(await plain(bench, f"apart-{n}"))[1]["credential"]["token"] for n in range(2)]
    mine = await bench.asked(call("apart"), token=tokens[0])
    theirs = await bench.asked(call("apart"), token=tokens[1])  # the same call, under the same key
    assert mine.id != theirs.id
    for other in (tokens[1], bench.stack.agent_secret):
        with pytest.raises(NotFound):
            await bench.client(other).get(mine.id)


async def test_an_instance_is_read_renamed_and_its_receiver_exchanged(bench: Bench, ear: Ear) -> None:
    instance = await made(bench, ear.receiver, ear.url)
    token, path = await bench.provisioner(), f"/v1/instances/{instance.instance_id}"
    shown = await bench.raw("GET", path, token=token)
    delivery = {"type": "webhook", "url": ear.url, "registration_id": instance.registration_id}
    assert shown.json() == {"id": instance.instance_id, "name": instance.instance_name, "delivery": delivery}
    renamed = await bench.raw("PATCH", path, {"instance_name": "b"}, token=token, Idempotency_Key="1")
    silenced = await bench.raw("PATCH", path, {"delivery": None}, token=token, Idempotency_Key="2")
    replayed = await bench.raw("PATCH", path, {"instance_name": "b"}, token=token, Idempotency_Key="1")
    assert renamed.json() == replayed.json() == {"id": instance.instance_id, "name": "b", "delivery": delivery}
    assert silenced.json() == {"id": instance.instance_id, "name": "b"}
    assert (await bench.raw("PATCH", path, {"instance_name": "c"}, token=token, Idempotency_Key="1")).status_code == 409
    assert (await bench.raw("PATCH", path, {}, token=token, Idempotency_Key="3")).status_code == 400
    told = await bench.asked(call("silent", "note.own"), token=instance.token)
    assert await notices(bench, told.id) == []
    again = {**delivery, "signing_secret": instance.secret}
    assert (
        await bench.raw("PATCH", path, {"delivery": again}, token=token, Idempotency_Key="4")
    ).json()["delivery"] == delivery  # fmt: skip


async def test_deleting_an_instance_ends_all_of_it_at_once(bench: Bench, ear: Ear) -> None:
    instance = await made(bench, ear.receiver, ear.url)
    client, token = bench.client(instance.token), await bench.provisioner()
    ear.answers = [503] * 5
    resolved = await bench.asked(call("delete-1", "note.own"), token=instance.token)
    pending = await bench.asked(call("delete-2"), token=instance.token)
    await bench.until(lambda: waiting(bench, resolved.id))
    heard, path = len(ear.got), f"/v1/instances/{instance.instance_id}"
    assert [(await bench.raw("DELETE", path, token=token)).status_code for _ in range(2)] == [204, 204]
    with pytest.raises(CredentialRefused):
        await client.get(pending.id)
    assert (await bench.proposal(pending.id))["state"] == "withdrawn"
    assert await notices(bench, pending.id) == []
    await make_due(bench)
    await bench.until(lambda: delivered(bench, resolved.id))  # settled, and silently
    assert len(ear.got) == heard
    assert (await bench.raw("GET", path, token=token)).status_code == 404
    assert (await bench.raw("PATCH", path, {"instance_name": "x"}, token=token, Idempotency_Key="k")).status_code == 404


async def test_a_deleted_instance_does_not_come_back(bench: Bench) -> None:
    token, told = await plain(bench, "gone")
    assert (await bench.raw("DELETE", f"/v1/instances/{told['instance']['id']}", token=token)).status_code == 204
    again = await bench.raw("POST", "/v1/instances", {"instance_name": "gone"}, token=token, Idempotency_Key="'gone'")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "instance_deleted")


async def test_an_instances_key_is_not_rotated_into_one_that_outlives_it(bench: Bench) -> None:
    _, told = await plain(bench, "rotated")
    async with bench.stack.database.read("default") as tx:
        instance = await tx.get(AapInstance, told["instance"]["id"])
    with pytest.raises(Conflict) as refused:
        await bench.stack.database.write("default", lambda tx: rotate_key(tx, instance.key_id, timedelta(hours=1)))
    assert refused.value.name == "KEY_OF_AN_INSTANCE"
    assert (await bench.raw("GET", "/v1/requests/none", token=told["credential"]["token"])).status_code == 404


async def test_a_name_that_not_every_database_can_hold_is_mended(bench: Bench) -> None:
    _, told = await plain(bench, "a\x00b")
    assert told["instance"]["name"] == "a\ufffdb"


async def test_a_provisioner_reaches_the_instances_of_its_own_agent_alone(bench: Bench) -> None:
    _, told = await plain(bench, "mine")
    other, path = await bench.provisioner("stranger"), f"/v1/instances/{told['instance']['id']}"
    answers = [await bench.raw(method, path, token=other) for method in ("GET", "DELETE")]
    answers += [await bench.raw("PATCH", path, {"instance_name": "x"}, token=other, Idempotency_Key="k")]
    answers += [await bench.raw("GET", "/v1/instances/nonsense", token=other)]
    assert [one.status_code for one in answers] == [404] * 4


@pytest.mark.parametrize(
    ("delivery", "status", "code"),
    [
        ({"type": "carrier_pigeon"}, 400, "unsupported_delivery_type"),
        ({"url": "ftp://example.com/x"}, 400, "invalid_webhook_url"),
        ({"url": "http://user@127.0.0.1/x"}, 400, "invalid_webhook_url"),
        ({"url": "http://127.0.0.1/x#y"}, 400, "invalid_webhook_url"),
        ({"url": "http://127.0.0.1:1/closed"}, 422, "webhook_verification_failed"),
        ({"signing_secret": "whsec_short"}, 400, "invalid_body"),
        ({"registration_id": "one"}, 400, "invalid_body"),
    ],
)
async def test_a_delivery_that_cannot_be_is_refused(bench: Bench, delivery: Any, status: int, code: str) -> None:
    sound = {
        "type": "webhook", "url": "http://127.0.0.1:1/x", "registration_id": "8246931c-4ce0-4c15-a94a-e9c078ad06e2",
        "signing_secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }  # fmt: skip
    body = {"delivery": {**sound, **delivery}}
    answer = await bench.raw("POST", "/v1/instances", body, token=await bench.provisioner(), Idempotency_Key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
