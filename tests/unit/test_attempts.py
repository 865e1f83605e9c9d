"""What follows from one attempt: done, failed, again, or unknown; never a guess."""

from datetime import timedelta
from itertools import pairwise

import pytest

from governance.attempts import MAX_RETRY_AFTER, Answer, Result, after, after_lost_lease
from governance.lifecycle import ExecutionStatus, sources_of_execution

SECOND = timedelta(seconds=1)
UNCERTAIN = (Answer.NO_ANSWER, Answer.BUSY)


def status(answer, *, attempt=1, attempts=3, idempotent=True):
    return after(Result(answer), attempt=attempt, attempts=attempts, idempotent=idempotent).status


@pytest.mark.parametrize("attempt", [1, 2, 3])
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    ("answer", "end"),
    [(Answer.SUCCEEDED, ExecutionStatus.SUCCEEDED), (Answer.FAILED, ExecutionStatus.FAILED)],
)
def test_a_certain_answer_ends_it_whatever_is_left(answer, end, idempotent, attempt):
    assert status(answer, attempt=attempt, idempotent=idempotent) is end


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_was_refused_before_the_first_byte_is_tried_again(attempt, idempotent):
    assert status(Answer.NOT_SENT, attempt=attempt, idempotent=idempotent) is ExecutionStatus.QUEUED


@pytest.mark.parametrize(("attempt", "attempts"), [(1, 1), (3, 3)])
def test_what_never_left_has_failed_for_certain_once_attempts_are_used_up(attempt, attempts):
    found = status(Answer.NOT_SENT, attempt=attempt, attempts=attempts, idempotent=False)
    assert found is ExecutionStatus.FAILED


@pytest.mark.parametrize(("attempt", "following"), [(2, ExecutionStatus.QUEUED), (3, ExecutionStatus.UNKNOWN)])
def test_a_refusal_proves_nothing_about_an_earlier_attempt_that_may_have_run(attempt, following):
    found = after(Result(Answer.NOT_SENT), attempt=attempt, attempts=3, idempotent=True, maybe_ran=True)
    assert found.status is following


@pytest.mark.parametrize("answer", [Answer.SUCCEEDED, Answer.FAILED])
def test_a_certain_answer_to_the_same_key_settles_what_was_uncertain(answer):
    found = after(Result(answer), attempt=3, attempts=3, idempotent=True, maybe_ran=True)
    assert found.status == answer.value


@pytest.mark.parametrize("answer", UNCERTAIN)
@pytest.mark.parametrize("attempt", [1, 2])
def test_an_idempotent_call_without_an_answer_is_repeated(answer, attempt):
    assert status(answer, attempt=attempt) is ExecutionStatus.QUEUED


@pytest.mark.parametrize("answer", UNCERTAIN)
@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_call_that_must_not_be_repeated_is_unknown_at_once(answer, attempt):
    assert status(answer, attempt=attempt, idempotent=False) is ExecutionStatus.UNKNOWN


@pytest.mark.parametrize("answer", UNCERTAIN)
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(("attempt", "attempts"), [(1, 1), (3, 3), (4, 3), (20, 20)])
def test_attempts_used_up_without_an_answer_are_unknown_and_never_failed(answer, idempotent, attempt, attempts):
    found = status(answer, attempt=attempt, attempts=attempts, idempotent=idempotent)
    assert found is ExecutionStatus.UNKNOWN


@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("attempt", [1, 3])
def test_every_answer_leads_where_a_running_execution_may_go(answer, idempotent, attempt):
    found = status(answer, attempt=attempt, idempotent=idempotent)
    assert ExecutionStatus.RUNNING in sources_of_execution(found)


def delay(attempt, retry_after=None, answer=Answer.BUSY):
    result = Result(answer, retry_after=retry_after)
    return after(result, attempt=attempt, attempts=100, idempotent=True).delay


def test_waiting_doubles_up_to_five_minutes():
    delays = [delay(attempt) for attempt in range(1, 60)]
    assert delays[:4] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert max(delays) == timedelta(minutes=5)


@pytest.mark.parametrize("seconds", [0, 1, 120, 3600])
def test_a_retry_after_is_obeyed_to_the_second(seconds):
    assert delay(9, timedelta(seconds=seconds)) == timedelta(seconds=seconds)


def test_a_retry_after_beyond_an_hour_is_an_hour():
    assert delay(1, timedelta(days=365)) == MAX_RETRY_AFTER == timedelta(hours=1)


@pytest.mark.parametrize("answer", [Answer.SUCCEEDED, Answer.FAILED])
def test_an_end_is_not_delayed(answer):
    end = after(Result(answer, retry_after=SECOND), attempt=1, attempts=3, idempotent=True)
    assert end.delay == timedelta(0)


@pytest.mark.parametrize(
    ("idempotent", "attempt", "following"),
    [
        (True, 1, ExecutionStatus.QUEUED),
        (True, 3, ExecutionStatus.UNKNOWN),
        (False, 1, ExecutionStatus.UNKNOWN),
        (False, 3, ExecutionStatus.UNKNOWN),
    ],
)
def test_a_lease_that_died_is_a_call_without_an_answer(idempotent, attempt, following):
    found = after_lost_lease(attempt=attempt, attempts=3, idempotent=idempotent)
    assert found.status is following
