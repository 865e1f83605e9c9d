"""One call of another server's MCP tool. What fails before the call is sent, was not sent; afterwards nobody knows."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolResult,
    TextContent,
)
from pydantic import ValidationError

from bot.connectors.bridge import Bridge
from bot.connectors.http import answer_to_status
from bot.connectors.process import environment_of, log_what_it_said, secrets_among
from bot.connectors.results import as_result, without
from bot.connectors.streams import McpChild, streams_of
from governance.attempts import Answer, Result
from governance.canonical import Json, canonical
from governance.errors import Refusal
from governance.secret_fields import mask_echoes
from governance.text import cut, one_line
from operations.execute import Started
from storage.database import Clock

_MAX_PAGES = 100
#: Errors that say nothing about whether the tool has run; the client makes some of them up itself.
_UNCERTAIN = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INTERNAL_ERROR, INVALID_REQUEST})


@dataclass
class _Attempt:
    """One attempt on its way: whether the call has been sent, and what came back."""

    started: Started
    secrets: tuple[Json, ...] = ()  #: of the call and of the connection
    bridge: Bridge | None = None
    sent: bool = False
    result: Result | None = None
    child: McpChild | None = None


async def call(
    started: Started, environment: Mapping[str, str], session: aiohttp.ClientSession, clock: Clock
) -> Result:
    """Make one attempt within the connector's timeout."""
    connector = started.tool.connector
    ours = secrets_among((*connector.env, connector.secret_env or ""), environment)
    attempt = _Attempt(started, (*started.secrets, *ours), Bridge(session) if connector.url else None)
    try:
        result = await _in_time(attempt, environment, clock)
    finally:
        if attempt.child is not None:
            who = f"{started.tool.name} ({started.execution.id})"
            log_what_it_said(who, attempt.child, attempt.secrets)
    return without(result, attempt.secrets)


async def _in_time(attempt: _Attempt, environment: Mapping[str, str], clock: Clock) -> Result:
    """Return the result, whatever happens to the conversation after it came."""
    try:
        async with asyncio.timeout(attempt.started.tool.connector.timeout.total_seconds()):
            await _converse(attempt, environment, clock)
    except TimeoutError:
        return attempt.result or _broken(attempt, "no answer in time", clock)
    except Exception as error:  # noqa: BLE001 - the client raises groups of whatever broke; what counts is what was sent
        return attempt.result or _broken(attempt, _said(error), clock)
    return attempt.result or _broken(attempt, "the conversation ended without an answer", clock)


async def _converse(attempt: _Attempt, environment: Mapping[str, str], clock: Clock) -> None:
    connector = attempt.started.tool.connector
    async with AsyncExitStack() as stack:
        if attempt.bridge is not None:
            http = await stack.enter_async_context(_http_client(attempt, environment))
            transport: Any = streamable_http_client(connector.url, http_client=http)
        else:
            given = environment_of(connector.env, environment)
            attempt.child = McpChild()
            transport = streams_of(connector.command, given, attempt.child)
        async with Client(transport) as peer:
            attempt.result = await _call(attempt, peer, clock)


@asynccontextmanager
async def _http_client(attempt: _Attempt, environment: Mapping[str, str]) -> Any:
    token = environment.get(attempt.started.tool.connector.secret_env or "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert attempt.bridge is not None
    # Nothing of our own surroundings: no proxies, and no passwords that somebody keeps for other hosts.
    async with httpx2.AsyncClient(transport=attempt.bridge, headers=headers, timeout=None, trust_env=False) as client:
        yield client


async def _call(attempt: _Attempt, peer: Client, clock: Clock) -> Result:
    name = attempt.started.tool.connector.tool
    if not await _has(peer, name):
        return Result(Answer.FAILED, error=f"the MCP server has no tool named {name!r}")
    attempt.sent = True
    try:
        answer = await peer.session.call_tool(
            name, attempt.started.arguments, meta=_meta(attempt.started), allow_input_required=True
        )
    except MCPError as error:
        return _refused(attempt, error, clock)
    except (RuntimeError, ValidationError) as error:
        return Result(Answer.NO_ANSWER, error=f"the MCP server's answer breaks its own rules: {_said(error)}")
    if not isinstance(answer, CallToolResult):
        return Result(Answer.FAILED, error="the MCP server asks for more input, and nobody is there to give it")
    text = _text(answer)
    if answer.is_error:
        return Result(
            Answer.FAILED, error=cut(mask_echoes(text, attempt.secrets), 1000) or "the MCP server says that it failed"
        )
    return Result(Answer.SUCCEEDED, result=as_result(_structured(answer) or text.encode(), attempt.secrets))


async def _has(peer: Client, name: str) -> bool:
    """Look the tool up; the client then knows its schemas, and need not ask once the call has been made."""
    cursor = None
    for _ in range(_MAX_PAGES):
        page = await peer.list_tools(cursor=cursor)
        if any(tool.name == name for tool in page.tools):
            return True
        cursor = page.next_cursor
        if cursor is None:
            break
    return False


def _structured(answer: CallToolResult) -> bytes | None:
    if answer.structured_content is None:
        return None
    try:
        return canonical(answer.structured_content)
    except (Refusal, ValueError):
        return None


def _text(answer: CallToolResult) -> str:
    """Return what was said in text; of pictures and the like only that they were there."""
    return "\n".join(part.text if isinstance(part, TextContent) else f"[{part.type}]" for part in answer.content)


def _meta(started: Started) -> Any:
    """Return what is said beside the arguments; the key is the same at every attempt."""
    return {
        "countersign/idempotency-key": started.execution.id, "countersign/attempt": started.execution.attempt,
        "countersign/proposal-id": started.proposal.id, "countersign/digest": started.proposal.digest,
    }  # fmt: skip


def _refused(attempt: _Attempt, error: MCPError, clock: Clock) -> Result:
    """Say what an error of the protocol means: the other side said no, or nobody knows."""
    if attempt.bridge is not None and attempt.bridge.refusal is not None:
        return _broken(attempt, _said(error), clock)
    return Result(Answer.NO_ANSWER if error.code in _UNCERTAIN else Answer.FAILED, error=_said(error))


def _broken(attempt: _Attempt, why: str, clock: Clock) -> Result:
    """Say what an attempt means that ended without a result."""
    bridge = attempt.bridge
    if bridge is not None and bridge.forbidden is not None:
        return Result(Answer.FAILED, error=bridge.forbidden)
    if bridge is not None and bridge.refusal is not None:
        refused, after = bridge.refusal, bridge.refusal.headers.get("Retry-After")
        result = answer_to_status(refused.status, refused.reason, why, after, clock())
        is_certain = attempt.sent or result.answer is Answer.FAILED
        return result if is_certain else replace(result, answer=Answer.NOT_SENT)
    was_sent = attempt.sent and not (bridge is not None and bridge.out_of_reach)
    return Result(Answer.NO_ANSWER if was_sent else Answer.NOT_SENT, error=why)


def _said(error: BaseException) -> str:
    """Return what broke first, out of however many groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return cut(one_line(str(error)), 500) or type(error).__name__
