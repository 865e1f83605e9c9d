"""Answers that no well-behaved service gives: cut, silent, endless, or in no known language."""

import json
import socket
from pathlib import Path

import pytest

from bot.connectors.http import HttpConnector
from governance.lifecycle import ExecutionStatus
from governance.policy import Policy
from storage.database import Database
from tests.conftest import Clock
from tests.integration.running import approved
from tests.integration.test_http_connector import run
from tests.integration.verbs import policy_from
from tests.integration.wire import CUT, SILENCE, Wire, http

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

Status = ExecutionStatus
IN_A_SECOND = {'timeout = "5s"': 'timeout = "1s"'}
LIMIT = 64 * 1024


@pytest.fixture
def wired(tmp_path: Path, wire: Wire) -> Policy:
    """The usual policy, with every tool at the other end of the wire."""
    return policy_from(tmp_path, wire.url, replace=IN_A_SECOND)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"b": 1.0, "a": [null]}', {"a": [None], "b": 1}),
        (b"OK", "OK"),
        (b"", ""),
        (b"<html>done</html>", "<html>done</html>"),
        (b'{"a":1,"a":2}', '{"a":1,"a":2}'),
        (b'{"n":NaN}', '{"n":NaN}'),
        (b'{"half', '{"half'),
        (b"\xff\xfeok", "\ufffd\ufffdok"),
        (b"a\x00b", "a\x00b"),
        (b'"\\u0000"', "\x00"),
        ("déjà fait".encode(), "déjà fait"),
        (b'"\\ud800"', '"\\ud800"'),
    ],
    ids=["JSON", "text", "nothing", "HTML", "key twice", "NaN", "half", "no UTF-8", "NUL", "JSON NUL", "é", "a half"],
)  # fmt: skip
async def test_an_answer_is_kept_as_json_where_it_is_json_and_as_text_otherwise(
    database: Database, wired: Policy, wire: Wire, http_connector: HttpConnector, body: bytes, result: object
) -> None:
    found = await approved(database, wired)
    wire.script = [http(200, body)]
    execution = await run(database, wired, http_connector, found)
    assert execution.status is Status.SUCCEEDED
    assert json.loads(str(execution.result)) == result


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"a" * LIMIT, "a" * LIMIT),
        (b"a" * (LIMIT + 1), "a" * (LIMIT - 1) + "…"),
        (b"a" * 3_000_000, "a" * (LIMIT - 1) + "…"),
        ("é".encode() * LIMIT, "é" * (LIMIT // 2) + "…"),
        (b'{"a":"' + b"b" * LIMIT + b'"}', '{"a":"' + "b" * (LIMIT - 7) + "…"),
    ],
    ids=["just fits", "one too many", "endless", "two bytes each", "JSON too long"],
)
async def test_an_answer_is_cut_visibly_at_sixty_four_kibibytes(
    database: Database, wired: Policy, wire: Wire, http_connector: HttpConnector, body: bytes, kept: str
) -> None:
    found = await approved(database, wired)
    wire.script = [http(200, body)]
    execution = await run(database, wired, http_connector, found)
    assert (execution.status, json.loads(str(execution.result))) == (Status.SUCCEEDED, kept)


@pytest.mark.parametrize(
    "answer",
    [
        CUT,
        SILENCE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nnogzp",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=[
        "cut",
        "silence",
        "half a body",
        "half a head",
        "bad chunk",
        "not HTTP",
        "bad status",
        "bad gzip",
        "huge head",
    ],
)
@pytest.mark.parametrize(("tool", "status"), [("deploy.production", Status.QUEUED), ("deploy.once", Status.UNKNOWN)])
async def test_an_answer_that_never_came_whole_is_no_answer(
    database: Database,
    wired: Policy,
    wire: Wire,
    http_connector: HttpConnector,
    answer: bytes,
    tool: str,
    status: Status,
) -> None:
    found = await approved(database, wired, tool)
    wire.script = [answer]
    execution = await run(database, wired, http_connector, found)
    assert (execution.status, execution.maybe_ran) == (status, True)
    assert str(execution.error).startswith("no answer: ")
    assert len(wire.requests) == 1


async def test_a_connection_that_is_never_accepted_has_sent_nothing(
    database: Database, tmp_path: Path, http_connector: HttpConnector
) -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for one in (first, second):  # they fill the queue; whoever comes next waits for ever
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        policy = policy_from(tmp_path, f"http://127.0.0.1:{deaf.getsockname()[1]}", replace=IN_A_SECOND)
        found = await approved(database, policy, "deploy.once")
        execution = await run(database, policy, http_connector, found)
    assert (execution.status, execution.maybe_ran) == (Status.QUEUED, False)


async def test_a_call_never_travels_on_a_connection_that_the_other_side_has_given_up(
    database: Database, wired: Policy, wire: Wire, http_connector: HttpConnector, clock: Clock
) -> None:
    wire.per_connection = 1
    for n in range(3):
        found = await approved(database, wired, "deploy.once", arguments={"service": f"s{n}"})
        assert (await run(database, wired, http_connector, found)).status is Status.SUCCEEDED
    assert len(wire.requests) == 3


@pytest.mark.parametrize("status", [400, 500])
async def test_the_words_of_a_refusal_are_kept_short_and_with_secrets_masked(
    database: Database, wired: Policy, wire: Wire, http_connector: HttpConnector, status: int
) -> None:
    found = await approved(database, wired, arguments={"service": "checkout", "token": "s3cret"})
    wire.script = [http(status, b"no: s3cret " + b"x" * 100_000)]
    error = str((await run(database, wired, http_connector, found)).error)
    assert error.startswith(f"HTTP {status} X: no: •")
    assert ("s3cret" in error, len(error) <= 1100) == (False, True)


@pytest.mark.parametrize(("status", "limit"), [(200, 64 * 1024), (400, 2000), (400, 1000 - len("HTTP 400 X: "))])
async def test_a_secret_that_an_answer_is_cut_in_does_not_show_by_half(
    database: Database, wired: Policy, wire: Wire, http_connector: HttpConnector, status: int, limit: int
) -> None:
    secret = "correct-horse-battery-staple"
    found = await approved(database, wired, arguments={"service": "checkout", "token": secret})
    wire.script = [http(status, b"x" * (limit - 14) + secret.encode() + b"y" * 200_000)]
    execution = await run(database, wired, http_connector, found)
    assert "correct" not in f"{execution.result} {execution.error}"
