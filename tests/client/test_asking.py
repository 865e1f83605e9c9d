"""Tries: what is tried again, under which key, and for how long."""

import json

import pytest

from countersign_client import Conflict, RateLimited, Refused, Unauthorized, Unreachable
from countersign_client.calls import OperatorKey
from countersign_client.deciding import decide
from countersign_client.flow import Answer, Lost
from countersign_client.proposing import propose, wait_for
from tests.client.worlds import DONE, PENDING, RUNNING, Played, answer, problem


@pytest.mark.parametrize(
    "lost", [Lost("reset"), Answer(502), problem(503, "SLACK_UNREACHABLE"), Answer(504, body=b"<html>")],
    ids=["no answer", "502", "503", "504"],
)  # fmt: skip
def test_a_lost_answer_is_asked_for_again_under_the_same_key(lost: Answer | Lost) -> None:
    played = Played([lost, lost, answer({**PENDING, "duplicate": True})])
    found = played.play(propose(played.asker(), "t", {"a": 1}))
    assert (found.proposal_id, found.duplicate) == ("prp_1", True)
    first, *others = played.bodies()
    assert first["idempotency_key"].startswith("csc_")
    assert others == [first, first]
    assert played.slept == [0.25, 0.5]


def test_a_limit_is_waited_out_as_long_as_the_server_says() -> None:
    played = Played([Answer(429, {"retry-after": "7"}), answer(PENDING)])
    assert played.play(propose(played.asker(), "t", {})).state == "pending"
    assert played.slept == [7.25]


def test_what_outlasts_the_patience_is_raised() -> None:
    played = Played([problem(429, "RATE_LIMITED", retry_after=90)])
    played.answers[0].headers["retry-after"] = "90"  # type: ignore[union-attr,index]
    with pytest.raises(RateLimited) as caught:
        played.play(propose(played.asker(), "t", {}))
    assert (caught.value.retry_after, played.slept) == (90.0, [])
    played = Played([Lost("refused")] * 99)
    with pytest.raises(Unreachable, match="refused"):
        played.play(propose(played.asker(patience=5), "t", {}))
    assert sum(played.slept) <= 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_other_refusals_are_not_asked_again(status: int) -> None:
    played = Played([problem(status, "NO")])
    with pytest.raises(Refused) as caught:
        played.play(propose(played.asker(), "t", {}))
    assert (caught.value.status, caught.value.code, len(played.requests)) == (status, "NO", 1)


@pytest.mark.parametrize(
    "odd", [Answer(200, body=b"<html>"), Answer(302), answer([], 404), answer({"code": 1}, 403), Answer(204)]
)
def test_what_is_no_answer_of_ours_is_never_taken_for_one(odd: Answer) -> None:
    played = Played([odd])
    with pytest.raises(Unreachable, match="no Countersign server"):
        played.play(propose(played.asker(), "t", {}))


def test_every_try_of_a_verdict_is_signed_anew() -> None:
    played = Played([Lost("reset"), answer({"id": "apr_1", "status": "approved", "proposal_id": "prp_1"})])
    flow = decide(played.asker(OperatorKey("key_1", "s")), "apr_1", "approve", digest="sha256:x", reason=None)
    assert played.play(flow).status == "approved"
    first, second = played.requests
    assert first.body == second.body == b'{"decision":"approve","digest":"sha256:x"}'
    for header in ("Nonce", "Signature"):
        assert first.headers[f"X-Countersign-{header}"] != second.headers[f"X-Countersign-{header}"]
    assert "s" not in repr(OperatorKey("k", "very-secret")).partition("…")[2]
    assert "very-secret" not in repr(played.asker(OperatorKey("k", "very-secret")))


def test_waiting_goes_on_until_there_is_nothing_to_wait_for() -> None:
    played = Played([answer(PENDING), answer({**PENDING, "state": "allowed"}), answer(RUNNING)])
    assert played.play(wait_for(played.asker(), "prp_1")).yours_to_run
    assert [one.target for one in played.requests] == ["/api/v1/proposals/prp_1?wait=60"] * 3
    assert played.slept == [0.5, 1.0], "polls that are answered too early are spaced out"


def test_a_state_of_a_newer_server_ends_the_waiting_and_counts_as_no_success() -> None:
    played = Played([answer({**PENDING, "state": "quarantined", "shape": "new"})])
    found = played.play(wait_for(played.asker(), "prp_1"))
    with pytest.raises(Exception, match="did not succeed"):
        found.raise_for_state()


def test_what_has_ended_is_not_asked_about() -> None:
    played = Played([answer(DONE)])
    ended = played.play(propose(played.asker(), "t", {}))
    assert played.play(wait_for(played.asker(), ended)) is ended
    assert ended.result == 7


def test_nothing_goes_on_beyond_the_end_that_was_set() -> None:
    played = Played([Lost("slow")] * 99)
    with pytest.raises(Unreachable):
        played.play(propose(played.asker(patience=600).within(3), "t", {}))
    assert sum(played.slept) <= 3
    assert all(one.timeout <= 3 for one in played.requests)


def test_ids_stay_one_part_of_the_path() -> None:
    played = Played([problem(404, "NOT_FOUND")])
    with pytest.raises(Refused):
        played.play(wait_for(played.asker(), "../x?y#z\n"))
    assert played.requests[0].target.startswith("/api/v1/proposals/..%2Fx%3Fy%23z%0A?")


def test_errors_say_what_they_are() -> None:
    played = Played([problem(401, "UNAUTHENTICATED")])
    with pytest.raises(Unauthorized, match=r"UNAUTHENTICATED\. \(UNAUTHENTICATED\)"):
        played.play(propose(played.asker(), "t", {}))
    played = Played([problem(409, "ALREADY_DECIDED", winner={"by": "U1"})])
    with pytest.raises(Conflict) as caught:
        played.play(propose(played.asker(), "t", {}))
    assert caught.value.winner == {"by": "U1"}
    assert json.loads(json.dumps(caught.value.details)) == {"winner": {"by": "U1"}}
