"""When calls are counted instead of told: not before the fourth, and what went wrong is told longer."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.folded import folded
from governance.folding import ALONE, LONGEST, SILENCE, is_over, is_told_alone, kept, went_well
from storage.tables import Folding
from tests.unit.blockkit import check_message

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OUTCOMES = st.sampled_from(["succeeded", "failed", "unknown", "invalidated"])


@pytest.mark.parametrize(
    ("since", "last", "over"),
    [
        (timedelta(0), timedelta(0), False),
        (timedelta(minutes=9), timedelta(minutes=9, seconds=59), False),
        (timedelta(minutes=10), timedelta(minutes=10), True),
        (timedelta(minutes=59), timedelta(seconds=1), False),
        (timedelta(minutes=60), timedelta(seconds=1), True),
    ],
)
def test_a_count_ends_after_ten_minutes_of_silence_or_an_hour(since: timedelta, last: timedelta, over: bool) -> None:
    assert is_over(NOW - since, NOW - last, NOW) is over
    assert SILENCE < LONGEST


@given(st.lists(OUTCOMES, max_size=40))
def test_the_first_calls_and_the_first_failures_are_told_alone_and_nothing_else(outcomes: list[str]) -> None:
    alone: list[str] = []
    for outcome in outcomes:
        if is_told_alone(outcome, len(alone), sum(not went_well(one) for one in alone)):
            alone.append(outcome)
    assert alone[:ALONE] == outcomes[:ALONE]
    assert sum(map(went_well, alone)) <= ALONE
    bad = [one for one in outcomes if not went_well(one)]
    assert [one for one in alone if not went_well(one)][:ALONE] == bad[:ALONE]
    assert len(alone) <= 2 * ALONE


@given(st.lists(OUTCOMES, max_size=40))
def test_of_many_lines_the_last_failures_stay_whatever_comes_after_them(outcomes: list[str]) -> None:
    lines: list[dict[str, str]] = []
    for n, outcome in enumerate(outcomes):
        lines = kept([*lines, {"proposal": f"prp_{n}", "title": "t", "outcome": outcome}])
    assert len(lines) <= 8
    bad = [f"prp_{n}" for n, outcome in enumerate(outcomes) if not went_well(outcome)]
    assert [line["proposal"] for line in lines if not went_well(line["outcome"])] == bad[-5:]
    assert [line["proposal"] for line in lines] == sorted((one["proposal"] for one in lines), key=lambda p: int(p[4:]))


def folding(**more: object) -> Folding:
    given = {"counts": {}, "lines": [], "counted_since": NOW, **more}
    return Folding(id="fld_1", tenant="t", person="U0ALICE", agent_id="a", agent_name="Deployer", since=NOW,
                   last_at=NOW, **given)  # fmt: skip


def test_what_went_wrong_stands_first_and_is_never_left_out_of_the_figures() -> None:
    lines = [{"proposal": f"prp_{n}", "title": f"Call {n}", "outcome": o} for n, o in
             enumerate(["failed", "succeeded", "unknown", "succeeded"])]  # fmt: skip
    message = folded(folding(counts={"succeeded": 35, "failed": 1, "unknown": 1}, lines=lines))
    check_message(message)
    assert "37 more calls" in message.text
    assert "⚠️ 35 done, 1 failed, 1 outcome unknown" in message.text
    shown = [block["text"]["text"] for block in message.blocks[1:5]]
    assert [one.split(" · ")[0] for one in shown] == ["❓ Call 2", "🔥 Call 0", "🚀 Call 3", "🚀 Call 1"]
    assert [block["accessory"]["value"] for block in message.blocks[1:5]] == ["prp_2", "prp_0", "prp_3", "prp_1"]
    assert "and 33 more" in str(message.blocks[5])


@given(st.text(max_size=300), st.text(max_size=300))
def test_hostile_names_break_no_count(name: str, title: str) -> None:
    line = {"proposal": "prp_1", "title": title, "outcome": "succeeded"}
    found = folding(counts={"succeeded": 1}, lines=[line])
    found.agent_name = name
    check_message(folded(found))
