"""Who could answer a call, asked before it is made: in Slack and on the command line."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any

import pytest

from bot.office.reaching import reach
from bot.workspace.model import UserGroup
from operations.prefer import Wishes, leave, prefer
from storage.database import utc_now
from tests.conftest import ENCRYPTION_KEY
from tests.integration.verbs import TENANT
from tests.policies import tool
from tests.process import ROOT
from tests.stack import ENVIRONMENT, Stack

EXTRA = tool("deploy.mixed", title="Deploy by many", reviewers='["S0MIXED", "U0NOBODY"]', quorum=2) + tool(
    "deploy.slow", title="Deploy slowly", more='escalate_after = "4h"\nescalate_to = ["U0ADMIN", "S0ONCALL"]',
    reviewers='["U0ALICE"]',
)  # fmt: skip


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": EXTRA}


@pytest.fixture
async def stack(stack: Stack) -> Stack:
    people = ["U0BOB", "U0GUEST", "U0BOT", "U0MALLORY", "U0CAROL"]
    stack.slack.workspace.add_group(UserGroup("S0MIXED", "mixed", "Mixed", people))
    stack.slack.workspace.users["U0MALLORY"].is_stranger = True
    return stack


async def answer(stack: Stack, words: str) -> str:
    said = await stack.slack.command("U0MALLORY" if words == "" else "U0ALICE", "/approvals", f"who {words}")
    return " ".join(one.text for one in said.ephemeral)


async def gone(stack: Stack, person: str, delegate: str | None = None, **until: float) -> None:
    end = utc_now() + timedelta(**until) if until else None
    await stack.database.write(TENANT, lambda tx: leave(tx, person, end, delegate))


async def test_everybody_in_a_group_is_named_with_what_keeps_them_out(stack: Stack) -> None:
    found = await reach(stack.server.office, "deploy.mixed", "deployer")
    group, person = found.places
    assert {one.id: one.bearing.value for one in (*group.people, *person.people)} == {
        "U0BOB": "there", "U0CAROL": "there", "U0GUEST": "guest", "U0BOT": "bot", "U0MALLORY": "stranger",
        "U0NOBODY": "unknown",
    }  # fmt: skip
    assert (found.near, found.can_settle) == ({"U0BOB", "U0CAROL"}, True)
    said = await answer(stack, "deploy.mixed deployer")
    for part in ("asks 2 of these people", "@mixed (S0MIXED)", "<@U0GUEST> – a guest", "✅ 2 within reach"):
        assert part in said


async def test_who_is_away_is_shown_with_who_answers_for_them(stack: Stack) -> None:
    await gone(stack, "U0BOB", "U0CAROL", days=2)
    await gone(stack, "U0CAROL", "U0ADMIN")
    said = await answer(stack, "deploy.production deployer")
    assert "<@U0BOB> – out of office until <!date^" in said
    assert said.count("<@U0ADMIN> answers") == 2
    assert "✅ 1 within reach: <@U0ADMIN>" in said


async def test_a_delegate_who_may_not_stand_in_is_said_to_be_none(stack: Stack) -> None:
    await gone(stack, "U0BOB", "U0MALLORY")
    await gone(stack, "U0CAROL")
    said = await answer(stack, "deploy.production deployer")
    assert "<@U0MALLORY> may not answer or is not there either" in said
    assert "🚨 Nobody who may decide is there" in said


@pytest.mark.parametrize(("name", "on_behalf_of", "bearings"), [
    ("deploy.production", "U0CAROL", {"U0BOB": "there", "U0CAROL": "requester"}),
    ("deploy.default", "U0ALICE", {"U0ADMIN": "there", "U0ALICE": "requester"}),
    ("deploy.barred", None, {"U0BOB": "there"}),
])  # fmt: skip
async def test_the_requester_and_a_barred_creator_do_not_count(
    stack: Stack, name: str, on_behalf_of: str | None, bearings: dict[str, str]
) -> None:
    found = await reach(stack.server.office, name, "deployer", on_behalf_of)
    assert {one.id: one.bearing.value for place in found.places for one in place.people} == bearings
    assert len(found.near) == 1


async def test_the_ladder_and_the_admins_are_named(stack: Stack) -> None:
    said = await answer(stack, "deploy.slow deployer")
    assert "After 4 hours without an answer it also asks <@U0ADMIN> – there; @oncall (S0ONCALL): " in said
    assert "Admins, who may stand in: <@U0ADMIN> – there." in said


async def test_another_moment_is_asked_about_with_what_is_announced_for_it(stack: Stack) -> None:
    await gone(stack, "U0BOB", days=2)
    await stack.database.write(TENANT, lambda tx: prefer(tx, "U0CAROL", Wishes("UTC", None, 22 * 60, 7 * 60)))
    at = utc_now().replace(hour=3, minute=0) + timedelta(days=1)
    found = await reach(stack.server.office, "deploy.production", "deployer", at=at)
    bob, carol = (place.people[0] for place in found.places)
    assert (bob.bearing.value, carol.bearing.value, carol.quiet_until) == (
        "away", "there", at.replace(hour=7, second=0, microsecond=0),
    )  # fmt: skip
    later = await answer(stack, f"deploy.production deployer {(utc_now() + timedelta(days=3)).isoformat()}")
    assert "<@U0BOB> – there" in later


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("note.auto deployer", "asks nobody"),
        ("drop.database deployer", "always blocked"),
        ("deploy.production stranger", "lacks the scope"),
        ("deploy.production", "✅"),
        ("note.auto", "Say which agent"),
        ("no.such deployer", "There is no tool"),
        ("deploy.production nobody", "There is no agent"),
        ("deploy.production deployer someday", "is no moment"),
        ("", "full members"),
    ],
)
async def test_every_question_gets_an_answer(stack: Stack, words: str, said: str) -> None:
    assert said in await answer(stack, words)


async def test_while_slack_is_away_only_names_are_known(stack: Stack) -> None:
    await gone(stack, "U0BOB")
    stack.slack.workspace.faults.add("usergroups.users.list", "503", times=9)
    found = await reach(stack.server.office, "deploy.group", "deployer")
    assert (found.places[0].people, found.can_settle) == ((), False)
    assert found.trouble


async def command(stack: Stack, *words: str, token: str = "xoxb-demo") -> tuple[int, str, str]:
    environment = {
        **os.environ, **ENVIRONMENT, "COUNTERSIGN_CONFIG": str(stack.config), "PYTHONPATH": str(ROOT),
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{stack.config.parent / 'who.db'}", "SLACK_BOT_TOKEN": token,
        "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY, "SLACK_API_URL": stack.slack.api_url,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "who-can-approve", *words, env=environment, cwd=stack.config.parent,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_line_answers_in_words_and_in_json(stack: Stack) -> None:
    code, out, _ = await command(stack, "deploy.mixed", "--agent", "deployer")
    assert code == 0
    assert "Gus (U0GUEST) – a guest, who may not decide" in out
    assert "✅ 2 within reach: Bob (U0BOB), Carol (U0CAROL)." in out
    code, out, _ = await command(stack, "deploy.mixed", "--agent", "deployer", "--json")
    told: Any = json.loads(out)
    assert (told["quorum"], told["can_settle"], told["within_reach"]) == (2, True, ["U0BOB", "U0CAROL"])
    for user in ("U0BOB", "U0CAROL"):
        stack.slack.workspace.users[user].status_emoji = ":palm_tree:"
    code, out, _ = await command(stack, "deploy.group", "--agent", "deployer")
    assert (code, "🚨 Nobody who may decide is there." in out) == (1, True)


async def test_without_a_token_the_command_line_says_what_it_could_not_see(stack: Stack) -> None:
    code, out, _ = await command(stack, "deploy.group", "--agent", "deployer", token="")
    assert code == 0
    assert "SLACK_BOT_TOKEN is not set" in out
    assert "group S0ONCALL: nobody" not in out
    code, _, err = await command(stack, "deploy.group", "--agent", "nobody", token="")
    assert (code, "There is no agent" in err) == (1, True)
