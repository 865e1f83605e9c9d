"""`countersign mcp`: over standard streams operators decide, signed, exactly as over the API."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from mcp import StdioServerParameters
from mcp.client.client import Client

from bot.api.mcp.agent_tools import MAX_WAIT
from bot.api.mcp.remote import OperatorKey
from bot.api.mcp.standard import Keys, server_for
from bot.cli import cli
from bot.cli.mcp import keys_of
from storage.tables import AuditEntry, KeyKind, Review, Rule
from tests.integration.calls import API, Key
from tests.integration.verbs import count, rows
from tests.mcp_clients import ERAS, connected, refusal, use
from tests.process import ROOT, free_port
from tests.stack import Stack, start_stack, stop_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT_TOOLS = {"propose", "get_proposal", "wait_for_decision", "list_pending", "withdraw"}
OPERATOR_TOOLS = {"list_approvals", "get_approval", "approve", "reject"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One server for the whole file; every test asks about services of its own."""
    folder = tmp_path_factory.mktemp("mcp")
    shutil.copy(sqlite_template, folder / "countersign.db")
    running = await start_stack(f"sqlite:///{folder / 'countersign.db'}", folder)
    yield running
    await stop_stack(running)


@asynccontextmanager
async def operator(stack: Stack, key: Key, agent: str | None = None) -> AsyncIterator[Client]:
    keys = Keys(agent, OperatorKey(*key))
    async with Client(server_for(stack.session, stack.url, keys)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def bob(place: Stack) -> Key:
    return await place.key(KeyKind.OPERATOR, "U0BOB")


async def asked(stack: Stack, service: str, tool: str = "deploy.production", **more: Any) -> Any:
    _, told = await stack.propose(tool, arguments={"service": service}, **more)
    return told


async def test_tools_are_there_for_the_keys_that_are(place: Stack, bob: Key) -> None:
    for agent, expected in ((None, OPERATOR_TOOLS), (place.agent_secret, AGENT_TOOLS | OPERATOR_TOOLS)):
        async with operator(place, bob, agent) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == expected
            assert tools["approve"].input_schema["properties"]["remember"]["enum"] == ["once", "session", "forever"]
            assert tools["reject"].input_schema["required"] == ["approval_id", "reason"]


async def test_an_operator_looks_and_decides_in_that_persons_name(place: Stack, bob: Key) -> None:
    """closes approval-api 2"""
    first, second = await asked(place, "looked-at"), await asked(place, "turned-down")
    async with operator(place, bob) as client:
        seen = await use(client, "list_approvals", status="pending", limit=200)
        assert {first["approval"]["id"], second["approval"]["id"]} <= {one["id"] for one in seen["items"]}
        request = await use(client, "get_approval", approval_id=first["approval"]["id"])
        assert request == (await place.signed(bob, "GET", f"{API}/approvals/{request['id']}"))[1]
        said = {"approval_id": request["id"], "reason": "fine", "digest": request["digest"]}
        approved = await use(client, "approve", **said)
        assert (approved["status"], approved["decision"]["by"]) == ("approved", "U0BOB")
        assert (await use(client, "approve", **said))["status"] == "approved"  # the same again is fine
        rejected = await use(client, "reject", approval_id=second["approval"]["id"], reason="no")
        assert (rejected["status"], rejected["decision"]["reason"]) == ("rejected", "no")
        late = await refusal(client, "reject", approval_id=request["id"], reason="changed my mind")
        assert late.startswith("ALREADY_DECIDED: ")
    assert (await place.settled(second["proposal_id"]))["state"] == "rejected"
    votes = await rows(place.database, Review, request_id=request["id"])
    assert [(vote.reviewer, vote.via) for vote in votes] == [("U0BOB", "api")]


async def test_what_the_api_refuses_is_refused_here(place: Stack, bob: Key) -> None:
    told = await asked(place, "not-so-fast")
    id, stale = told["approval"]["id"], "sha256:" + "0" * 64
    mallory = await place.key(KeyKind.OPERATOR, "U0MALLORY")
    async with operator(place, bob) as client:
        assert (await refusal(client, "approve", approval_id=id, digest=stale)).startswith("ARGUMENTS_CHANGED: ")
        assert (await refusal(client, "approve", approval_id=id, remember="always")).startswith(
            "INVALID_BODY: /remember"
        )
        assert (await refusal(client, "reject", approval_id=id)).startswith("INVALID_BODY: /reason")
        assert (await refusal(client, "approve", approval_id=id, remember_until="2030-01-01T00:00:00Z")).startswith(
            "UNPROCESSABLE: remember: "
        )
        assert (await refusal(client, "get_approval", approval_id="../whoami")).startswith("NOT_FOUND: ")
    async with operator(place, mallory) as client:
        assert (await refusal(client, "approve", approval_id=id)).startswith("NOT_A_REVIEWER: ")
    own = await asked(place, "own-wish", "deploy.two", on_behalf_of="U0CAROL")
    carol = await place.key(KeyKind.OPERATOR, "U0CAROL")
    async with operator(place, carol, place.agent_secret) as client:
        assert (await refusal(client, "approve", approval_id=own["approval"]["id"])).startswith("SELF_REVIEW: ")
    async with operator(place, (bob[0], bob[1] + "x")) as client:
        assert (await refusal(client, "approve", approval_id=id)).startswith("UNAUTHENTICATED: ")
    assert await count(place.database, Review, request_id=id) == 0


async def test_remembering_makes_the_rule_that_the_api_makes(place: Stack, bob: Key) -> None:
    """closes approval-api 3"""
    made = []
    for service in ("remembered-here", "remembered-there"):
        before = await count(place.database, Rule)
        told = await asked(place, service, session_id="s1")
        decision = {"reason": "again", "remember": "session", "digest": told["digest"]}
        if service.endswith("here"):
            async with operator(place, bob) as client:
                await use(client, "approve", approval_id=told["approval"]["id"], **decision)
        else:
            path = f"{API}/approvals/{told['approval']['id']}"
            await place.signed(bob, "POST", path, {"decision": "approve", **decision})
        assert await count(place.database, Rule) == before + 1
        await place.settled(told["proposal_id"])
        again = await asked(place, service, session_id="s1")
        assert (again["approval"], again["rule_id"] is not None) == (None, True)
        rule = next(one for one in await rows(place.database, Rule) if one.id == again["rule_id"])
        made.append((rule.agent_id, rule.tool, rule.effect, rule.scope, rule.session_id, rule.authors, rule.reason))
    assert made[0] == made[1]
    told = await asked(place, "no-session")
    async with operator(place, bob) as client:
        said = await refusal(client, "approve", approval_id=told["approval"]["id"], remember="session")
    assert said == "UNPROCESSABLE: remember: this proposal names no session_id; send `once` or `forever`."


async def test_below_the_quorum_nothing_is_remembered_or_decided(place: Stack, bob: Key) -> None:
    """closes approval-api 4"""
    told, before = await asked(place, "two-keys", "deploy.two"), await count(place.database, Rule)
    async with operator(place, bob) as client:
        request = await use(client, "approve", approval_id=told["approval"]["id"], remember="forever")
    assert (request["status"], request["approvals"], request["decision"]) == ("pending", 1, None)
    assert await count(place.database, Rule) == before
    kinds = {entry.kind for entry in await rows(place.database, AuditEntry, proposal_id=told["proposal_id"])}
    assert "approval.approved" not in kinds


DOCS = (ROOT / "docs" / "mcp.md").read_text()
EXAMPLE = "https://approvals.example"


def configured(place: Stack, **environment: str) -> list[Any]:
    """The servers that docs/mcp.md configures, at the address of the test and with its keys."""
    found = []
    for snippet in re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL):
        text = re.sub(r"\$\{(\w+)\}", lambda name: environment[name[1]], snippet.replace(EXAMPLE, place.url))
        found += json.loads(text)["mcpServers"].values()
    return found


async def test_what_the_docs_configure_works_as_written(place: Stack, bob: Key) -> None:
    """The second is a process of its own: whatever it said besides the protocol would break the conversation."""
    web, started, review = configured(
        place, COUNTERSIGN_AGENT_KEY=place.agent_secret, COUNTERSIGN_OPERATOR_KEY_ID=bob[0],
        COUNTERSIGN_OPERATOR_SECRET=bob[1],
    )  # fmt: skip
    assert web["url"] == f"{place.url}/mcp"
    async with connected(place.url, ERAS[1], web["headers"]["Authorization"].removeprefix("Bearer ")) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == AGENT_TOOLS
    assert (started["command"], review["command"], review["args"]) == ("countersign", "countersign", started["args"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **started["env"]}
    async with Client(
        StdioServerParameters(command=sys.executable, args=["-m", "bot", *started["args"]], env=environment)
    ) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == AGENT_TOOLS
        told = await use(client, "propose", tool="note.auto", arguments={"service": "by-process"})
        found = await use(client, "wait_for_decision", proposal_id=told["proposal_id"], timeout_seconds=30)
        assert found["state"] == "succeeded"
    async with Client(server_for(place.session, place.url, keys_of(review["env"]))) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == OPERATOR_TOOLS


async def test_the_docs_tell_of_every_tool() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", DOCS, re.MULTILINE)) == AGENT_TOOLS
    assert {name for name in OPERATOR_TOOLS if f"`{name}`" not in DOCS} == set()
    assert f"up to {MAX_WAIT:.0f} s" in DOCS


async def test_what_keeps_it_from_starting_is_said_in_one_sentence(place: Stack) -> None:
    nowhere, agent = f"http://127.0.0.1:{free_port()}", {"COUNTERSIGN_AGENT_KEY": place.agent_secret}
    assert f"does not answer at {nowhere}" in await said(nowhere, **agent)
    assert "unknown, expired or revoked" in await said(place.url, COUNTERSIGN_AGENT_KEY="csa_unknown")
    assert "is not Countersign" in await said(place.slack.url, **agent)
    assert "Set COUNTERSIGN_AGENT_KEY" in await said(place.url)
    assert "set COUNTERSIGN_OPERATOR_SECRET too" in await said(place.url, COUNTERSIGN_OPERATOR_KEY_ID="key_1", **agent)


async def said(url: str, **keys: str) -> str:
    """Run the command where it does not get as far as the protocol; returns its one sentence."""
    none = {"COUNTERSIGN_AGENT_KEY": "", "COUNTERSIGN_OPERATOR_KEY_ID": "", "COUNTERSIGN_OPERATOR_SECRET": ""}
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["mcp", "--url", url], env=none | keys)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    sentence: str = done.stderr
    return sentence
