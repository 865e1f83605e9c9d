"""Webhooks and keys over the API of a running server: made, changed, told, rotated, removed; by admins alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.tables import ApiKey, AuditEntry, KeyKind, OutboxMessage, Role, WebhookEndpoint
from tests.integration.calls import API, Key
from tests.integration.verbs import TENANT, rows
from tests.receiver import Receiver
from tests.stack import Stack

HOOKS, KEYS = f"{API}/webhooks", f"{API}/keys"
OUTSIDE = "https://hooks.example.com/x"

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": "\n[webhooks]\nallow_private = true\n", "admins": '["U0ADMIN", "U0BOB"]'}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def test_a_webhook_hears_of_a_decision_and_everything_about_it_can_be_managed(
    stack: Stack, admin: Key, receiver: Receiver
) -> None:
    """One server tells the whole story."""
    body = {"url": receiver.url, "events": ["approval_requested", "approval_decided"], "description": "ours"}
    status, made = await stack.signed(admin, "POST", HOOKS, body)
    assert status == 201, made
    one, secret = f"{HOOKS}/{made['id']}", made.pop("secret")
    assert made == {**body, "id": made["id"], "agents": [], "created_by": "U0ADMIN", "created_at": made["created_at"],
                    "disabled_at": None, "disabled_why": None, "previous_secret_until": None}  # fmt: skip

    _, proposal = await stack.propose()
    approval = f"{API}/approvals/{proposal['approval']['id']}"
    assert (await stack.signed(admin, "POST", approval, {"decision": "approve"}))[0] == 403, "no reviewer"
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    assert (await stack.signed(bob, "POST", approval, {"decision": "approve", "reason": "go"}))[0] == 200
    await receiver.until(lambda: len(receiver.calls) == 2)
    assert receiver.kinds == ["approval_requested", "approval_decided"]
    assert receiver.calls[1].body["data"]["proposal_id"] == proposal["proposal_id"]
    assert all(call.is_signed_by(secret) for call in receiver.calls)

    status, ping = await stack.signed(admin, "POST", f"{one}/test")
    assert (status, ping["event"], ping["event_id"], ping["status"]) == (202, "ping", None, "queued")
    await receiver.until(lambda: len(receiver.calls) == 3)
    assert receiver.calls[2].body["data"] == {"webhook_id": made["id"]}
    assert receiver.calls[2].id == ping["message_id"] == ping["id"]

    _, page = await until_delivered(stack, admin, f"{one}/deliveries?limit=2")
    assert [each["event"] for each in page["items"]] == ["ping", "approval_decided"]
    _, rest = await stack.signed(admin, "GET", f"{one}/deliveries?limit=2&cursor={page['next_cursor']}")
    assert ([each["event"] for each in rest["items"]], rest["next_cursor"]) == (["approval_requested"], None)
    assert rest["items"][0]["body"] == receiver.calls[0].raw.decode()
    assert (await stack.signed(admin, "GET", f"{one}/deliveries?status=dead"))[1]["items"] == []

    status, again = await stack.signed(admin, "POST", f"{one}/deliveries/{rest['items'][0]['id']}/replay")
    assert (status, again["replay"], again["message_id"]) == (202, 1, rest["items"][0]["id"])
    await receiver.until(lambda: len(receiver.calls) == 4)
    assert (receiver.calls[3].id, receiver.calls[3].raw) == (receiver.calls[0].id, receiver.calls[0].raw)
    since = {"since": "2026-01-01T00:00:00Z"}
    assert await stack.signed(admin, "POST", f"{one}/replay", since) == (202, {"replayed": 0, "more": False})

    status, turned = await stack.signed(admin, "POST", f"{one}/rotate", {"overlap_hours": 1})
    assert (status, turned["secret"] != secret, turned["previous_secret_until"] is None) == (200, True, False)
    await stack.signed(admin, "POST", f"{one}/test")
    await receiver.until(lambda: len(receiver.calls) == 5)
    assert receiver.calls[4].is_signed_by(secret)
    assert receiver.calls[4].is_signed_by(turned["secret"])

    status, off = await stack.signed(admin, "PATCH", one, {"disabled": True, "events": [], "description": None})
    assert (status, off["events"], off["description"], off["disabled_why"]) == (
        200,
        [],
        None,
        "switched off by U0ADMIN",
    )
    assert (await stack.signed(admin, "POST", f"{one}/test"))[1]["code"] == "WEBHOOK_DISABLED"
    assert (await stack.signed(admin, "PATCH", one, {"disabled": False}))[1]["disabled_at"] is None
    assert [each["id"] for each in (await stack.signed(admin, "GET", HOOKS))[1]["items"]] == [made["id"]]
    assert await stack.signed(admin, "DELETE", one) == (200, {"id": made["id"], "deleted": True})
    assert (await stack.signed(admin, "GET", one))[0] == 404
    assert await rows(stack.database, WebhookEndpoint) == []

    entries = [each for each in await rows(stack.database, AuditEntry) if each.kind.startswith("webhook.")]
    assert [each.kind.removeprefix("webhook.") for each in entries] == [
        "created", "tested", "replayed", "replayed", "rotated", "tested", "changed", "disabled", "enabled", "deleted"
    ]  # fmt: skip
    assert {each.actor for each in entries} == {"person:U0ADMIN"}
    stored = "".join(each.detail for each in entries)
    assert secret not in stored
    assert "/hook" not in stored, "of an address only the host is recorded"


async def until_delivered(stack: Stack, admin: Key, path: str) -> tuple[int, Any]:
    """Read a list until nothing in it is under way."""
    import asyncio

    async with asyncio.timeout(15):
        while True:
            status, page = await stack.signed(admin, "GET", path)
            if all(each["status"] == "delivered" for each in page["items"]):
                return status, page
            await asyncio.sleep(0.02)


async def test_what_is_refused_and_whom(stack: Stack, admin: Key) -> None:
    _, made = await stack.signed(admin, "POST", HOOKS, {"url": OUTSIDE})
    one = f"{HOOKS}/{made['id']}"
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL", Role.ADMIN)
    weak = await stack.key(KeyKind.OPERATOR, "U0ADMIN", Role.OPERATOR)
    calls: list[tuple[str, str, Any]] = [
        ("GET", HOOKS, None), ("POST", HOOKS, {"url": OUTSIDE}), ("GET", one, None), ("PATCH", one, {}),
        ("DELETE", one, None), ("POST", f"{one}/rotate", {}), ("POST", f"{one}/test", None),
        ("GET", f"{one}/deliveries", None), ("POST", f"{one}/deliveries/whd_1/replay", None),
        ("POST", f"{one}/replay", {"since": "2026-01-01T00:00:00Z"}), ("GET", KEYS, None),
        ("POST", KEYS, {"agent": "deployer"}), ("POST", f"{KEYS}/{admin[0]}/rotate", {}),
        ("DELETE", f"{KEYS}/{admin[0]}", None),
    ]  # fmt: skip
    for method, path, body in calls:
        assert (await stack.call(method, path, body))[0] == 401, "agents have no part in this"
        for key in (carol, weak):
            assert (await stack.signed(key, method, path, body))[0] == 403, (method, path)
        if "{" not in path and one in path:
            other = path.replace(made["id"], "whk_0")
            assert (await stack.signed(admin, method, other, body))[0] == 404, (method, other)
    for body in (
        {}, {"url": "not an address"}, {"url": "https://u:p@hooks.example.com/"}, {"url": OUTSIDE, "events": ["x"]},
        {"url": OUTSIDE, "agents": ["nobody"]}, {"url": OUTSIDE, "more": 1}, {"url": OUTSIDE, "events": None},
    ):  # fmt: skip
        assert (await stack.signed(admin, "POST", HOOKS, body))[0] == 422, body
    for path, body in (
        (f"{one}/rotate", {"overlap_hours": 721}),
        (f"{one}/replay", {}),
        (f"{one}/replay", {"since": 1}),
    ):
        assert (await stack.signed(admin, "POST", path, body))[0] == 422, path
    assert (await stack.signed(admin, "GET", f"{one}/deliveries?status=odd"))[0] == 422
    assert (await stack.signed(admin, "POST", f"{one}/deliveries/whd_%00/replay"))[0] == 404
    assert len(await rows(stack.database, WebhookEndpoint)) == 1

    stack.config.write_text(stack.config.read_text().replace("allow_private = true", "allow_private = false"))
    await stack.server.reload_policy()
    for url in ("http://hooks.example.com/", "https://127.0.0.1/", "https://169.254.169.254/latest", "https://[::1]/"):
        status, refused = await stack.signed(admin, "POST", HOOKS, {"url": url})
        assert (status, refused["code"]) == (422, "URL_NOT_ALLOWED"), url


async def test_keys_are_made_rotated_and_revoked_by_admins(stack: Stack, admin: Key) -> None:
    ends = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    status, made = await stack.signed(admin, "POST", KEYS, {"agent": "deployer", "expires_at": ends})
    assert (status, made["kind"], made["principal"], made["state"]) == (201, "agent", "deployer", "live")
    assert (await stack.call("GET", f"{API}/whoami", secret=made["secret"]))[1]["id"] == "deployer"

    status, turned = await stack.signed(admin, "POST", f"{KEYS}/{made['key_id']}/rotate", {"overlap_hours": 1})
    assert status == 201
    for secret in (made["secret"], turned["secret"]):
        assert (await stack.call("GET", f"{API}/whoami", secret=secret))[0] == 200
    assert (await stack.signed(admin, "POST", f"{KEYS}/{made['key_id']}/rotate", {}))[1]["code"] == "ALREADY_ROTATED"
    status, ended = await stack.signed(admin, "DELETE", f"{KEYS}/{made['key_id']}")
    assert (status, ended["state"], ended["replaced_by"]) == (200, "revoked", turned["key_id"])
    assert (await stack.call("GET", f"{API}/whoami", secret=made["secret"]))[0] == 401
    assert (await stack.signed(admin, "DELETE", f"{KEYS}/{made['key_id']}"))[0] == 404

    status, mine = await stack.signed(admin, "POST", KEYS, {"operator": "U0ADMIN", "role": "reviewer"})
    assert (status, mine["role"]) == (201, "reviewer")
    assert (await stack.signed((mine["key_id"], mine["secret"]), "GET", f"{API}/whoami"))[1]["role"] == "reviewer"
    status, next_ = await stack.signed(admin, "POST", f"{KEYS}/{mine['key_id']}/rotate", {})
    assert (status, next_["role"]) == (201, "reviewer")
    assert (await stack.signed((next_["key_id"], next_["secret"]), "GET", f"{API}/whoami"))[0] == 200

    bob, _ = await stack.key(KeyKind.OPERATOR, "U0BOB")
    for path, body in ((KEYS, {"operator": "U0BOB"}), (f"{KEYS}/{bob}/rotate", {})):
        status, refused = await stack.signed(admin, "POST", path, body)
        assert (status, refused["code"]) == (403, "NOT_YOUR_KEY"), "who has Bob's secret answers as Bob"
    assert (await stack.signed(admin, "DELETE", f"{KEYS}/{bob}"))[1]["state"] == "revoked"
    for body in (
        {}, {"agent": "deployer", "operator": "U0ADMIN"}, {"agent": "nobody"}, {"agent": "deployer", "role": "admin"},
        {"agent": "deployer", "expires_at": "2020-01-01T00:00:00Z"},
        {"agent": "deployer", "expires_at": "9999-12-31T00:00:00Z"},
    ):  # fmt: skip
        assert (await stack.signed(admin, "POST", KEYS, body))[0] == 422, body
    status, page = await stack.signed(admin, "GET", f"{KEYS}?limit=3")
    assert (status, len(page["items"])) == (200, 3)
    assert page["items"][0]["key_id"] == bob
    assert "secret" not in str(page["items"])
    assert {each.tenant for each in await rows(stack.database, ApiKey)} == {TENANT}


async def test_a_key_made_by_one_that_ends_ends_with_it(stack: Stack, admin: Key) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    _, short = await stack.signed(admin, "POST", KEYS, {"operator": "U0ADMIN", "expires_at": ends})
    by_it = (short["key_id"], short["secret"])
    _, child = await stack.signed(by_it, "POST", KEYS, {"operator": "U0ADMIN"})
    assert child["expires_at"] == short["expires_at"]
    sooner = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    _, child = await stack.signed(by_it, "POST", KEYS, {"operator": "U0ADMIN", "expires_at": sooner})
    assert child["expires_at"] < short["expires_at"]
    assert (await stack.signed(by_it, "POST", KEYS, {"agent": "deployer"}))[1]["expires_at"] is None


async def test_webhooks_do_not_wait_for_slack(stack: Stack, admin: Key, receiver: Receiver) -> None:
    await stack.signed(admin, "POST", HOOKS, {"url": receiver.url})
    stack.server.office.client.token = ""
    await stack.propose()
    await receiver.until(lambda: len(receiver.calls) == 1)
    assert await rows(stack.database, OutboxMessage, kind="show", status="sent") == []
