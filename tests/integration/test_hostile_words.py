"""Hostile words of reviewers and services, and in the names of arguments: they are stored, shown, and do nothing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.workspace import Message, WorkspaceServer, demo_workspace
from governance.attempts import Answer, Result
from storage.database import Database
from tests.conftest import Clock
from tests.integration.desk import Desk, is_decidable, words
from tests.integration.running import worker
from tests.integration.verbs import DEFER, REJECT, asked, say
from tests.policies import policy_text, tool

HOSTILE = [
    "<!channel> <!here|x> <!subteam^S0ONCALL> <@U0MALLORY> <#C0DEPLOYS> @everyone",
    "&lt;!channel&gt; &amp;lt;!here&amp;gt; <!chan\nnel> <<!channel>>",
    "https://evil.example/?a=1 <https://evil.example|https://bank.example>",
    "<!date^9999999999999^{time}|x> {by} {0} %s {{ 7*7 }} {% for x in y %}",
    '"}]},{"type":"actions","elements":[{"type":"button"}]}]\\" \\u0022 \\',
    "\u202egnp.exe\u202c pay\u200bpal\ufeff\u2060 \u2028 a\x00b\x1b[31m\x7f",
    *(one * 10_000 for one in ("x", "<", "&", "\u202e", "\n")),
    "   \t ",
    "\u200b",
    "Z\u0351\u036b\u0343\u036a\u0302" * 200,
    "\ue000\U0010ffff\ufffe",
]
FREE = tool("deploy.free").replace("additionalProperties = false", "additionalProperties = true")
PEOPLE = {"U0ALICE", "U0BOB", "U0CAROL"}
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


@pytest.fixture
async def desk(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    async with WorkspaceServer(demo_workspace()) as slack:
        desk = Desk(database, clock, slack, tmp_path / "desk.toml")
        desk.config.write_text(policy_text(extra=FREE))
        desk.source.reload()
        yield desk
        said = [one for channel in list(desk.workspace.channels) for one in desk.workspace.messages_in(channel)]
        assert [one.text for one in said if not is_harmless(one)] == []
        assert slack.workspace.violations == []


def is_harmless(message: Message) -> bool:
    """Whether a message reaches only people it should, previews nothing, hides nothing and needed no fallback."""
    reached = message.pings or message.unfurls or set(message.mentions) - PEOPLE
    return not (reached or _UNSEEN.search(words(message))) and bool(message.blocks)


async def test_reasons_of_reviewers_are_shown_and_do_nothing(desk: Desk) -> None:
    for n, said in enumerate(HOSTILE):
        found = await asked(desk.database, desk.policy, arguments={"service": f"service-{n}"})
        await say(desk.database, found, "U0CAROL", DEFER, f"as {said}", until=desk.clock.now.replace(hour=18))
        await desk.settle()
        assert "Put off" in words(desk.cards()[-1])
        await say(desk.database, found, "U0BOB", REJECT, f"as {said}")
        await desk.settle()
        assert not is_decidable(desk.cards()[-1])
    assert len(desk.cards()) == len(HOSTILE)


async def test_answers_of_services_are_shown_and_do_nothing(desk: Desk) -> None:
    for n, said in enumerate(HOSTILE):
        found = await asked(desk.database, desk.policy, arguments={"service": f"service-{n}"})
        await say(desk.database, found, "U0BOB")
        result = Result(Answer.FAILED, result=json.dumps(said), error=f"HTTP 400: {said}")
        await worker(desk.database, desk.policy, result).work()
        await desk.settle()
        assert "Failed" in words(desk.cards()[-1])


async def test_names_and_values_of_arguments_are_shown_and_do_nothing(desk: Desk) -> None:
    for said in HOSTILE:
        arguments = {"service": said, said[:500]: [said]}
        found = await asked(desk.database, desk.policy, "deploy.free", arguments=arguments, rationale=said)
        assert json.loads(found.proposal.arguments) == arguments
        refused = await asked(desk.database, desk.policy, arguments={"service": [said], said: said})
        assert (refused.proposal.code, len(refused.proposal.problems or [])) == ("NEEDS_INPUT", 2)
        await desk.settle()
        assert is_decidable(desk.cards()[-1])
