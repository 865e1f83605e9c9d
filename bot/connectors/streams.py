"""MCP over the standard streams of a process of our own: its group, its environment and its end are ours to say."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from bot.connectors.process import Child, running

_MAX_LINE = 4 * 1024 * 1024
_MAX_WAITING = 1000

Incoming = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]


class McpChild(Child):
    """A server that speaks lines of JSON-RPC; one that floods us is heard no further."""

    def __init__(self) -> None:
        super().__init__()
        self._line = bytearray()
        self._send, self.received = anyio.create_memory_object_stream[Incoming](_MAX_WAITING)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hand on whole lines from standard output, and keep the beginning of standard error."""
        if fd != 1:
            super().pipe_data_received(fd, data)
            return
        *lines, rest = bytes(self._line + data).split(b"\n")
        self._line = bytearray(rest)
        try:
            for line in lines:
                self._hand_on(line)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.hear_no_more()
        if len(self._line) > _MAX_LINE:
            self.hear_no_more()

    def hear_no_more(self) -> None:
        """End the stream: the session has what it will ever have."""
        self._send.close()
        self._line.clear()

    def _hand_on(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self._send.send_nowait(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
        except ValueError as error:
            self._send.send_nowait(error)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Tell the session that nothing more will come."""
        super().pipe_connection_lost(fd, exc)
        if fd == 1:
            self.hear_no_more()


@asynccontextmanager
async def streams_of(command: Sequence[str], environment: Mapping[str, str], child: McpChild) -> AsyncIterator[Streams]:
    """Run a server and yield its streams, as the MCP client wants a transport."""
    outgoing, to_send = anyio.create_memory_object_stream[SessionMessage](0)
    with child.received, outgoing, to_send:
        try:
            async with running(command, environment, child) as transport:
                writing = asyncio.create_task(_write(to_send, transport.get_pipe_transport(0)))
                try:
                    yield child.received, outgoing
                finally:
                    writing.cancel()
                    await asyncio.gather(writing, return_exceptions=True)
        finally:
            child.hear_no_more()


async def _write(messages: MemoryObjectReceiveStream[SessionMessage], stdin: Any) -> None:
    async for message in messages:
        stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
