"""Whether one more call of a tool may start: its concurrency, and its rate, which counts calls and not attempts."""

from datetime import timedelta

import pytest

from governance.limits import Load, Room, is_limited, room_for
from governance.policy import Rate
from tests.unit.rules import tool

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changes", "limited"), [({}, False), ({"concurrency": 1}, True), ({"rate": Rate(1, MINUTE)}, True)]
)
def test_a_tool_without_limits_need_not_be_counted(changes, limited):
    assert is_limited(tool(**changes)) is limited


@pytest.mark.parametrize(
    ("changes", "load", "room"),
    [
        ({}, Load(1000, 1000), Room.ANY),
        ({"concurrency": 2}, Load(1, 1000), Room.ANY),
        ({"concurrency": 2}, Load(2, 0), Room.NONE),
        ({"rate": Rate(3, MINUTE)}, Load(1000, 2), Room.ANY),
        ({"rate": Rate(3, MINUTE)}, Load(0, 3), Room.RETRIES),
        ({"rate": Rate(3, MINUTE), "concurrency": 1}, Load(1, 0), Room.NONE),
        ({"rate": Rate(3, MINUTE), "concurrency": 1}, Load(1, 3), Room.NONE),
        ({"rate": Rate(3, MINUTE), "concurrency": 1}, Load(0, 3), Room.RETRIES),
    ],
)
def test_calls_start_while_neither_limit_is_reached_and_retries_pass_a_rate(changes, load, room):
    assert room_for(tool(**changes), load) is room
