"""Guarded functions: how calls become arguments, and what is reported however the reporting goes."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from countersign_client import AsyncGate, Edited, Failed, Gate, StillPending
from countersign_client.binding import binding_of
from countersign_client.flow import Lost, Raised, Returned
from countersign_client.guarding import Guarded, guarded
from countersign_client.reporting import reportable
from tests.client.worlds import DONE, PENDING, RUNNING, Played, answer, problem

CALL = Guarded("t", {"a": 1})


def test_a_result_that_the_server_does_not_keep_is_left_out_and_still_returned() -> None:
    played = Played([answer(RUNNING), problem(422, "NOT_STRICT_JSON"), answer(DONE)], ran=Returned(2**70))
    assert played.play(guarded(played.asker(), CALL)) == 2**70
    assert [one["status"] for one in played.bodies() if "status" in one] == ["succeeded", "succeeded"]
    assert "result" not in list(played.bodies())[-1]


@pytest.mark.parametrize("trouble", [Lost("gone"), problem(409, "ALREADY_REPORTED")])
def test_a_report_that_fails_does_not_hide_what_the_function_returned(
    trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    played = Played([answer(RUNNING), *[trouble] * 99], ran=Returned("done"))
    with caplog.at_level(logging.WARNING):
        assert played.play(guarded(played.asker(), CALL)) == "done"
    assert "prp_1 was not reported" in caplog.text


def test_what_the_server_ran_is_not_run_again() -> None:
    played = Played([answer(DONE)])
    assert played.play(guarded(played.asker(), CALL)) == 7
    assert played.runs == []


def test_a_failure_at_the_server_is_raised_as_such() -> None:
    failed = {**PENDING, "state": "failed", "execution": {"status": "failed", "error": "no such service"}}
    played = Played([answer(failed)])
    with pytest.raises(Failed, match="no such service"):
        played.play(guarded(played.asker(), CALL))


def test_edited_arguments_are_handed_over_unless_they_hide_a_secret() -> None:
    edited = {**RUNNING, "edited": True, "arguments": {"a": 2}}
    played = Played([answer(edited), answer(DONE)], ran=Returned(None))
    played.play(guarded(played.asker(), CALL))
    assert [run.arguments for run in played.runs] == [{"a": 2}]
    hidden = {**edited, "arguments": {"a": 2, "deep": [{"token": "••••••••"}]}}
    played = Played([answer(hidden), answer(DONE)])
    with pytest.raises(Edited, match="secret"):
        played.play(guarded(played.asker(), CALL))
    assert played.runs == []
    assert list(played.bodies())[-1]["status"] == "failed"


def test_an_interrupt_is_reported_quickly_as_unknown_and_goes_on() -> None:
    played = Played([answer(RUNNING), *[Lost("gone")] * 99], ran=Raised(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        played.play(guarded(played.asker(), CALL))
    assert list(played.bodies())[1] == {"status": "unknown", "error": "KeyboardInterrupt"}
    assert sum(played.slept) <= 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"a": [1]}, {"a": [1]}), (None, None), (float("nan"), "nan"), ({1, 2}, "{1, 2}")],
)  # fmt: skip
def test_results_are_reported_as_json_or_as_their_text(value: Any, expected: Any) -> None:
    assert reportable(value) == expected


def test_long_results_are_cut() -> None:
    told = reportable("x" * 100_000)
    assert (len(told["cut"]), told["characters"]) == (2_000, 100_002)


def plain(a: int, /, b: str = "x", *, c: bool = False) -> None: ...
def open_ended(a: int, **more: Any) -> None: ...
def method(self: Any, a: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (plain, (1,), {"c": True}, {"a": 1, "b": "x", "c": True}),
        (open_ended, (1,), {"z": 2}, {"a": 1, "z": 2}),
        (method, (object(), 1), {}, {"a": 1}),
    ],
)
def test_calls_become_arguments_by_name(
    function: Callable[..., None], args: Any, kwargs: Any, expected: dict[str, Any]
) -> None:
    binding = binding_of(function, None)
    bound = binding.bound(args, kwargs)
    assert binding.arguments(bound) == expected
    again, more = binding.replaced(bound, expected)
    assert binding.arguments(binding.bound(again, more)) == expected


def test_other_arguments_than_a_function_takes_are_refused() -> None:
    binding = binding_of(plain, None)
    with pytest.raises(TypeError, match="lack a"):
        binding.replaced(binding.bound((1,), {}), {"b": "y"})
    with pytest.raises(TypeError, match="hold d"):
        binding.replaced(binding.bound((1,), {}), {"a": 2, "d": 1})


def test_what_cannot_be_guarded_is_refused_where_it_is_written() -> None:
    gate = Gate("http://127.0.0.1:9", "k")

    def many(*paths: str) -> None: ...

    with pytest.raises(TypeError, match=r"many takes \*paths, which cannot be proposed under a name"):
        gate.guard("files.delete")(many)
    named = gate.guard("files.delete", arguments=lambda *paths: {"paths": list(paths)})(many)
    assert inspect.signature(named) == inspect.signature(many)
    with pytest.raises(TypeError, match="use Gate"):
        AsyncGate("http://127.0.0.1:9", "k").guard("files.delete")(plain)


@pytest.mark.parametrize("url", ["", "countersign.example", "ftp://x", "http://", "http://x?y", "http://x:1y"])
def test_an_address_that_cannot_be_one_is_refused_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_URL", raising=False)
    with pytest.raises(ValueError, match="COUNTERSIGN_URL"):
        Gate(url, "k")


def test_a_missing_key_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_AGENT_KEY", raising=False)
    with pytest.raises(ValueError, match="COUNTERSIGN_AGENT_KEY"):
        Gate("http://x")


def test_what_nobody_decides_in_time_is_withdrawn() -> None:
    played = Played([answer(PENDING), answer(PENDING), answer({**PENDING, "state": "withdrawn"})])
    with pytest.raises(StillPending):
        played.play(guarded(played.asker(), replace(CALL, timeout=0)))
    assert [one.method for one in played.requests] == ["POST", "GET", "DELETE"]


def test_whoever_decides_in_the_last_moment_is_heard() -> None:
    late = [answer(PENDING), answer(PENDING), problem(409, "ALREADY_DECIDED"), answer(RUNNING), answer(DONE)]
    played = Played([*late], ran=Returned("in time"))
    assert played.play(guarded(played.asker(), replace(CALL, timeout=0))) == "in time"
    assert list(played.bodies())[-1]["status"] == "succeeded"
