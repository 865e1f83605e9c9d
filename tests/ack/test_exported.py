"""The server's own record tells the same story as the witnesses, and is judged as evidence by the same rules."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from agentack.cli import main as agentack
from agentack.parser import write_jsonl
from click.testing import CliRunner

from bot.cli import cli
from tests.ack.exported import trace_of
from tests.ack.recorder import STRICT, Recorder, judged
from tests.ack.scenes import CHECKOUT, approved, approved_and_held, key_of
from tests.conftest import ENCRYPTION_KEY


async def everything(recorder: Recorder) -> None:
    """A call that ran, one rejected, one withdrawn, one that nobody answered, one that came too late."""
    assert await recorder.ended(await approved(recorder, "deploy.production", CHECKOUT)) == "succeeded"
    rejected, withdrawn = [await recorder.propose("deploy.once", {"service": name}) for name in ("a", "b")]
    for one in (rejected, withdrawn):
        await recorder.card_of(one)
    await recorder.decide(rejected, await key_of(recorder, "U0BOB"), "reject", reason="no")
    await recorder.stack.call("DELETE", f"/api/v1/proposals/{withdrawn.proposal_id}")
    held = await approved_and_held(recorder, "deploy.short")
    unanswered = await recorder.propose("deploy.once", {"service": "c"})
    await recorder.card_of(unanswered)
    recorder.forward(hours=49)
    ends = [await recorder.ended(one) for one in (rejected, withdrawn, held, unanswered)]
    assert ends == ["rejected", "withdrawn", "invalidated", "expired"]


async def export(recorder: Recorder) -> list[dict[str, Any]]:
    environment = {
        "COUNTERSIGN_DATABASE_URL": recorder.stack.database.url.render_as_string().replace("+aiosqlite", ""),
        "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["audit", "export"], env=environment)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_the_audit_export_is_evidence_and_says_what_the_witnesses_say(recorder: Recorder, tmp_path: Path) -> None:
    await everything(recorder)
    assert recorder.judge(tmp_path).status == "PASS"
    lines = await export(recorder)
    trace = trace_of(lines)
    report = judged(trace, tmp_path / "exported.jsonl")
    assert (report.status, report.findings) == ("PASS", ())

    def told(events: Any) -> Counter[Any]:
        return Counter(
            (one.type, (one.action_id or "").partition("/")[0], one.decision, one.reason) for one in events
        ) - Counter({("session_end", "", None, None): 1})

    assert told(trace) == told(recorder.events)
    unanswered = trace_of(line for line in lines if line["kind"] != "approval.decided")
    assert set(judged(unanswered, tmp_path / "worse.jsonl").rule_counts) == {"ACK009"}
    for line in lines:
        if line["kind"] == "execution.started":
            line["detail"]["digest"] = "sha256:" + "0" * 64
    assert set(judged(trace_of(lines), tmp_path / "worse.jsonl").rule_counts) == {"ACK003"}


async def test_agentack_s_own_command_passes_the_plain_path_and_fails_a_broken_one(
    recorder: Recorder, tmp_path: Path
) -> None:
    """The command a reader can run themselves: `agentack check trace.jsonl --policy agentack.toml`."""
    assert await recorder.ended(await approved(recorder, "deploy.production", CHECKOUT)) == "succeeded"
    assert recorder.judge(tmp_path).status == "PASS"
    policy, trace = tmp_path / "agentack.toml", tmp_path / "trace.jsonl"
    policy.write_text(STRICT.to_toml())
    words = ["check", str(trace), "--policy", str(policy), "--json", str(tmp_path / "report.json")]
    assert agentack(words) == 0
    assert json.loads((tmp_path / "report.json").read_text())["result"]["status"] == "PASS"
    ran = next(one for one in recorder.events if one.type == "action_executed")
    write_jsonl(trace, [*recorder.events[:-1], ran, recorder.events[-1]])
    assert agentack(words) == 1
    write_jsonl(trace, recorder.events[:-1])
    assert agentack(words) == 3
