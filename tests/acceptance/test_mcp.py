"""Agents over MCP: the same calls as over HTTP, in both eras of the protocol, and no way to decide."""

import asyncio
import io
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from bot.api.mcp.standard import Keys, server_for
from bot.api.waiting import MAX_WAITERS
from operations.keys import create_key, revoke_key
from storage.tables import AuditEntry, KeyKind, Review
from tests.integration.calls import API
from tests.integration.verbs import TENANT, count, rows
from tests.mcp_clients import ERAS, connected, refusal, use
from tests.stack import Stack, start_stack, stop_stack
from tests.tenants import BLUE, RED, tenants

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOOLS = {"propose", "get_proposal", "wait_for_decision", "list_pending", "withdraw"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One server for the whole file; every test asks about services of its own."""
    folder = tmp_path_factory.mktemp("mcp")
    shutil.copy(sqlite_template, folder / "countersign.db")
    running = await start_stack(f"sqlite:///{folder / 'countersign.db'}", folder)
    yield running
    await stop_stack(running)


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@asynccontextmanager
async def at(stack: Stack, way: str, secret: str | None = None) -> AsyncIterator[Client]:
    """A client with an agent key: over HTTP in one of the eras, or of the server that speaks over standard streams."""
    secret = secret or stack.agent_secret
    if way == "stdio":
        async with Client(server_for(stack.session, stack.url, Keys(secret), pause=0.2)) as client:
            yield client
    else:
        async with connected(stack.url, way, secret) as client:
            yield client


async def asked(client: Client, service: str, **more: Any) -> Any:
    """Propose a call that people are asked about."""
    told = await use(client, "propose", tool="deploy.production", arguments={"service": service}, **more)
    assert told["state"] == "pending"
    return told


async def approve(stack: Stack, told: Any) -> None:
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    status, _ = await stack.signed(bob, "POST", f"{API}/approvals/{told['approval']['id']}", {"decision": "approve"})
    assert status == 200


async def test_agents_have_five_tools_and_none_that_decides(place: Stack, era: str) -> None:
    """closes approval-api 5"""
    async with at(place, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        assert all(tool.output_schema and tool.annotations and tool.description for tool in tools.values())
        assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == {
            "get_proposal", "wait_for_decision", "list_pending",
        }  # fmt: skip
        assert "You cannot approve anything" in (client.instructions or "")
        told = await asked(client, f"undecided-{era}")
        for name in ("approve", "reject", "decide", "list_approvals"):
            said = await refusal(client, name, approval_id=told["approval"]["id"], reason="go", decision="approve")
            assert said == f"Unknown tool: {name}"
        assert (await use(client, "get_proposal", proposal_id=told["proposal_id"]))["state"] == "pending"
    assert await count(place.database, Review, request_id=told["approval"]["id"]) == 0


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_tools_answer_what_the_api_answers(place: Stack, way: str) -> None:
    async with at(place, way) as client:
        told = await asked(client, f"same-{way}", rationale="because", idempotency_key=f"k-{way}")
        id = told["proposal_id"]
        assert (told.pop("problems"), told.pop("missing_scopes")) == ([], [])
        assert (await place.call("GET", f"{API}/proposals/{id}"))[1] == told
        assert await use(client, "get_proposal", proposal_id=id) == told
        assert (await asked(client, f"same-{way}", rationale="because", idempotency_key=f"k-{way}"))["duplicate"]
        waiting = await use(client, "list_pending", limit=1)
        assert waiting == (await place.call("GET", f"{API}/approvals?open=1&limit=1"))[1]
        assert waiting["items"][0]["proposal_id"] == id
        withdrawn = await use(client, "withdraw", proposal_id=id, reason="not needed")
        assert withdrawn == (await place.call("GET", f"{API}/proposals/{id}"))[1]
        assert withdrawn["state"] == "withdrawn"
        assert id not in {one["proposal_id"] for one in (await use(client, "list_pending"))["items"]}


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_what_the_gates_refuse_is_a_result_an_agent_can_act_on(place: Stack, way: str) -> None:
    async with at(place, way) as client:
        told = await use(client, "propose", tool="deploy.production", arguments={"servise": 1})
        assert (told["state"], told["code"]) == ("denied", "NEEDS_INPUT")
        assert told["problems"] == [
            {"field": "/service", "message": "is required"},
            {"field": "/servise", "message": "is not a field of this tool"},
        ]
        told = await use(client, "propose", tool="drop.database", arguments={"service": "all"})
        assert (told["state"], told["code"], told["problems"]) == ("denied", "ALWAYS_BLOCK", [])


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_whatever_else_is_refused_says_a_code_and_one_sentence(place: Stack, way: str) -> None:
    async with at(place, way) as client:
        known = {"tool": "deploy.production", "arguments": {"service": f"refused-{way}"}, "idempotency_key": f"r-{way}"}
        await use(client, "propose", **known)
        said = {
            await refusal(client, "propose", tool="nothing", arguments={}),
            await refusal(client, "propose", **(known | {"arguments": {"service": "other"}})),
            await refusal(client, "propose", tool="deploy.production", arguments={"n": 2**60}),
            await refusal(client, "propose", tool="note.auto", arguments={}, trace_id="with space"),
            await refusal(client, "propose", tool="note.auto"),
            await refusal(client, "get_proposal", proposal_id="prp_unknown"),
            await refusal(client, "list_pending", cursor="made up"),
            await refusal(client, "list_pending", limit=0),
            await refusal(client, "wait_for_decision", proposal_id="prp_unknown", timeout_seconds=1),
        }
        codes = sorted(one.partition(": ")[0] for one in said)
        assert codes == [
            "IDEMPOTENCY_CONFLICT", "INVALID_BODY", "INVALID_BODY", "INVALID_BODY", "INVALID_QUERY", "NOT_FOUND",
            "NOT_STRICT_JSON", "UNSUPPORTED",
        ]  # fmt: skip


async def test_what_no_tool_asks_for_has_no_effect(place: Stack, era: str) -> None:
    smuggled = {
        "agent_id": "stranger",
        "agent": "stranger",
        "approve": True,
        "decision": "approve",
        "remember": "forever",
    }
    async with at(place, era) as client:
        told = await asked(client, f"smuggled-{era}", **smuggled)
        _, request = await place.call("GET", f"{API}/approvals/{told['approval']['id']}")
        assert (request["agent"], request["status"], request["reviews"]) == ("deployer", "pending", [])


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_who_waits_hears_that_it_waits_and_then_the_decision(place: Stack, way: str) -> None:
    heard: asyncio.Queue[tuple[float, float | None, str | None]] = asyncio.Queue()

    async def note(done: float, total: float | None, message: str | None) -> None:
        heard.put_nowait((done, total, message))

    async with at(place, way) as client:
        told = await asked(client, f"waited-{way}")
        arguments = {"proposal_id": told["proposal_id"], "timeout_seconds": 120}
        waiting = asyncio.create_task(client.call_tool("wait_for_decision", arguments, progress_callback=note))
        first = await heard.get()
        assert first[1:] == (120, "waiting for people: 0 of 1 approvals")
        assert first[0] < (await heard.get())[0] < 120
        await approve(place, told)
        answer = await waiting
    assert answer.structured_content is not None
    assert answer.structured_content["state"] == "succeeded"
    assert answer.structured_content["approval"]["decision"]["by"] == "U0BOB"


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_a_wait_ends_when_its_time_is_up_with_the_proposal_as_it_is(place: Stack, way: str) -> None:
    async with at(place, way) as client:
        told = await asked(client, f"patient-{way}")
        found = await use(client, "wait_for_decision", proposal_id=told["proposal_id"], timeout_seconds=0.3)
        assert found["state"] == "pending"
        said = await refusal(client, "wait_for_decision", proposal_id=told["proposal_id"], timeout_seconds=301)
        assert said.startswith("INVALID_BODY: /timeout_seconds")


@pytest.mark.parametrize("way", [*ERAS, "stdio"])
async def test_who_cancels_a_wait_leaves_its_place(place: Stack, way: str) -> None:
    async with at(place, way) as client:
        told = await asked(client, f"cancelled-{way}")

        def wait() -> asyncio.Task[Any]:
            arguments = {"proposal_id": told["proposal_id"], "timeout_seconds": 120}
            return asyncio.create_task(use(client, "wait_for_decision", **arguments))

        waits = [wait() for _ in range(MAX_WAITERS + 1)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)  # turned away: every place is taken now
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        async with asyncio.timeout(30):  # much less than they would have waited
            waiting = wait()
            while (await asyncio.wait([waiting], timeout=0.5))[0]:  # not noticed yet that places are free
                waiting = wait()
        await approve(place, told)
        assert (await waiting)["state"] == "succeeded"


async def test_a_key_that_is_revoked_or_whose_agent_left_is_refused_at_its_next_call(place: Stack, era: str) -> None:
    key, secret = await place.key(KeyKind.AGENT, "deployer")
    _, lost = await place.key(KeyKind.AGENT, "departed")
    async with at(place, era, secret) as client:
        await use(client, "list_pending")
        await place.database.write(TENANT, lambda tx: revoke_key(tx, key))
        with pytest.raises(MCPError, match="UNAUTHENTICATED: This key is unknown, expired or revoked"):
            await client.call_tool("list_pending", {})
    if era == ERAS[0]:
        assert "UNKNOWN_AGENT: Agent departed is not in the policy." in await said_to(place, lost)


async def test_a_key_that_is_revoked_while_it_waits_learns_nothing_more(place: Stack, era: str) -> None:
    key, secret = await place.key(KeyKind.AGENT, "deployer")
    heard = asyncio.Event()

    async def note(*_: Any) -> None:
        heard.set()

    async with at(place, era, secret) as client:
        told = await asked(client, f"revoked-{era}")
        arguments = {"proposal_id": told["proposal_id"]}
        waiting = asyncio.create_task(client.call_tool("wait_for_decision", arguments, progress_callback=note))
        await heard.wait()
        await place.database.write(TENANT, lambda tx: revoke_key(tx, key))
        await approve(place, told)
        answer = await waiting
        assert (answer.is_error, answer.structured_content["code"]) == (True, "UNAUTHENTICATED")


async def said_to(stack: Stack, secret: str) -> str:
    status, body = await stack.call("POST", "/mcp", {}, secret=secret)
    assert status == 403
    message: str = body["error"]["message"]
    return message


CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "list_pending", "arguments": {}}}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


async def post(stack: Stack, headers: dict[str, str], message: Any = None) -> tuple[int, Any, str]:
    """Post one message; returns status, headers and text."""
    data = json.dumps(message or CALL)
    async with stack.session.post(f"{stack.url}/mcp", data=data, headers=ACCEPT | headers) as answer:
        return answer.status, answer.headers, await answer.text()


async def test_who_is_not_let_in_is_told_how_to_come_in(place: Stack) -> None:
    _, secret = await place.key(KeyKind.OPERATOR, "U0BOB")
    for headers in ({}, {"Authorization": "Bearer csa_unknown"}, {"Authorization": f"Bearer {secret}"}):
        status, answered, text = await post(place, headers)
        assert (status, answered["WWW-Authenticate"].split()[0]) == (401, "Bearer")
        assert json.loads(text)["error"]["data"]["code"] == "UNAUTHENTICATED"
    async with place.session.get(f"{place.url}/mcp") as answer:
        assert answer.status == 401


async def test_a_server_behind_any_name_answers_but_no_page_of_another_site(place: Stack) -> None:
    bearer = {"Authorization": f"Bearer {place.agent_secret}"}
    named = bearer | {"Host": "approvals.example"}
    assert (await post(place, named))[0] == 200
    assert (await post(place, named | {"Origin": "https://approvals.example"}))[0] == 200
    status, _, text = await post(place, named | {"Origin": "https://evil.example"})
    assert (status, json.loads(text)["error"]["data"]["code"]) == (403, "FOREIGN_ORIGIN")


async def test_a_session_that_began_elsewhere_goes_on_here(place: Stack) -> None:
    """Behind several replicas, and after a restart, a client of the older protocol meets a server that never saw it."""
    headers = {
        "Authorization": f"Bearer {place.agent_secret}", "Mcp-Session-Id": "0" * 32,
        "MCP-Protocol-Version": "2025-11-25",
    }  # fmt: skip
    status, _, text = await post(place, headers)
    assert status == 200
    assert '"structuredContent"' in text
    for method, expected in (("GET", 405), ("DELETE", 405)):
        async with place.session.request(method, f"{place.url}/mcp", headers=headers) as answer:
            assert (answer.status, answer.headers["Allow"]) == (expected, "POST")


async def test_calls_count_against_the_one_rate_of_the_key(place: Stack) -> None:
    _, secret = await place.key(KeyKind.AGENT, "stranger")
    bearer = {"Authorization": f"Bearer {secret}"}
    calls = 0
    while (await place.call("GET", f"{API}/whoami", secret=secret))[0] == 200:
        calls += 1
    assert calls >= 200
    told = await asyncio.gather(*(look(place, bearer) for _ in range(50)))  # more than it grows back meanwhile
    refused = [(after, body) for status, after, body in told if status == 429]
    assert refused
    assert {after for after, _ in refused} == {"1"}
    assert refused[0][1]["error"]["message"] == "RATE_LIMITED: Too many calls; try again in 1 s."


async def look(stack: Stack, headers: dict[str, str]) -> tuple[int, str | None, Any]:
    async with stack.session.get(f"{stack.url}/mcp", headers=headers) as answer:
        text = await answer.text()
        return answer.status, answer.headers.get("Retry-After"), json.loads(text) if text else None


async def test_a_key_gives_no_more_scopes_than_it_was_made_with(place: Stack) -> None:
    """closes approval-api 11"""
    made = await place.database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, "deployer", scopes=["read"]))
    assert (await place.call("GET", f"{API}/whoami", secret=made[1]))[1]["scopes"] == []
    call = {"tool": "deploy.production", "arguments": {"service": "narrow"}}
    status, body = await place.call("POST", f"{API}/proposals", call, secret=made[1])
    assert (status, body["code"], body["details"]["missing_scopes"]) == (403, "SCOPE_INVALID", ["deploy"])
    assert body["error"] == "This key of agent deployer lacks the scope deploy."
    for way in (*ERAS, "stdio"):
        async with at(place, way, made[1]) as client:
            told = await use(client, "propose", **call)
            assert (told["state"], told["code"], told["missing_scopes"]) == ("denied", "SCOPE_INVALID", ["deploy"])
            assert (await use(client, "propose", tool="note.auto", arguments={"service": "x"}))["state"] == "allowed"
    entries = await rows(place.database, AuditEntry, kind="proposal.denied", proposal_id=told["proposal_id"])
    assert json.loads(entries[0].detail)["scopes_withheld_by_key"] == ["deploy"]


async def test_json_that_could_be_read_in_two_ways_is_refused(place: Stack) -> None:
    bearer = {"Authorization": f"Bearer {place.agent_secret}"}
    for arguments in (r'{"service": "\ud800"}', '{"service": NaN}', '{"service": 9007199254740993}'):
        params = f'{{"name": "propose", "arguments": {{"tool": "deploy.production", "arguments": {arguments}}}}}'
        data = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'
        async with place.session.post(f"{place.url}/mcp", data=data, headers=ACCEPT | bearer) as answer:
            assert answer.status < 500
            assert "prp_" not in await answer.text()
    async with place.session.post(f"{place.url}/mcp", data=io.BytesIO(b"{" * 2**21), headers=ACCEPT | bearer) as answer:
        assert answer.status == 413


async def test_a_server_that_stops_answers_who_waits(sqlite_url: str, tmp_path: Path) -> None:
    stack = await start_stack(sqlite_url, tmp_path)
    async with at(stack, ERAS[0]) as old, at(stack, ERAS[1]) as new:
        told = await asked(old, "stopped")
        for client in (old, new):  # they would ask for the schemas of what they are answered once it has stopped
            await client.list_tools()
        heard = [asyncio.Event(), asyncio.Event()]

        async def wait(client: Client, event: asyncio.Event) -> Any:
            async def note(*_: Any) -> None:
                event.set()

            arguments = {"proposal_id": told["proposal_id"]}
            return await client.call_tool("wait_for_decision", arguments, progress_callback=note)

        waits = [asyncio.create_task(wait(client, event)) for client, event in zip((old, new), heard, strict=True)]
        for event in heard:
            await event.wait()
        async with asyncio.timeout(30):
            await asyncio.gather(stack.server.stop(), *waits)
        assert [one.result().structured_content["state"] for one in waits] == ["pending", "pending"]
    await stop_stack(stack)


async def test_the_key_says_in_which_workspace(sqlite_url: str, tmp_path: Path) -> None:
    async with tenants(sqlite_url, tmp_path) as running:
        red, blue = await running.agent(RED), await running.agent(BLUE)
        async with (
            connected(running.url, ERAS[0], red.secret) as ours,
            connected(running.url, ERAS[1], blue.secret) as theirs,
        ):
            told = await asked(ours, "red-only")
            assert (await use(ours, "get_proposal", proposal_id=told["proposal_id"]))["state"] == "pending"
            assert (await use(theirs, "list_pending"))["items"] == []
            for tool in ("get_proposal", "wait_for_decision", "withdraw"):
                said = await refusal(theirs, tool, proposal_id=told["proposal_id"])
                assert said == "NOT_FOUND: There is no proposal of yours under this id."
