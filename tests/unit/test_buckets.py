"""The two token buckets: calls of one key to our API, messages of ours to one Slack channel."""

import json

import pytest

from bot.api.errors import refused
from bot.api.rate import RateLimiter
from bot.pacing import BURST, Pacer
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
    assert 3500 < pacer.wait("C0A") <= 3600
    assert pacer.wait("C0B") == 0.0
