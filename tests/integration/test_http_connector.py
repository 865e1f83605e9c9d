"""Real calls over real sockets: what is sent at every attempt, and what becomes of every kind of answer."""

import base64
import hashlib
import hmac
import json
import socket
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.connectors.http import HttpConnector
from governance.lifecycle import ExecutionStatus
from governance.policy import Policy
from scheduler.execution import Executor
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import Execution
from tests.conftest import NOON, Clock
from tests.integration.running import approved, execution_of
from tests.integration.verbs import Held, policy_from
from tests.integration.wire import Wire, http
from tests.service import Call, Service

Status = ExecutionStatus


async def run(database: Database, policy: Policy, connector: HttpConnector, found: Dossier) -> Execution:
    """Make one attempt; returns the execution as it then stands."""
    executor = Executor(database, Held(policy), {"http": connector})
    await executor.drain()
    await executor.stop()
    return await execution_of(database, found)


def is_signed(call: Call) -> bool:
    """Verify a Standard Webhooks signature from the published rules alone."""
    content = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.raw
    expected = hmac.new(base64.b64decode("QUJD"), content, hashlib.sha256).digest()
    return call.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


async def test_the_call_arrives_as_it_was_approved_under_its_own_id_and_signed(
    database: Database, tmp_path: Path, service: Service, http_connector: HttpConnector
) -> None:
    policy = policy_from(tmp_path, service.url)
    arguments = {"service": "chéckout", "token": "s3cret", "note": "\u0000 \u2028"}
    found = await approved(database, policy, arguments=arguments)
    execution = await run(database, policy, http_connector, found)
    (call,) = service.calls
    assert (execution.status, call.path) == (Status.SUCCEEDED, "/deploy.production")
    assert call.body == {
        "execution_id": execution.id,
        "proposal_id": found.proposal.id,
        "tool": "deploy.production",
        "arguments": arguments,
        "digest": found.proposal.digest,
    }
    assert call.headers["Idempotency-Key"] == call.headers["webhook-id"] == execution.id
    assert call.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert call.headers["X-Countersign-Attempt"] == "1"
    assert is_signed(call)


async def test_every_attempt_sends_the_same_bytes_under_the_same_key_freshly_signed(
    database: Database, tmp_path: Path, service: Service, http_connector: HttpConnector, clock: Clock
) -> None:
    """closes governed-proposals 7"""
    policy = policy_from(tmp_path, service.url)
    found = await approved(database, policy, arguments={"service": "checkout", "token": "s3cret"})
    service.script = [500, "drop"]
    for _ in range(3):
        await run(database, policy, http_connector, found)
        clock.forward(minutes=1)
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (Status.SUCCEEDED, 3)
    assert len({call.raw for call in service.calls}) == 1
    assert {call.key for call in service.calls} == {execution.id}
    assert [call.headers["X-Countersign-Attempt"] for call in service.calls] == ["1", "2", "3"]
    assert all(map(is_signed, service.calls))
    assert len({call.headers["webhook-signature"] for call in service.calls}) == 3
    assert service.effects == 1


@pytest.mark.parametrize(
    ("tool", "step", "status"),
    [
        *[("deploy.production", code, Status.SUCCEEDED) for code in (200, 201, 202, 204)],
        *[("deploy.production", code, Status.FAILED) for code in (301, 302, 304, 307, 400, 401, 404, 409, 422)],
        *[("deploy.production", code, Status.QUEUED) for code in (408, 425, 429, 500, 502, 503, 504)],
        *[("deploy.once", code, Status.UNKNOWN) for code in (408, 425, 429, 500, 502, 503, 504)],
        ("deploy.production", "drop", Status.QUEUED),
        ("deploy.once", "drop", Status.UNKNOWN),
    ],
)
async def test_each_kind_of_answer_leads_where_the_contract_says(
    database: Database,
    tmp_path: Path,
    service: Service,
    http_connector: HttpConnector,
    tool: str,
    step: object,
    status: Status,
) -> None:
    policy = policy_from(tmp_path, service.url)
    found = await approved(database, policy, tool)
    service.script = [step]
    assert (await run(database, policy, http_connector, found)).status is status
    assert len(service.calls) == 1


@pytest.mark.parametrize("code", [408, 425, 429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (format_datetime(NOON + timedelta(seconds=300), usegmt=True), 300),
        (format_datetime(NOON - timedelta(hours=1), usegmt=True), 0),
        ("9" * 5000, 3600),
        ("soon", 1),
        ("", 1),
        ("-5", 1),
        ("1.5", 1),
    ],
    ids=["seconds", "a date", "a date gone by", "for ever", "no number", "empty", "negative", "a fraction"],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_next_attempt_waits_as_retry_after_says(
    database: Database, tmp_path: Path, wire: Wire, http_connector: HttpConnector, code: int, header: str, seconds: int
) -> None:
    policy = policy_from(tmp_path, wire.url)
    found = await approved(database, policy)
    wire.script = [http(code, b"busy", Retry_After=header)]
    execution = await run(database, policy, http_connector, found)
    assert (execution.status, execution.next_attempt_at) == (Status.QUEUED, NOON + timedelta(seconds=seconds))
    assert str(execution.error).startswith(f"HTTP {code}")


@pytest.mark.parametrize("tool", ["deploy.production", "deploy.once"])
async def test_a_refused_connection_is_tried_again_whatever_the_tool(
    database: Database, tmp_path: Path, http_connector: HttpConnector, clock: Clock, tool: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    policy = policy_from(tmp_path, f"http://127.0.0.1:{port}")
    found = await approved(database, policy, tool)
    execution = await run(database, policy, http_connector, found)
    assert (execution.status, execution.maybe_ran) == (Status.QUEUED, False)
    async with Wire(port=port) as now_there:
        clock.forward(minutes=1)
        assert (await run(database, policy, http_connector, found)).status is Status.SUCCEEDED
        assert [one.headers["X-Countersign-Attempt"] for one in now_there.requests] == ["2"]


async def test_a_redirect_is_not_followed(
    database: Database, tmp_path: Path, service: Service, wire: Wire, http_connector: HttpConnector
) -> None:
    policy = policy_from(tmp_path, wire.url)
    found = await approved(database, policy)
    wire.script = [http(307, Location=f"{service.url}/elsewhere")]
    execution = await run(database, policy, http_connector, found)
    assert (execution.status, service.calls) == (Status.FAILED, [])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "0x7f000001", "127.1", "2130706433"])
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_host_name_that_leads_inside_is_refused_and_nothing_is_sent(
    database: Database, tmp_path: Path, wire: Wire, http_connector: HttpConnector, host: str
) -> None:
    policy = policy_from(tmp_path, f"http://{host}:{wire.port}")
    found = await approved(database, policy)
    execution = await run(database, policy, http_connector, found)
    assert execution.status is Status.FAILED
    assert ("allow_private" in str(execution.error)) or ("not a canonical" in str(execution.error))
    assert wire.requests == []


async def test_a_host_name_that_leads_inside_is_called_where_the_policy_means_it(
    database: Database, tmp_path: Path, wire: Wire, http_connector: HttpConnector
) -> None:
    meant = {"attempts = 3 }": "attempts = 3, allow_private = true }"}
    policy = policy_from(tmp_path, f"http://localhost:{wire.port}", replace=meant)
    found = await approved(database, policy)
    assert (await run(database, policy, http_connector, found)).status is Status.SUCCEEDED
    assert len(wire.requests) == 1


async def test_without_a_secret_in_the_policy_a_call_carries_no_signature(
    database: Database, tmp_path: Path, service: Service, http_connector: HttpConnector
) -> None:
    policy = policy_from(tmp_path, service.url, replace={'secret_env = "DEPLOY_SECRET", ': ""})
    found = await approved(database, policy)
    await run(database, policy, http_connector, found)
    (call,) = service.calls
    assert "webhook-signature" not in call.headers
    assert json.loads(call.raw) == call.body
