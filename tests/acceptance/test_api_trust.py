"""`/trust` over HTTP: what happened is there at once, filtered, paged and grouped; agents see only their own."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from governance.trust_verify import verify_export
from storage.tables import KeyKind
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem
from tests.integration.graph import exported, write_history
from tests.published import schema_errors
from tests.stack import Stack

COLON = ":"  # the client writes it plainly, so it must be signed plainly


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock}


async def read(stack: Stack, key: Key, path: str = "", **query: Any) -> Any:
    """What an operator is answered."""
    target = f"{API}/trust{path}" + (f"?{urlencode(query, safe=COLON)}" if query else "")
    status, told = await stack.signed(key, "GET", target)
    assert status == 200, told
    return told


def words(records: list[Any]) -> list[tuple[str, str]]:
    return [(one["outcome"], one["metadata"]["autonomy.enforcement"]) for one in records]


async def a_morning(stack: Stack, clock: Clock) -> None:
    """A dry run, a note, a refusal and an approved deployment, an hour between each."""
    await stack.propose("dry.run", trace_id="t-dry")
    clock.forward(hours=1)
    await stack.propose("note.auto", trace_id="t-note", wait=60)
    clock.forward(hours=1)
    await stack.propose("drop.database", trace_id="t-dry")
    clock.forward(hours=1)
    _, proposed = await stack.propose(trace_id="t-deploy")
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{proposed['approval']['id']}", {"decision": "approve"})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_a_caller_reads_what_just_happened_as_a_chain_others_can_check(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    """closes autonomy-and-trust 9, 11"""
    await a_morning(stack, clock)
    told = await read(stack, admin)
    assert words(told["items"]) == [
        ("denied", "shadow_noop"), ("success", "auto"), ("denied", "policy_denied"), ("success", "approval_granted")
    ]  # fmt: skip
    assert told["next_cursor"] is None
    assert told["items"][3]["approver"] == "U0BOB"
    assert [one["reviewer"] for one in told["items"][3]["metadata"]["approval"]["signatures"]] == ["U0BOB"]
    assert verify_export(exported(told["items"])).faults == []
    assert schema_errors(exported(told["items"])) == []


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"agent": "deployer"}, [1, 2, 3, 4]), ({"agent": "stranger"}, []), ({"action": "deploy"}, [3, 4]),
        ({"outcome": "success"}, [2, 4]), ({"outcome": "timeout"}, []), ({"tier": "act_auto"}, [2]),
        ({"tier": "shadow"}, [1, 3]), ({"outcome": "success", "tier": "act_with_approval"}, [4]),
        ({"since": "2026-11-23T14:00:00Z"}, [3, 4]), ({"until": "2026-11-23T13:00:00Z"}, [1, 2]),
        ({"since": "2026-11-23T14:00:00+01:00", "until": "1795442400"}, [2, 3]),
        ({"since": "9999-12-31T23:59:59Z"}, []), ({"until": "0001-01-01T00:00:00Z"}, []), ({"limit": 2}, [3, 4]),
    ],
)  # fmt: skip
async def test_filters_choose_and_a_limit_keeps_the_newest_in_order(
    stack: Stack, admin: Key, clock: Clock, query: dict[str, Any], places: list[int]
) -> None:
    await a_morning(stack, clock)
    found = await read(stack, admin, **query)
    assert [one["chain_index"] for one in found["items"]] == places


async def test_a_cursor_leads_further_back(stack: Stack, admin: Key) -> None:
    for n in range(7):
        await stack.propose("dry.run", arguments={"service": f"s{n}"})
    pages, cursor = [], {}
    while True:
        told = await read(stack, admin, limit=3, **cursor)
        pages.append([one["chain_index"] for one in told["items"]])
        if told["next_cursor"] is None:
            break
        cursor = {"cursor": told["next_cursor"]}
    assert pages == [[5, 6, 7], [2, 3, 4], [1]]


async def test_records_of_one_trace_stand_together_in_the_order_traces_are_first_seen(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    await a_morning(stack, clock)
    told = await read(stack, admin, grouped_by_trace=1)
    assert [(one["trace_id"], [r["chain_index"] for r in one["records"]]) for one in told["groups"]] == [
        ("t-dry", [1, 3]), ("t-note", [2]), ("t-deploy", [4])
    ]  # fmt: skip
    newest = await read(stack, admin, grouped_by_trace="true", limit=2)
    assert [one["trace_id"] for one in newest["groups"]] == ["t-dry", "t-deploy"]


async def test_the_clock_does_not_order_records(stack: Stack, admin: Key, clock: Clock) -> None:
    """closes autonomy-and-trust 23"""
    await stack.propose("dry.run", arguments={"service": "first"})
    clock.forward(hours=-5)
    await stack.propose("dry.run", arguments={"service": "second"})
    found = (await read(stack, admin))["items"]
    assert found[0]["timestamp"] > found[1]["timestamp"]
    assert [one["chain_index"] for one in found] == [1, 2]


async def test_an_agent_sees_its_own_records_and_no_others(stack: Stack, clock: Clock) -> None:
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    await a_morning(stack, clock)
    await stack.call("POST", f"{API}/proposals", {"tool": "drop.database", "arguments": {}}, secret=secret)
    _, mine = await stack.call("GET", f"{API}/trust")
    assert [one["chain_index"] for one in mine["items"]] == [1, 2, 3, 4]
    _, theirs = await stack.call("GET", f"{API}/trust", secret=secret)
    assert [one["agent"] for one in theirs["items"]] == ["stranger"]
    _, none = await stack.call("GET", f"{API}/trust?agent=deployer&grouped_by_trace=1", secret=secret)
    assert none == {"groups": [], "next_cursor": None}
    assert is_problem(await stack.call("GET", f"{API}/trust/score?agent=deployer", secret=secret), 404, "NOT_FOUND")
    _, own = await stack.call("GET", f"{API}/trust/score", secret=secret)
    assert (own["agent"], own["total"]) == ("stranger", 1)


async def test_nobody_reads_without_a_key(stack: Stack) -> None:
    for path in ("/trust", "/trust/score?agent=deployer"):
        assert (await stack.call("GET", API + path, secret=""))[0] == 401
        assert (await stack.call("GET", API + path, secret="wrong"))[0] == 401


@pytest.mark.parametrize(
    "query",
    [
        "outcome=great", "outcome=", "tier=L1", "tier=act_wildly", "agent=", "agent=%00", "agent=caf%C3%A9",
        "agent=a%20b", f"action={'x' * 256}", "since=yesterday", "since=2026-11-23T10:00:00", "until=NaN",
        "since=9999-12-31T23:59:59-10:00", "until=1e400", "limit=0", "limit=201", "limit=x", "cursor=x",
        "cursor=MA==", "cursor=MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "cursor=%C3%A9", "grouped_by_trace=maybe",
    ],
)  # fmt: skip
async def test_a_filter_that_cannot_be_meant_is_refused_with_the_way_to_write_it(stack: Stack, query: str) -> None:
    answer = await stack.call("GET", f"{API}/trust?{query}")
    assert is_problem(answer, 422, "INVALID_QUERY")
    assert answer[1]["error"].startswith(f"{query.partition('=')[0]}: send ")


async def test_a_score_tells_denials_from_failures(stack: Stack, admin: Key, clock: Clock) -> None:
    """closes autonomy-and-trust 25"""
    await a_morning(stack, clock)
    assert await read(stack, admin, "/score", agent="deployer") == {
        "agent": "deployer", "total": 4, "ran": 2, "success_rate": 1.0,
        "outcomes": {"success": 2, "failure": 0, "denied": 2, "timeout": 0},
        "tiers": {"shadow": 2, "suggest": 0, "act_with_approval": 1, "act_and_notify": 0, "act_auto": 1},
        "denied": {"by_policy": 2, "by_people": 0},
        "latest": {"outcome": "success", "at": "2026-11-23T15:00:00Z"}, "tier": "act_with_approval",
        "recommendation": {"tier": "act_with_approval", "tightens": False, "reason": "nothing speaks for less room"},
    }  # fmt: skip


async def test_a_rejection_counts_as_denied_by_people(stack: Stack, admin: Key) -> None:
    _, proposed = await stack.propose()
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    body = {"decision": "reject", "reason": "no"}
    await stack.signed(bob, "POST", f"{API}/approvals/{proposed['approval']['id']}", body)
    score = await read(stack, admin, "/score", agent="deployer")
    assert (score["denied"], score["ran"]) == ({"by_policy": 0, "by_people": 1}, 0)


async def test_the_tier_of_a_score_is_that_of_the_newest_change_in_the_chain(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    """closes autonomy-and-trust 23, 25"""
    change = {"agent": "deployer", "by": "U0ADMIN", "reason": "ok"}

    async def changed(tier: str, before: str, target: str = "") -> None:
        detail = {**change, "tier": tier, "from": before, "target": target}
        await write_history(stack.database, {"kind": "tier.changed", "detail": detail})

    await changed("act_auto", "act_with_approval")
    clock.forward(hours=-1)  # a clock that was set back must not undo what was decided later
    await changed("act_and_notify", "act_auto")
    await changed("shadow", "act_and_notify", "deploy")  # of one class, not of the agent
    score = await read(stack, admin, "/score", agent="deployer")
    assert (score["tier"], score["total"], score["latest"]) == ("act_and_notify", 3, None)
    failed = {"kind": "execution.finished", "proposal_id": "prp_1", "detail": {"status": "failed"}}
    await write_history(stack.database, failed)
    score = await read(stack, admin, "/score", agent="deployer")
    assert score["recommendation"]["tier"] == "act_with_approval"
    assert score["recommendation"]["tightens"] is True


async def test_an_agent_nobody_knows_has_no_score(stack: Stack, admin: Key) -> None:
    assert is_problem(await stack.signed(admin, "GET", f"{API}/trust/score?agent=who"), 404, "NOT_FOUND")
    assert is_problem(await stack.signed(admin, "GET", f"{API}/trust/score"), 422, "INVALID_QUERY")
    assert (await read(stack, admin, "/score", agent="stranger"))["success_rate"] is None


async def test_many_readers_and_writers_at_once_all_read_their_own_writes(stack: Stack) -> None:
    async def one(n: int) -> None:
        _, proposed = await stack.propose("dry.run", arguments={"service": f"s{n}"}, trace_id=f"t-{n}")
        _, told = await stack.call("GET", f"{API}/trust?limit=200")
        assert proposed["proposal_id"] in json.dumps(told)

    await asyncio.gather(*(one(n) for n in range(20)))
