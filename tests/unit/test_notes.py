"""The lines in a thread and the direct messages, word by word."""

import re

import pytest

from bot.cards.endings import direct_message
from bot.cards.notes import NOTE_EVENTS, note
from governance.lifecycle import ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.tiers import Tier
from tests.unit.blockkit import whole_text
from tests.unit.dossiers import dossier, execution, request, review

LINES = {
    "vote": "👍 <@U0CLICKER> approved: 1 of 2",
    "approved": "✅ Approved by <@U0CLICKER>",
    "rejected": "❌ Rejected by <@U0CLICKER>",
    "deferred": "💤 Put off by <@U0CLICKER>",
    "reopened": "⏰ It was put off until now: <@U0CAROL>, group S0ONCALL, please look again. It expires WHEN",
    "delegated": "🤝 <@U0CLICKER> handed their place to <@U0DANA>, group S0LEADS",
    "covered": "🤝 <@U0DANA>, group S0LEADS answers for <@U0CLICKER>, who is out of office until WHEN",
    "uncovered": "🙋 <@U0CLICKER> is back, so their place is theirs again",
    "unreachable": "🚨 Only 2 of the 2 people who must agree are there: the admins and the agent's creator have been "
    "told. It expires WHEN",
    "edited": "✏️ <@U0CLICKER> edited the arguments, so earlier answers are void: <@U0CAROL>, group S0ONCALL, "
    "please look again",
    "escalated": "📣 Nobody has answered so far: <@U0DANA>, <!subteam^S0LEADS>, you may decide as well. "
    "It expires WHEN",
    "reasked": "🔁 <@U0CLICKER> had this asked again: <@U0CAROL>, group S0ONCALL, please look. It expires WHEN",
    "reasked_by_agent": "🔁 The agent asks again: <@U0CAROL>, group S0ONCALL, please look. It expires WHEN",
    "reasked_runs": "🔁 Asked again: the policy or a rule lets it run now",
    "withdrawn": "↩️ The agent withdrew this",
    "taken_back": "↩️ Withdrawn by <@U0CLICKER>",
    "expired": "⌛ Expired: nobody answered in time",
    "superseded": "⏹️ This question no longer stands",
    "warned_half": "⏳ Half of the time has passed: <@U0CAROL>, group S0ONCALL, this waits for you until WHEN",
    "warned_last": "⚠️ Last call: <@U0CAROL>, group S0ONCALL, this expires WHEN",
    "succeeded": "🚀 Done in 2.5 s",
    "failed": "🔥 It failed",
    "unknown": "❓ Nobody knows whether it happened: please look before it is repeated",
    "invalidated": "🚫 It was not run",
    "happened": "🔎 <@U0CLICKER> looked: it happened",
    "did_not": "🔎 <@U0CLICKER> looked: it did not happen",
    "run_again": "🔁 <@U0CLICKER> has it run once more",
}
ANSWERED = [review("U0BOB"), review("U0CAROL", ReviewVerdict.DEFER, "later")]


@pytest.mark.parametrize(("event", "line"), LINES.items())
def test_a_thread_reads_what_happened_and_who_is_waited_for(event, line):
    made = note(
        event,
        {"by": "U0CLICKER", "to": "U0DANA S0LEADS", "until": "2026-11-30T12:00:00+00:00"},
        dossier(request(), ANSWERED, execution(ExecutionStatus.SUCCEEDED)),
    )
    assert re.sub(r"<!date[^>]*>", "WHEN", made.text) == line
    assert made.blocks[0]["text"]["text"] == made.text


def test_every_event_has_its_line():
    assert set(LINES) == NOTE_EVENTS


@pytest.mark.parametrize(
    ("event", "running", "payload", "quoted"),
    [
        ("rejected", None, {"reason": "Not during the freeze"}, "Not during the freeze"),
        ("failed", execution(ExecutionStatus.FAILED, error="HTTP 400", result=None), {}, "HTTP 400"),
        ("succeeded", execution(ExecutionStatus.SUCCEEDED, result='"ok"'), {}, '"ok"'),
        ("vote", execution(ExecutionStatus.SUCCEEDED, result='"ok"'), {}, None),
        ("approved", None, {}, None),
    ],
)
def test_reasons_and_results_are_quoted_below_the_line(event, running, payload, quoted):
    made = note(event, payload, dossier(request(), (), running))
    quotes = [block["elements"][0]["elements"][0]["text"] for block in made.blocks[1:]]
    assert quotes == ([quoted] if quoted else [])


ENDINGS = {
    "succeeded": "🚀 Done:",
    "failed": "🔥 Failed:",
    "unknown": "❓ Outcome unknown:",
    "invalidated": "🚫 Not run:",
    "rejected": "❌ Rejected:",
    "expired": "⌛ Expired, nobody answered:",
}


@pytest.mark.parametrize(("event", "beginning"), ENDINGS.items())
def test_an_owner_is_told_how_the_call_of_their_agent_ended(event, beginning):
    made = direct_message(event, dossier(request(RequestStatus.APPROVED)))
    assert made.blocks[0]["text"]["text"] == f"{beginning} *Deploy to production* · Deployer"
    assert made.text.startswith(f"{beginning} Deploy to production · Deployer")


def test_a_call_that_ran_unasked_says_at_which_tier():
    running = execution(ExecutionStatus.SUCCEEDED, result='{"id":7}')
    shown = whole_text(direct_message("succeeded", dossier(None, (), running, tier=Tier.ACT_AND_NOTIFY)).blocks)
    for part in (
        "It ran without asking, at tier act_and_notify (L2).", '{\n  "service": "checkout"\n}', '{"id":7}',
        "Replaces checkout in production", "Digest `0123456789ab` · prp_0001",
    ):  # fmt: skip
        assert part in shown


def test_a_rejection_is_told_with_its_reason():
    found = dossier(request(RequestStatus.REJECTED, reason="Not during the freeze"))
    shown = whole_text(direct_message("rejected", found).blocks)
    assert "*Rejected* by <@U0BOB>" in shown
    assert "Not during the freeze" in shown
