"""Trying a call without making it, over the API and on the command line; and budgets of unasked calls."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from storage.tables import AuditEntry, KeyKind, Proposal
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.calls import API
from tests.integration.verbs import count
from tests.policies import policy_text
from tests.process import ROOT
from tests.stack import ENVIRONMENT, Stack

SCOPED = '[[scoped]]\nautomation_id = "nightly"\ntier = "shadow"\n'


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    budget = "max_autonomous_decisions_per_hour = 2\nmax_autonomous_decisions_per_day = 3"
    return {"clock": clock, "agent": budget, "extra": SCOPED}


async def tried(stack: Stack, tool: str = "deploy.production", **body: Any) -> Any:
    arguments = body.pop("arguments", {"service": "checkout"})
    sent = {"tool": tool, "arguments": arguments, **body}
    status, told = await stack.call("POST", f"{API}/proposals?dry_run=1", sent)
    assert status == 200
    return told


async def test_a_dry_run_says_what_would_happen_and_which_line_decides(stack: Stack) -> None:
    """closes governed-proposals 23"""
    told = await tried(stack)
    assert (told["state"], told["tier"], told["approval"]) == (
        "pending", "act_with_approval", {"reviewers": ["U0BOB", "U0CAROL"], "quorum": 1},
    )  # fmt: skip
    number = 1 + stack.config.read_text().splitlines().index('tier = "act_with_approval"')
    assert told["decided_by"] == f"countersign.toml:{number}: defaults.tier"
    assert told["consequence"] == "Does deploy.production with checkout"
    _, real = await stack.propose()
    assert told["digest"] == real["digest"]


@pytest.mark.parametrize(
    ("tool", "body", "state", "code", "key"),
    [
        ("note.auto", {}, "allowed", None, "agents.0.tiers.note.write"),
        ("dry.run", {}, "shadowed", None, "agents.0.tiers.dry"),
        ("hint.it", {}, "suggested", None, "agents.0.tiers.hint"),
        ("drop.database", {}, "denied", "ALWAYS_BLOCK", "risk"),
        ("deploy.production", {"arguments": {}}, "denied", "NEEDS_INPUT", "input_schema"),
        ("deploy.production", {"on_behalf_of": "U0MALLORY"}, "denied", "UNKNOWN_REQUESTER", "agents.0.people"),
        ("note.auto", {"automation_id": "nightly"}, "shadowed", None, "scoped.0.tier"),
        ("nothing", {}, "unsupported", "UNSUPPORTED", None),
    ],
)
async def test_every_verdict_names_its_line(
    stack: Stack, tool: str, body: dict[str, Any], state: str, code: str | None, key: str | None
) -> None:
    told = await tried(stack, tool, **body)
    assert (told["state"], told["code"]) == (state, code)
    assert (told["decided_by"] or "").endswith(key or "")
    assert (key is None) is (told["decided_by"] is None)


async def test_a_dry_run_leaves_nothing_behind(stack: Stack) -> None:
    before = await count(stack.database, AuditEntry)
    for name in ("note.auto", "deploy.production", "drop.database", "nothing"):
        await tried(stack, name)
    assert (await count(stack.database, Proposal), await count(stack.database, AuditEntry)) == (0, before)
    assert [(await tried(stack, "note.auto"))["state"] for _ in range(5)] == ["allowed"] * 5


async def test_unasked_calls_have_a_budget_by_the_hour_and_the_day(stack: Stack, clock: Clock) -> None:
    """closes autonomy-and-trust 27"""

    async def states(*keys: str) -> list[str]:
        return [(await stack.propose("note.auto", idempotency_key=key))[1]["tier"] for key in keys]

    assert await states("a", "b", "c") == ["act_auto", "act_auto", "act_with_approval"]
    assert "its 2 unasked calls of this hour are used up" in (await tried(stack, "note.auto"))["reason"]
    clock.forward(hours=1)
    assert await states("d", "e") == ["act_auto", "act_with_approval"]
    clock.forward(days=1)
    assert await states("f") == ["act_auto"]


async def test_calls_at_once_do_not_exceed_the_budget(stack: Stack) -> None:
    answers = await asyncio.gather(*(stack.propose("note.auto", idempotency_key=f"k{i}") for i in range(12)))
    assert sorted(body["tier"] for _, body in answers).count("act_auto") == 2


async def explained(folder: Path, *words: str) -> tuple[int, str, str]:
    config = folder / "countersign.toml"
    config.write_text(policy_text())
    environment = {
        **os.environ, **ENVIRONMENT, "COUNTERSIGN_CONFIG": str(config), "PYTHONPATH": str(ROOT),
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{folder / 'explain.db'}", "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "policy", "explain", *words, env=environment, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


ASKED = ("--agent", "deployer", "--tool", "deploy.production", "--args", '{"service":"checkout"}')


async def test_the_command_line_explains_too(tmp_path: Path) -> None:
    code, out, _ = await explained(tmp_path, *ASKED)
    assert code == 0
    assert out.startswith("pending (act_with_approval): tier act_with_approval by default\n")
    assert "decided by countersign.toml:" in out
    assert "asks 1 of U0BOB, U0CAROL" in out
    code, out, _ = await explained(tmp_path, *ASKED, "--json", "--file-only")
    assert json.loads(out)["state"] == "pending"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--agent", "nobody", "--tool", "x"), "there is no agent 'nobody'"),
        (("--agent", "deployer", "--tool", "x", "--args", "{"), "not valid JSON"),
        (("--agent", "deployer", "--tool", "x", "--args", "[]"), "write a JSON object"),
    ],
)
async def test_what_cannot_be_explained_is_refused_in_one_sentence(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    code, out, err = await explained(tmp_path, *words)
    assert (code, out) == (2, "")
    assert told in err


async def test_operators_cannot_try_calls_of_agents(stack: Stack) -> None:
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    body = {"tool": "note.auto", "arguments": {"service": "x"}}
    assert (await stack.signed(key, "POST", f"{API}/proposals?dry_run=1", body))[0] == 401
    assert (await stack.call("POST", f"{API}/proposals?dry_run=maybe", body))[0] == 422
