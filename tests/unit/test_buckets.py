"""The two token buckets: calls of one key to our API, messages of ours to one Slack channel."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.errors import refused
from bot.api.rate import RateLimiter
from bot.slack.pacing import BURST, Pacer
from governance.errors import TooMany

A_TOKEN_A_DAY = 1 / 86_400


@pytest.mark.parametrize("burst", [1, 3, 200])
def test_a_caller_may_burst_and_is_then_told_when_to_come_back(burst):
    limiter = RateLimiter()
    for _ in range(burst):
        limiter.take("agent:a", A_TOKEN_A_DAY, burst)
    with pytest.raises(TooMany) as caught:
        limiter.take("agent:a", A_TOKEN_A_DAY, burst)
    answer = refused(caught.value)
    assert (answer.status, json.loads(answer.text)["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400


def test_one_callers_calls_are_nobody_elses():
    limiter = RateLimiter()
    limiter.take("agent:a", A_TOKEN_A_DAY, 1)
    limiter.take("agent:b", A_TOKEN_A_DAY, 1)
    with pytest.raises(TooMany):
        limiter.take("agent:a", A_TOKEN_A_DAY, 1)


def test_a_bucket_fills_again_but_never_above_its_burst():
    limiter = RateLimiter()
    for _ in range(50):
        limiter.take("agent:a", 1e9, 1)
    with pytest.raises(TooMany):
        limiter.take("agent:a", A_TOKEN_A_DAY, 1)


@given(
    rate=st.floats(1e-4, 10_000), burst=st.integers(1, 50), start=st.floats(0, 1e9),
    pauses=st.lists(st.floats(0, 3), max_size=80),
)  # fmt: skip
def test_who_comes_back_when_told_to_is_let_in(rate, burst, start, pauses):
    """Whatever went before, and whatever a caller tries meanwhile or another key does."""
    now = [start]
    limiter = RateLimiter(lambda: now[0])
    for pause in [0.0] * (burst + 1) + pauses:
        now[0] += pause
        limiter.take("agent:quiet", 50.0, 1000)
        try:
            limiter.take("agent:noisy", rate, burst)
        except TooMany as refusal:
            now[0] += refusal.details["retry_after"]
            limiter.take("agent:noisy", rate, burst)


def test_who_does_not_wait_long_enough_is_told_how_long_is_left():
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    limiter.take("agent:a", 0.1, 1)
    left = []
    for _ in range(10):
        with pytest.raises(TooMany) as caught:
            limiter.take("agent:a", 0.1, 1)
        left.append(caught.value.details["retry_after"])
        now[0] += 1
    assert left == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    limiter.take("agent:a", 0.1, 1)


def test_a_channel_takes_a_burst_and_then_makes_us_wait_less_than_a_second_each():
    pacer = Pacer()
    waits = [pacer.wait("C0A") for _ in range(50)]
    assert waits[:BURST] == [0.0] * BURST
    assert any(0 < wait <= 1 for wait in waits)
    assert pacer.wait("C0B") == 0.0


def test_a_retry_after_holds_that_channel_alone():
    pacer = Pacer()
    pacer.hold("C0A", 3600)
    assert 3500 < pacer.wait("C0A") <= 3600
    assert 3500 < pacer.wait("C0A") <= 3601
    assert pacer.wait("C0B") == 0.0


class Line:
    """Messages that come back when they were told to, once a second, to a channel whose time is counted here."""

    def __init__(self):
        self.now, self.asked, self.sent = 0.0, 0, []
        self.pacer = Pacer(lambda: self.now)
        self.waiting = []  # (due, priority, name, waited)

    def add(self, name, priority):
        self.waiting.append((self.now, priority, name, False))

    def second(self):
        for one in sorted(one for one in self.waiting if one[0] <= self.now):
            self.waiting.remove(one)
            _, priority, name, waited = one
            self.asked += 1
            wait = self.pacer.wait("C0A", priority, waited=waited)
            if wait:
                self.waiting.append((self.now + wait, priority, name, True))
            else:
                self.sent.append(name)
        self.now += 1.0


def test_each_of_many_that_wait_asks_about_twice_and_all_go_in_their_order():
    line = Line()
    for n in range(80):
        line.add(f"{n:02}", 10)
    for _ in range(80):
        line.second()
    assert line.sent == [f"{n:02}" for n in range(80)]
    assert line.asked <= 2 * 80
    assert line.pacer.backlog("C0A") == 0.0


def test_what_is_more_urgent_goes_before_everything_that_waits():
    line = Line()
    for n in range(40):
        line.add(f"note {n:02}", 40)
    line.second()
    assert line.pacer.backlog("C0A") > 30
    for n in range(10):
        line.add(f"card {n}", 10)
    for _ in range(12):
        line.second()
    assert {f"card {n}" for n in range(10)} <= set(line.sent)
    for _ in range(60):
        line.second()
    assert len(line.sent) == 50
    assert line.asked <= 3 * 50


def test_a_limit_of_the_whole_workspace_is_kept_only_once_slack_has_said_so_and_the_most_urgent_go_first():
    line = Line()
    line.pacer = Pacer(lambda: line.now, burst=1000, per_second=0.5)
    assert [line.pacer.wait("chat.update", 10) for _ in range(60)] == [0.0] * 60
    line.pacer.hold("chat.update", 30)
    late, soon = line.pacer.wait("chat.update", 10), line.pacer.wait("chat.update", 0)
    assert (late, soon) == (30, 30)
    line.now += 30
    assert line.pacer.wait("chat.update", 0, waited=True) == 0
    assert line.pacer.wait("chat.update", 10, waited=True) > 0
