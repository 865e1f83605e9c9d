"""The stream: bytes cut anywhere become the same events, and a reader comes back where it left off."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from countersign_client import AsyncGate, Operator, Unauthorized
from countersign_client.sse import Frame, FrameTooLong, Parser

TEXT = (
    ": hello\n\n"
    "retry: 40\n\n"
    'id: 7\nevent: approval_requested\ndata: {"event":"approval_requested",\ndata: "id":7,"tool":"t","new":1}\n\n'
    ": still here\n\n"
    'event: lagged\ndata: {"hint":"list the requests anew"}\n\n'
    'id: 9\nevent: approval_decided\ndata:{"id":9,"status":"rejected","by":"U1","reason":"nö"}\n\n'
    "event: cut\ndata: never ended\n"
)
FRAMES = [
    Frame("approval_requested", '{"event":"approval_requested",\n"id":7,"tool":"t","new":1}', "7"),
    Frame("lagged", '{"hint":"list the requests anew"}', None),
    Frame("approval_decided", '{"id":9,"status":"rejected","by":"U1","reason":"nö"}', "9"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_frames_are_the_same_however_lines_end_and_bytes_are_cut(end: str, size: int) -> None:
    parser, raw = Parser(), TEXT.replace("\n", end).encode()
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert list(itertools.chain.from_iterable(map(parser.feed, chunks))) == FRAMES
    assert (parser.last_id, parser.retry) == ("9", 0.04)


def test_what_never_ends_is_given_up() -> None:
    with pytest.raises(FrameTooLong):
        Parser().feed(b"data: " + b"x" * 2_000_000)
    parser = Parser()
    with pytest.raises(FrameTooLong):
        list(map(parser.feed, [b"data: " + b"x" * 100_000 + b"\n"] * 20))


class Server:
    """A server that sends what it is told and then hangs up, and keeps what readers asked for."""

    def __init__(self) -> None:
        self.parts: list[bytes | int] = []
        self.asked: list[tuple[str, str | None]] = []
        self.url = ""

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path_qs, request.headers.get("Last-Event-ID")))
        part = self.parts.pop(0)
        if isinstance(part, int):
            body = {"code": "UNAUTHENTICATED", "error": "No.", "details": {}}
            return web.json_response(body, status=part)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(part)
        assert request.transport is not None
        request.transport.close()
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving, app = Server(), web.Application()
    app.router.add_get("/api/v1/approvals/stream", serving.stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield serving
    await runner.cleanup()


NEXT = b'id: 10\nevent: execution_finished\ndata: {"id":10,"status":"succeeded"}\n\n'


async def test_a_reader_whose_connection_ends_goes_on_after_its_last_event(server: Server) -> None:
    server.parts = [TEXT.encode(), 503, NEXT, 401]
    async with AsyncGate(server.url, "k") as gate:
        stream = gate.stream(last_event_id=5)
        events = [await anext(stream) for _ in range(4)]
        with pytest.raises(Unauthorized):
            await anext(stream)
    assert [(one.event, one.id, one.status) for one in events] == [
        ("approval_requested", 7, None), ("lagged", None, None), ("approval_decided", 9, "rejected"),
        ("execution_finished", 10, "succeeded"),
    ]  # fmt: skip
    assert (events[0].tool, events[0].data and events[0].data["new"], events[2].reason) == ("t", 1, "nö")
    assert [id for _, id in server.asked] == ["5", "9", "9", "10"]


async def test_the_same_in_threads_and_whoever_stops_hangs_up(server: Server) -> None:
    server.parts = [TEXT.encode(), NEXT]

    def read() -> list[int | None]:
        with Operator(server.url, "key_1", "secret") as bob, contextlib.closing(bob.stream()) as events:
            return [event.id for event in itertools.islice(events, 5)]

    assert await asyncio.to_thread(read) == [None, 7, None, 9, 10]
    assert [id for _, id in server.asked] == [None, "9"]
    assert threading.active_count() < 50
