"""The Agent Approval Protocol's own client, unmodified, against the running server: its gates and what they read.

One server for the whole file; every test asks for calls of its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from agentapprovalprotocol import Allow, Call, ConflictError, Deny, NotFound, Pending

from storage import aap
from storage.tables import KeyKind
from tests.acceptance.aap_desk import OWN_TOOLS, Bench, call
from tests.stack import start_stack, stop_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("aap")
    (folder / "countersign.db").write_bytes(sqlite_template.read_bytes())
    stack = await start_stack(f"sqlite:///{folder / 'countersign.db'}", folder, extra=OWN_TOOLS)
    keys = [await stack.key(KeyKind.OPERATOR, person) for person in ("U0BOB", "U0CAROL")]
    running = Bench(stack, *keys)
    yield running
    await running.close()
    await stop_stack(stack)


# what the gates read


async def test_an_approved_call_is_allowed_once_and_its_outcome_is_kept(bench: Bench) -> None:
    asked, gate = call("approve-1", reasoning="charged twice"), bench.gate()
    verdict = await bench.decided_in_time(asked, gate.check(asked), bench.decide)
    assert isinstance(verdict, Allow)
    assert (await bench.proposal(verdict.request_id))["execution"]["status"] == "running"
    assert await verdict.report("succeeded", "refund r_17") is True
    told = await bench.client().get(verdict.request_id)
    assert told.consumption is not None
    assert told.consumption.outcome is not None
    assert (told.consumption.outcome.status, told.consumption.outcome.note) == ("succeeded", "refund r_17")
    ours = await bench.proposal(verdict.request_id)
    assert (ours["state"], ours["execution"]["result"]) == ("succeeded", "refund r_17")


async def test_the_synchronous_gate_waits_for_people_too(bench: Bench) -> None:
    asked = call("approve-sync")
    checking = bench.in_thread(lambda gate: gate.check(asked))
    verdict = await bench.decided_in_time(asked, checking, bench.decide)
    assert isinstance(verdict, Allow)


async def test_a_denial_carries_the_reason_that_the_person_gave(bench: Bench) -> None:
    asked = call("deny-1")
    verdict = await bench.decided_in_time(
        asked, bench.gate().check(asked), lambda id: bench.decide(id, "reject", reason="Not on a Friday")
    )
    assert isinstance(verdict, Deny)
    assert (verdict.status, "Not on a Friday" in verdict.reason) == ("denied", True)


async def test_a_short_timeout_really_ends_the_request(bench: Bench) -> None:
    verdict = await bench.gate(timeout="1s").check(call("expire-1"))
    assert isinstance(verdict, Deny)
    assert verdict.status == "expired"
    assert verdict.request_id is not None
    ours = await bench.proposal(verdict.request_id)
    assert (ours["state"], ours["approval"]["status"]) == ("expired", "expired")
    told = await bench.client().get(verdict.request_id)
    assert str(told.deadline_at.isoformat().replace("+00:00", "Z")) == ours["approval"]["expires_at"]


async def test_a_long_timeout_lengthens_nothing(bench: Bench) -> None:
    told = await bench.asked(call("long-1"), timeout="9000h")
    assert (told.deadline_at - told.created_at).total_seconds() == 48 * 3600


async def test_what_is_cancelled_is_over_and_cancelling_it_again_is_fine(bench: Bench) -> None:
    client, asked = bench.client(), call("cancel-1")
    request = await bench.asked(asked)
    polling = asyncio.ensure_future(client.get(request.id, wait=25))
    assert [(await client.cancel(request.id)).status for _ in range(2)] == ["cancelled", "cancelled"]
    assert (await polling).status == "cancelled"
    verdict = await bench.gate(mode="async").check(asked)
    assert isinstance(verdict, Deny)
    assert verdict.status == "cancelled"
    assert (await bench.proposal(request.id))["state"] == "withdrawn"


async def test_what_has_ended_cannot_be_cancelled(bench: Bench) -> None:
    request = await bench.asked(call("cancel-2"))
    await bench.decide(request.id)
    with pytest.raises(ConflictError) as refused:
        await bench.client().cancel(request.id)
    assert refused.value.code == "already_terminal"


async def test_a_run_that_is_resumed_asks_the_same_and_runs_once(bench: Bench) -> None:
    asked, gate = call("resume-1", resume={"framework": "here", "run": 7}), bench.gate(mode="async")
    first = await gate.check(asked)
    again = await gate.check(asked)
    assert isinstance(first, Pending)
    assert first == again
    await bench.decide(first.request_id)
    assert isinstance(await gate.check(asked), Allow)
    last = await gate.check(asked)
    assert isinstance(last, Deny)
    assert last.status == "consumed"


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("no.such", "there is no tool named"),
        ("other.own", "lacks the scope admin"),
        ("drop.own", "always blocked"),
        ("dry.own", "Only noted"),
    ],
)
async def test_what_the_policy_refuses_is_denied_with_the_reason(bench: Bench, tool: str, says: str) -> None:
    verdict = await bench.gate().check(call(f"policy-{tool}", tool))
    assert isinstance(verdict, Deny)
    assert verdict.status == "denied"
    assert says in verdict.reason


async def test_a_call_that_nobody_is_asked_about_is_approved_at_once(bench: Bench) -> None:
    verdict = await bench.gate().check(call("auto-1", "note.own"))
    assert isinstance(verdict, Allow)
    assert (await bench.proposal(verdict.request_id))["tier"] == "act_auto"


async def test_what_is_only_suggested_waits_like_the_rest(bench: Bench) -> None:
    asked = call("hint-1", "hint.own")
    verdict = await bench.decided_in_time(asked, bench.gate().check(asked), bench.decide)
    assert isinstance(verdict, Allow)


async def test_two_keys_are_needed_where_the_policy_says_so(bench: Bench) -> None:
    request = await bench.asked(call("two-1", "refund.two"))
    await bench.decide(request.id)
    assert (await bench.client().get(request.id)).status == "pending"
    await bench.decide(request.id, by=bench.carol)
    assert (await bench.client().get(request.id)).status == "approved"


async def test_a_tool_of_a_server_is_another_tool_than_one_of_the_same_name(bench: Bench) -> None:
    known = await bench.asked(call("server-1", "delete_branch", server="github"))
    unknown = await bench.asked(call("server-2", "refund", server="github"))
    assert (known.status, known.server, unknown.status) == ("pending", "github", "denied")
    assert (await bench.proposal(known.id))["tool"] == "github.delete_branch"


async def test_what_people_edited_is_denied_with_what_they_would_allow(bench: Bench) -> None:
    request = await bench.asked(call("edit-1", arguments={"service": "checkout", "token": "s3cret"}))
    approval = (await bench.proposal(request.id))["approval"]
    body = {"arguments": {"service": "billing", "token": "••••"}, "reason": "that one"}
    _, shown = await bench.stack.signed(bench.bob, "GET", f"/api/v1/approvals/{approval['id']}")
    body |= {"digest": shown["digest"], "arguments": {**shown["arguments"], "service": "billing"}}
    status, told = await bench.stack.signed(bench.bob, "POST", f"/api/v1/approvals/{approval['id']}/edit", body)
    assert status == 200, told
    assert (await bench.client().get(request.id)).status == "pending"
    await bench.decide(request.id, by=bench.carol)
    read = await bench.client().get(request.id)
    assert read.status == "denied"
    assert read.decision is not None
    assert "billing" in (read.decision.note or "")
    assert "s3cret" not in (read.decision.note or "")
    with pytest.raises(ConflictError) as refused:
        await bench.client().consume(request.id, "k")
    assert refused.value.code == "not_approved"
    ours = await bench.until(lambda: ended(bench, request.id))
    assert (ours["state"], "takes no edits" in ours["execution"]["error"]) == ("invalidated", True)


async def ended(bench: Bench, request_id: str) -> Any:
    told = await bench.proposal(request_id)
    return told if told["state"] not in ("pending", "allowed") else None


async def test_the_example_of_the_documents_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "aap.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    monkeypatch.setenv("COUNTERSIGN_URL", bench.stack.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", bench.stack.agent_secret)
    running = asyncio.to_thread(exec, compile(code, "docs/aap.md", "exec"), {})
    await bench.decided_in_time(call("run-7/step-3"), running, bench.decide)
    assert capsys.readouterr().out == "refunding pay_123\n"
    request_id = await bench.newest(call("run-7/step-3"))
    assert request_id is not None
    assert (await bench.proposal(request_id))["state"] == "succeeded"


# what is stored and said again


NUMBERS = {
    "one": 1, "float": 1.0, "small": 0.1, "sum": 0.1 + 0.2, "tiny": 1e-300, "huge": 1e300, "zero": -0.0,
    "most": 2**53 - 1, "true": True, "false": False, "none": None, "text": "1",
    "word": "Größe – 𝄞 \u202e \u0000 \\u0041 \"quoted\"", "nested": {"b": [1, 2.5, {"a": []}], "": {}},
}  # fmt: skip


async def test_everything_is_said_again_exactly(bench: Bench) -> None:
    """The gate compares what it reads with what it sent, numbers and booleans included, and denies otherwise."""
    asked = call(
        "echo-1", arguments={"service": "x", **NUMBERS}, context={"any": [None, {"thing": 1.0}]}, reasoning="so"
    )
    verdict = await bench.decided_in_time(asked, bench.gate().check(asked), bench.decide)
    assert isinstance(verdict, Allow), verdict


@pytest.mark.parametrize(
    "number", ["12345.678901234567890123", "0.10000000000000000001", "9007199254740993", "1e400", f"1e-{'9' * 21}"]
)
async def test_a_number_that_could_not_be_said_again_exactly_is_refused(bench: Bench, number: str) -> None:
    body = f'{{"tool":"refund","timeout":"1h","arguments":{{"service":"x","amount":{number}}}}}'.encode()
    answer = await bench.raw("POST", "/v1/requests", body, Idempotency_Key="numbers")
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request"


async def test_a_decimal_of_another_spelling_is_the_same_submission(bench: Bench) -> None:
    bodies = [
        b'{"tool":"refund","timeout":"1h","arguments":{"service":"x","amount":1.50}}',
        b' {"arguments": {"amount": 1.5, "service": "x"}, "tool": "refund", "timeout": "1h"}',
    ]
    answers = [await bench.raw("POST", "/v1/requests", one, Idempotency_Key="spelling") for one in bodies]
    assert [one.status_code for one in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


async def test_a_key_means_one_submission(bench: Bench) -> None:
    client, body = bench.client(), {"tool": "refund", "arguments": {"service": "a"}, "timeout": "1h"}
    first = await client.create(body, "same-key")
    assert (await client.create(body, "same-key")).id == first.id
    with pytest.raises(ConflictError) as refused:
        await client.create({**body, "timeout": "2h"}, "same-key")
    assert refused.value.code == "idempotency_conflict"


async def test_the_same_call_under_two_keys_is_two_requests(bench: Bench) -> None:
    """One approval must not let two attempts run."""
    client, body = bench.client(), {"tool": "refund", "arguments": {"service": "twice"}, "timeout": "1h"}
    first, second = [await client.create(body, key) for key in ("twice-1", "twice-2")]
    await bench.decide(first.id)
    assert [(await client.get(one.id)).status for one in (first, second)] == ["approved", "pending"]


async def test_a_call_over_our_own_api_does_not_run_on_an_approval_that_is_consumed_here(bench: Bench) -> None:
    asked = await bench.asked(call("alone", "refund"))
    own = {"tool": "refund", "arguments": dict(asked.arguments)}
    status, told = await bench.stack.call("POST", "/api/v1/proposals", own)
    assert (status, told["duplicate"], told["state"]) == (202, False, "pending")
    await bench.decide(asked.id)
    consumed = await bench.raw("POST", f"/v1/requests/{asked.id}/consume", Idempotency_Key="alone")
    assert consumed.status_code == 200
    _, told = await bench.stack.call("GET", f"/api/v1/proposals/{told['proposal_id']}")
    assert (told["state"], told["yours_to_run"]) == ("pending", False)


async def test_a_lost_answer_is_found_again_under_the_same_key(bench: Bench) -> None:
    body = json.dumps({"tool": "refund", "arguments": {"service": "lost"}, "timeout": "1h"}).encode()
    head = (
        f"POST /aap/v1/requests HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bench.stack.agent_secret}\r\n"
        f"Idempotency-Key: lost-1\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", bench.stack.server.port)
    writer.write(head.encode() + body)
    await writer.drain()
    found = await bench.until(lambda: kept_under(bench, "lost-1"))
    writer.transport.abort()
    replayed = await bench.raw("POST", "/v1/requests", body, Idempotency_Key="lost-1")
    assert (replayed.status_code, replayed.json()["id"]) == (200, found)


async def kept_under(bench: Bench, key: str) -> str | None:
    async with bench.stack.database.read("default") as tx:
        found = await aap.by_key(tx, "deployer", "", key)
        return found.id if found is not None else None


async def test_an_approval_is_consumed_once_and_a_repetition_is_no_second_time(bench: Bench) -> None:
    client, request = bench.client(), await bench.asked(call("consume-1"))
    with pytest.raises(ConflictError) as early:
        await client.consume(request.id, "one")
    await bench.decide(request.id)
    with pytest.raises(ConflictError) as unconsumed:
        await client.report_outcome(request.id, "succeeded")
    first = await client.consume(request.id, "one")
    assert await client.consume(request.id, "one") == first
    with pytest.raises(ConflictError) as taken:
        await client.consume(request.id, "two")
    codes = [one.value.code for one in (early, unconsumed, taken)]
    assert codes == ["not_approved", "not_consumed", "already_consumed"]
    assert (await bench.proposal(request.id))["execution"]["attempt"] == 1


async def test_of_many_that_consume_at_once_one_may_run(bench: Bench) -> None:
    request = await bench.asked(call("consume-2"))
    await bench.decide(request.id)
    client = bench.client()
    done = await asyncio.gather(*(client.consume(request.id, f"k{n}") for n in range(8)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert {one.code for one in done if isinstance(one, ConflictError)} == {"already_consumed"}


async def test_an_outcome_is_said_once_and_the_same_again_is_fine(bench: Bench) -> None:
    client, request = bench.client(), await bench.asked(call("outcome-1"))
    await bench.decide(request.id)
    await client.consume(request.id, "k")
    first = await client.report_outcome(request.id, "failed", "no such account")
    assert await client.report_outcome(request.id, "failed", "no such account") == first
    for other in (("succeeded", None), ("failed", "something else")):
        with pytest.raises(ConflictError) as refused:
            await client.report_outcome(request.id, *other)
        assert refused.value.code == "outcome_conflict"
    ours = await bench.proposal(request.id)
    assert (ours["state"], ours["execution"]["error"]) == ("failed", "no such account")


async def test_an_outcome_told_to_our_own_api_is_told_here_too(bench: Bench) -> None:
    """An agent may speak both; the two faces of one call agree."""
    client, request = bench.client(), await bench.asked(call("both-1"))
    await bench.decide(request.id)
    path = f"/api/v1/proposals/{(await bench.kept(request.id)).proposal_id}/outcome"
    assert (await bench.stack.call("POST", path, {"status": "succeeded", "result": {"n": 1}}))[0] == 200
    told = await client.get(request.id)
    assert told.consumption is not None
    assert told.consumption.outcome is not None
    assert told.consumption.outcome.status == "succeeded"
    with pytest.raises(ConflictError) as refused:
        await client.consume(request.id, "k")
    assert refused.value.code == "already_consumed"


async def test_a_call_whose_tool_is_at_its_limit_starts_when_there_is_room(bench: Bench) -> None:
    client, requests = bench.client(), [await bench.asked(call(f"slow-{n}", "slow.own")) for n in range(2)]
    for one in requests:
        await bench.decide(one.id)
    await client.consume(requests[0].id, "k")
    full = await bench.raw("POST", f"/v1/requests/{requests[1].id}/consume", Idempotency_Key="k")
    assert (full.status_code, full.json()["error"]["code"]) == (429, "tool_at_its_limit")
    assert full.headers["Retry-After"].isdecimal()
    await client.report_outcome(requests[0].id, "succeeded")
    assert (await client.consume(requests[1].id, "k")).consumption is not None


async def test_an_agent_that_was_paused_meanwhile_may_not_start(bench: Bench) -> None:
    admin = await bench.stack.key(KeyKind.OPERATOR, "U0ADMIN")
    request = await bench.asked(call("pause-1"))
    await bench.decide(request.id)
    body = {"reason": "something is odd"}
    assert (await bench.stack.signed(admin, "POST", "/api/v1/agents/deployer/pause", body))[0] == 200
    try:
        with pytest.raises(ConflictError) as refused:
            await bench.client().consume(request.id, "k")
        assert refused.value.code == "approval_expired"
        ours = await bench.proposal(request.id)
        assert (ours["state"], "paused" in ours["execution"]["error"]) == ("invalidated", True)
    finally:
        assert (await bench.stack.signed(admin, "POST", "/api/v1/agents/deployer/resume", body))[0] == 200


# how it refuses


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("https://127.0.0.1/x", 400, "invalid_webhook_url"),
        ("http://example.com/x", 400, "invalid_webhook_url"),
        ("https://localhost/x", 400, "invalid_webhook_url"),
    ],
)
async def test_no_instance_is_notified_inside_unless_the_policy_says_so(
    bench: Bench, address: str, status: int, code: str
) -> None:
    delivery = {
        "type": "webhook", "url": address, "registration_id": "8246931c-4ce0-4c15-a94a-e9c078ad06e2",
        "signing_secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }  # fmt: skip
    token = await bench.provisioner()
    answer = await bench.raw("POST", "/v1/instances", {"delivery": delivery}, token=token, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_every_answer_has_its_own_id_and_errors_have_one_shape(bench: Bench) -> None:
    body = {"tool": "refund", "arguments": {"service": "x"}, "timeout": "1h"}
    missing = "0198c0de-0000-7000-8000-000000000000"
    answers = {
        400: [
            await bench.raw("POST", "/v1/requests", {**body, "digest": "x"}, Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", {**body, "server": None}, Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", {**body, "timeout": "01s"}, Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", b'{"tool":"a","tool":"b"}', Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", b"{", Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", body),
            await bench.raw("GET", f"/v1/requests/{missing}?wait=soon"),
        ],
        401: [
            await bench.raw("GET", f"/v1/requests/{missing}", token="nobody"),
            await bench.raw("POST", "/v1/instances", {}, Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", body, token=await bench.provisioner(), Idempotency_Key="k"),
        ],
        404: [
            await bench.raw("GET", f"/v1/requests/{missing}"),
            await bench.raw("DELETE", "/v1/requests/..%00"),
            await bench.raw("GET", "/v2/requests"),
            await bench.raw("GET", ""),
        ],
        405: [await bench.raw("PUT", "/v1/requests", body)],
        413: [await bench.raw("POST", "/v1/requests", b" " * 1_100_000, Idempotency_Key="k")],
        422: [
            await bench.raw("POST", "/v1/requests", {**body, "tool": "deploy.production"}, Idempotency_Key="k"),
            await bench.raw("POST", "/v1/requests", {**body, "arguments": {"service": 7}}, Idempotency_Key="k"),
        ],
    }  # fmt: skip
    for status, found in answers.items():
        for one in found:
            assert one.status_code == status, (status, one.text)
            error = one.json()["error"]
            assert set(one.json()) == {"error"}
            assert {"type", "code", "message", "request_id"} <= set(error) <= {*error, "param"}
            assert error["request_id"] == one.headers["X-Request-ID"]
    assert answers[405][0].headers["Allow"] == "POST"
    assert len({one.headers["X-Request-ID"] for found in answers.values() for one in found}) == 18
    assert "X-Request-ID" in (await bench.raw("POST", "/v1/requests", body, Idempotency_Key="id")).headers


async def test_a_call_that_does_not_fit_names_its_fields_and_is_not_kept(bench: Bench) -> None:
    body = {"tool": "refund", "arguments": {"service": 7}, "timeout": "1h"}
    first = await bench.raw("POST", "/v1/requests", body, Idempotency_Key="unfit")
    assert (first.status_code, first.json()["error"]["param"]) == (422, "arguments/service")
    mended = await bench.raw(
        "POST", "/v1/requests", {**body, "arguments": {"service": "x"}}, Idempotency_Key="unfit"
    )  # fmt: skip
    assert mended.status_code == 201


async def test_a_tool_that_countersign_runs_itself_is_refused_with_the_way_out(bench: Bench) -> None:
    body = {"tool": "deploy.production", "arguments": {"service": "x"}, "timeout": "1h"}
    answer = await bench.raw("POST", "/v1/requests", body, Idempotency_Key="ours")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "tool_not_run_by_agent")
    assert 'kind = "agent"' in error["message"]
    assert await kept_under(bench, "ours") is None


async def test_another_agents_request_is_as_good_as_unknown(bench: Bench) -> None:
    request = await bench.asked(call("others-1"))
    _, secret = await bench.stack.key(KeyKind.AGENT, "stranger")
    stranger = bench.client(secret)
    for attempt in (stranger.get, stranger.cancel, lambda id: stranger.consume(id, "k")):
        with pytest.raises(NotFound):
            await attempt(request.id)


async def test_what_expired_is_final_for_the_agent_so_nobody_asks_about_it_again(bench: Bench) -> None:
    verdict = await bench.gate(timeout="1s").check(call("final-1"))
    assert verdict.request_id is not None
    proposal_id = (await bench.kept(verdict.request_id)).proposal_id
    status, told = await bench.stack.call("POST", f"/api/v1/proposals/{proposal_id}/rerequest", {})
    assert (status, told["code"]) == (409, "AAP_REQUEST_IS_OVER")


async def test_a_remembered_session_answers_here_too(bench: Bench) -> None:
    first = call("session-1", arguments={"service": "s"}, context={"session_id": "s-1"})
    request = await bench.asked(first)
    await bench.decide(request.id, remember="session")
    second: Call = call("session-2", arguments={"service": "s"}, context={"session_id": "s-1"})
    assert isinstance(await bench.gate().check(second), Allow)
