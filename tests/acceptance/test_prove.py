"""`countersign prove slack`: it holds here, and it would say so if it did not."""

import json
import re

import pytest
from click.testing import CliRunner

from bot.cli.root import cli
from bot.ids import Action
from bot.prove import truth
from bot.prove.crowd import Crowd
from bot.prove.report import Report, percentiles
from bot.prove.stage import PEOPLE, Stage
from bot.workspace import Message
from bot.workspace.clicks import Click


def test_a_soak_on_either_database_keeps_every_promise(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """closes slack-approval-bots 4, 6, 8, 22"""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)
    result = CliRunner().invoke(cli, ["prove", "slack", "--requests", "10", "--restarts", "1", "--seed", "3", "--json"])
    assert "{" in result.stdout, (result.output, result.exception)
    report = json.loads(result.stdout[result.stdout.index("{") :])
    late = report["breaches"].pop("clicks acknowledged too late")  # a matter of time, which no test asserts
    assert len(report["breaches"]) == 8
    assert not any(report["breaches"].values()), json.dumps(report)
    assert late or (report["holds"] and result.exit_code == 0)
    assert report["tried"]["requests"] == 10
    assert report["tried"]["server killed"] == 1
    assert report["tried"]["faults of Slack's Web API"] > 0


async def test_damage_of_every_kind_is_found(url: str) -> None:
    async with Stage(url, channels=1, seed=1) as stage:
        crowd = Crowd(stage, seed=1)
        proposal = await stage.api.propose({"tool": "prove.one", "arguments": {"ticket": "tkt-00001"}})
        await crowd._press(PEOPLE[0], "tkt-00001", Action.APPROVE)
        await stage.api.settled(proposal["proposal_id"])
        await truth.rest(stage)
        found = await truth.shown(stage)
        (one,) = found
        assert one.message is not None
        workspace, ends = stage.slack.workspace, await truth.ends(stage)
        assert not truth.stale(found)
        assert not truth.posted_twice(stage)
        assert not await truth.lost_answers(stage, found)
        assert not truth.unanswered(stage)
        assert not ends.doubled
        assert not ends.missing
        assert not ends.uncalled_for

        twin = Message(one.message.channel, workspace.tick(), one.message.user, from_app=True)
        twin.metadata = one.message.metadata
        workspace.put(twin)
        assert truth.posted_twice(stage) == [one.surface.id]

        one.message.blocks[1]["text"]["text"] = "⏳ *Waiting for approval*"
        assert truth.stale(found) == [one.surface.id]

        place = {"channel": one.surface.channel, "ts": one.surface.ts}
        workspace.clicks.begin(Click("block_actions", "U0CAROL", "Approve", 0.0, status=200, **place))
        assert [click.user for click in truth.unanswered(stage)] == ["U0CAROL"]
        assert await truth.lost_answers(stage, found) == [proposal["approval"]["id"]]

        stage.effects.by_proposal[proposal["proposal_id"]]["another key"] = 1
        stage.effects.by_proposal["prp_nobody_approved"]["key"] = 1
        wrong = await truth.ends(stage)
        assert wrong.doubled == [proposal["proposal_id"]]
        assert wrong.uncalled_for == ["prp_nobody_approved"]
        stage.effects.by_proposal.clear()
        assert (await truth.ends(stage)).missing == [proposal["proposal_id"]]


def test_a_report_marks_what_broke() -> None:
    report = Report("slack", 1, {"requests": 1}, {"click": percentiles([0.1, 0.2])}, {"stale cards": 1, "lost": 0})
    assert not report.holds
    assert re.search(r"stale cards +1 +✘", report.as_table())
    assert "BROKEN" in report.as_table()
    assert percentiles([]) == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "worst": 0.0}
