"""The two machines: a move is legal exactly where the table says so, for every pair of statuses."""

from itertools import product

import pytest

from governance.lifecycle import (
    EXECUTION_MOVES,
    OPEN_REQUESTS,
    OPEN_STATES,
    REQUEST_MOVES,
    ExecutionStatus,
    ProposalState,
    RequestStatus,
    sources_of_execution,
    sources_of_request,
    state_of_execution,
    state_of_request,
)

#: A decision on a deferred request reopens and decides in one move, so it may settle from there too.
REQUEST_TABLE = {
    "pending": "approved rejected expired withdrawn deferred",
    "deferred": "pending expired withdrawn approved rejected",
    "approved": "",
    "rejected": "",
    "expired": "",
    "withdrawn": "",
}
EXECUTION_TABLE = {
    "queued": "running invalidated",
    "running": "succeeded failed unknown queued",
    "unknown": "succeeded failed queued",
    "succeeded": "",
    "failed": "",
    "invalidated": "",
}


@pytest.mark.parametrize(("source", "target"), list(product(RequestStatus, repeat=2)))
def test_a_request_moves_only_along_its_table(source, target):
    legal = target in REQUEST_TABLE[source].split()
    assert (source in sources_of_request(target)) is legal
    assert (target in REQUEST_MOVES.get(source, ())) is legal


@pytest.mark.parametrize(("source", "target"), list(product(ExecutionStatus, repeat=2)))
def test_an_execution_moves_only_along_its_table(source, target):
    legal = target in EXECUTION_TABLE[source].split()
    assert (source in sources_of_execution(target)) is legal
    assert (target in EXECUTION_MOVES.get(source, ())) is legal


@pytest.mark.parametrize("status", RequestStatus)
def test_a_request_is_open_exactly_while_it_can_still_move(status):
    assert (status in OPEN_REQUESTS) is bool(REQUEST_TABLE[status])


@pytest.mark.parametrize("suggested", [False, True])
@pytest.mark.parametrize("status", RequestStatus)
def test_the_agent_reads_where_its_request_stands(status, suggested):
    expected = {
        "pending": "suggested" if suggested else "pending",
        "deferred": "suggested" if suggested else "pending",
        "approved": "allowed",
    }.get(status, status)
    assert state_of_request(status, suggested) == expected


@pytest.mark.parametrize("status", ExecutionStatus)
def test_the_agent_reads_how_its_call_ended_and_until_then_that_it_may_run(status):
    expected = "allowed" if status in ("queued", "running") else status
    assert state_of_execution(status) == expected


@pytest.mark.parametrize("state", ProposalState)
def test_a_proposal_is_open_while_people_or_connectors_may_still_answer(state):
    assert (state in OPEN_STATES) is (state in ("allowed", "pending", "suggested"))


def test_nothing_ever_expires_into_a_rejection():
    assert state_of_request(RequestStatus.EXPIRED, False) is ProposalState.EXPIRED
    assert RequestStatus.EXPIRED not in sources_of_request(RequestStatus.REJECTED)
