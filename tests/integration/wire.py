"""A server that answers exactly the bytes it is told, for answers that no well-behaved server gives."""

import asyncio
from dataclasses import dataclass, field

SILENCE = b"\0silence"  #: hold the connection open and say nothing
CUT = b""  #: close the connection without a word


def http(status: int, body: bytes = b"", reason: str = "X", **headers: str) -> bytes:
    """The bytes of one complete answer; the connection may be used again."""
    named = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + body


@dataclass
class Request:
    """One request as it came in, and the number of the connection it came on."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Wire:
    """Answers with the next bytes of its script, else with an empty 200."""

    script: list[bytes] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    #: After so many requests on one connection the next one is cut, as an idle connection is when it is given up.
    per_connection: int = 1000
    _server: asyncio.Server | None = None
    _connections: int = 0
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number, served = self._connections, 0
        try:
            while served < self.per_connection and await self._one(number, reader, writer):
                served += 1
            if served == self.per_connection:
                await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in rest)
        body = await reader.readexactly(int(headers.get("Content-Length", 0)))
        self.requests.append(Request(number, line, headers, body))
        answer = self.script.pop(0) if self.script else http(200, b"{}")
        if answer == SILENCE:
            await self._closing.wait()
            return False
        writer.write(answer)
        await writer.drain()
        return answer.startswith(b"HTTP/1.1 ") and b"Content-Length: 999999" not in answer
